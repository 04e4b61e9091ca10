"""Adapts Alembic: to generate revisions that run on both databases, and to keep AUTOINCREMENT."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.rewriter import Rewriter
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations.batch import ApplyBatchImpl
from alembic.operations.ops import AddColumnOp, CreateIndexOp, CreateTableOp, ExecuteSQLOp
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Table, TypeDecorator, text
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.schema import CreateSchema
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

from graph.migrations import has_autoincrement
from graph.tables.columns import BY_CODE_POINT

rewriter = Rewriter()

PORTABLE = dialect()
"""SQLite's dialect writes values of most types as text that PostgreSQL also reads."""


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write a `TypeDecorator` as the SQLAlchemy type that it wraps, with its import."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    stored = item.impl_instance
    _, of_a_dialect, module = type(stored).__module__.rpartition("sqlalchemy.dialects.")
    if not of_a_dialect:
        return f"sa.{stored!r}"
    name = module.partition(".")[0]
    context.imports.add(f"from sqlalchemy.dialects import {name}")
    return f"{name}.{stored!r}"


@rewriter.rewrites(AddColumnOp)
def fill_existing_rows(_: MigrationContext, __: Any, operation: AddColumnOp) -> AddColumnOp:
    """Fill a new NOT NULL column of existing rows with the model's default.

    A default factory is called once, when the revision is written: all rows get the same value.
    """
    column = operation.column
    default = column.default
    if column.nullable or column.server_default is not None:
        return operation
    if isinstance(default, ScalarElementColumnDefault):
        value = default.arg
    elif isinstance(default, CallableColumnDefault):
        value = default.arg(None)  # type: ignore[arg-type] # (no context)
    else:
        return operation
    convert = column.type.dialect_impl(PORTABLE).bind_processor(PORTABLE)
    filled = str(convert(value) if convert else value)
    operation.column = Column(
        column.name, column.type, nullable=False, server_default=filled, comment=column.comment
    )
    return operation


@rewriter.rewrites(CreateTableOp)
def create_schema(_: MigrationContext, __: Any, operation: CreateTableOp) -> list[Any]:
    """Create the schema of a table before it."""
    if operation.schema is None:
        return [operation]
    creation = CreateSchema(operation.schema, if_not_exists=True).compile(dialect=PORTABLE)
    return [ExecuteSQLOp(str(creation)), operation]


@rewriter.rewrites(CreateIndexOp)
def order_by_code_point(_: MigrationContext, __: Any, operation: CreateIndexOp) -> CreateIndexOp:
    """Add COLLATE "C" to an index on PostgreSQL whose texts the model orders by code point."""
    first = operation.columns[0]
    for index in first.table.indexes if isinstance(first, Column) else ():
        if index.name == operation.index_name and (texts := index.info.get(BY_CODE_POINT)):
            # Written as an operator class: Alembic cannot compare an index expression.
            operation.kw["postgresql_ops"] = dict.fromkeys(texts, 'COLLATE "C"')
    return operation


class Implementation(SQLiteImpl):
    """Keeps AUTOINCREMENT of a rebuilt table; Alembic uses the last class of a dialect."""

    __dialect__ = "sqlite"

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: Table) -> None:
        """Give the new table AUTOINCREMENT and its sequence (https://sqlite.org/autoinc.html)."""
        super().prep_table_for_batch(batch_impl, table)
        connection, new = self.connection, batch_impl.new_table
        assert connection is not None  # noqa: S101 (for the type checker)
        assert new is not None  # noqa: S101 (as above)
        if has_autoincrement(connection, table):
            new.dialect_options["sqlite"]["autoincrement"] = True
            last = "SELECT :new, seq FROM sqlite_sequence WHERE name = :old"
            names = {"new": new.name, "old": table.name}
            connection.execute(text(f"INSERT INTO sqlite_sequence (name, seq) {last}"), names)
