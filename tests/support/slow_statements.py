"""Slow statements on each kind of database."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, literal, select

from graph.database.statement import Statement

ENDLESS = 2**60
"""A count that never ends."""

QUICK, LONG = 10, 200_000
"""Counts that SQLite finishes within a time slice, and not."""


def counted(*columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """A statement that counts to the parameter `upto`, as `n`, beside these columns."""
    first = select(literal(1, BigInteger).label("n")).cte("numbers", recursive=True)
    upto = bindparam("upto", type_=BigInteger)
    numbers = first.union_all(select(first.c.n + 1).where(first.c.n < upto))
    return select(func.count(numbers.c.n).label("n"), *columns)


COUNTED = Statement(counted())
