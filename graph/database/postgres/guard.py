"""Statements that fail on PostgreSQL if their row could not be answered in full."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    UpdateBase,
    and_,
    cast,
    func,
    literal_column,
    or_,
    true,
)

from graph.database.autocommit import MAX_TEXT_BYTES, Guard
from graph.database.statement import STATEMENTS, Statement

TEXTS = ("text", "character varying")

TYPES = {
    "ID": ("smallint", "integer", "bigint", *TEXTS),
    "String": TEXTS,
    "Int": ("smallint", "integer"),
    "Float": ("double precision",),
    "Boolean": ("boolean",),
    "UUID": ("uuid",),
}
"""By scalar, the types of PostgreSQL whose values the driver makes into what the scalar takes."""


@lru_cache(STATEMENTS)
def guarded(statement: Statement, guard: Guard) -> Statement | None:
    """The statement with one more column, which divides by zero where the guard does not hold.

    It asks for the types that the columns have in the database, whatever the model says. None
    when that is not enough to know how a row is answered.
    """
    clause = statement.clause
    if not isinstance(clause, UpdateBase) or statement.sort_by_last:
        return None
    columns = dict(zip(statement.columns, statement.exported, strict=True))
    conditions: list[ColumnElement[bool]] = []
    for name, scalar, required in guard.leaves:
        if name not in columns or scalar not in TYPES:
            return None
        column: ColumnElement[Any] = columns[name]
        is_null = column.is_(None)
        value = _value(column, scalar)
        conditions.append(cast(func.pg_typeof(column), Text).in_(_literals(TYPES[scalar])))
        conditions.append(and_(~is_null, value) if required else or_(is_null, value))
    holds = cast(and_(true(), *conditions), Integer)
    check = (literal_column("1", Integer) / holds).label("guard")
    return Statement(clause.returning(check), values=statement.values)


def _value(column: ColumnElement[Any], scalar: str) -> ColumnElement[bool]:
    """Condition on a non-null value of the right type."""
    if TYPES[scalar][-1] in TEXTS:
        return func.octet_length(cast(column, Text)) <= literal_column(str(MAX_TEXT_BYTES))
    if scalar == "Float":  # neither infinite nor NaN
        return column - column == literal_column("0")
    return true()


def _literals(names: tuple[str, ...]) -> list[ColumnElement[str]]:
    return [literal_column(f"'{name}'", Text) for name in names]
