"""Constraints that a statement violated: which are the client's fault, and which are not."""

from collections.abc import Collection
from typing import Any, NoReturn

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Insert,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    Update,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.schema import SchemaItem

from graph.database.base import DatabaseError
from graph.errors import Constraint, ConstraintError

FIELDS = "fields"
"""Key in a table's `info`: by column name, the name of its field, if clients know any."""

KINDS: dict[Constraint, tuple[type[SchemaItem], ...]] = {
    Constraint.UNIQUE: (UniqueConstraint, PrimaryKeyConstraint, Index),
    Constraint.FOREIGN_KEY: (ForeignKeyConstraint,),
    Constraint.CHECK: (CheckConstraint,),
}
"""By what was violated, the parts of a model that say so."""


def written_table(clause: object) -> Table | None:
    """Return the table that a statement inserts into or updates; None for any other statement."""
    table = clause.table if isinstance(clause, Insert | Update) else None
    return table if isinstance(table, Table) else None


def table_of(context: ExceptionContext) -> Table | None:
    """Return the table that a failed statement of SQLAlchemy's inserts into or updates."""
    compiled = context.execution_context and context.execution_context.compiled
    return written_table(compiled.statement) if compiled else None


def refuse(
    constraint: Constraint,
    columns: Collection[str],
    table: Table | None,
    error: BaseException,
    *,
    name: str | None = None,
) -> NoReturn:
    """Raise the error of a violated constraint.

    Args:
        constraint: its kind.
        columns: the columns of the table that it is about; empty if they are not known.
        table: the table that was written to, if it is known.
        error: the driver's error.
        name: the constraint's name, if the error says it.

    Raises:
        ConstraintError: a client may have given the value.
        DatabaseError: no client can give one, as the database numbers new rows by itself, and the
            model has no further columns.
    """
    if any("(" in column for column in columns):  # an index on an expression
        columns = ()
    if table is None:
        raise ConstraintError(constraint) from error
    key = table.autoincrement_column
    given = {column.name for column in table.c if column is not key}
    if columns and given.isdisjoint(columns):
        names = ", ".join(sorted(columns))
        raise DatabaseError(
            f"{table.name} refuses a row for a value that no request gives: "
            f"{constraint.name} ({names})"
        ) from error
    declared = _declared(constraint, columns, table, name)
    named = None
    if declared is not None:  # one without columns is false
        columns, named = columns or declared.columns.keys(), declared.name
    known: dict[str, str] = table.info.get(FIELDS, {})
    fields = [known[column.name] for column in table.c if column.name in {*columns} & {*known}]
    raise ConstraintError(constraint, fields, named) from error


def _declared(
    constraint: Constraint, columns: Collection[str], table: Table, name: str | None
) -> Any:
    """Return the model's constraint of this name or on these columns; None if none is known."""
    items: list[Any] = [*table.constraints, *[each for each in table.indexes if each.unique]]
    items += [each for column in table.c for each in column.constraints]
    items = [each for each in items if isinstance(each, KINDS.get(constraint, ()))]
    found = [each for each in items if name and each.name == name]
    if columns and not found:
        found = [each for each in items if {*each.columns.keys()} == set(columns)]
    if constraint is Constraint.FOREIGN_KEY and not (columns or name):
        found = items  # SQLite says neither
    return found[0] if len(found) == 1 else None
