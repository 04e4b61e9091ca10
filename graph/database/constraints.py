"""Constraints that a statement violated: which are the client's fault, and which are not."""

from collections.abc import Collection
from typing import NoReturn

from sqlalchemy import Insert, Table, Update
from sqlalchemy.engine import ExceptionContext

from graph.database.base import DatabaseError
from graph.errors import Constraint, ConstraintError


def written_table(clause: object) -> Table | None:
    """Return the table that a statement inserts into or updates; None for any other statement."""
    table = clause.table if isinstance(clause, Insert | Update) else None
    return table if isinstance(table, Table) else None


def table_of(context: ExceptionContext) -> Table | None:
    """Return the table that a failed statement of SQLAlchemy's inserts into or updates."""
    compiled = context.execution_context and context.execution_context.compiled
    return written_table(compiled.statement) if compiled else None


def refuse(
    constraint: Constraint, columns: Collection[str], table: Table | None, error: BaseException
) -> NoReturn:
    """Raise the error of a violated constraint.

    Args:
        constraint: its kind.
        columns: the columns of the table that it is about; empty if they are not known.
        table: the table that was written to, if it is known.
        error: the driver's error.

    Raises:
        ConstraintError: a client may have given the value.
        DatabaseError: no client can give one, as the database numbers new rows by itself, and the
            model has no further columns.
    """
    if table is not None and columns:
        key = table.autoincrement_column
        given = {column.name for column in table.c if column is not key}
        if given.isdisjoint(columns):
            names = ", ".join(sorted(columns))
            raise DatabaseError(
                f"{table.name} refuses a row for a value that no request gives: "
                f"{constraint.name} ({names})"
            ) from error
    raise ConstraintError(constraint) from error
