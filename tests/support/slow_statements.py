"""Statements that take long, on each kind of database."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, literal, select

from graph.database.statement import Statement

ENDLESS = 2**60
"""So many numbers that they come to no end."""

QUICK, LONG = 10, 200_000
"""So many that SQLite counts them within a slice of its time, and not."""


def counted(*columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """How many numbers there are up to the parameter `upto`, as `n`, and these columns."""
    first = select(literal(1, BigInteger).label("n")).cte("numbers", recursive=True)
    upto = bindparam("upto", type_=BigInteger)
    numbers = first.union_all(select(first.c.n + 1).where(first.c.n < upto))
    return select(func.count(numbers.c.n).label("n"), *columns)


COUNTED = Statement(counted())
