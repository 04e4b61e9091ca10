"""Alembic's environment: runs migrations, or compares a database with the models."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.schema import SchemaItem

from graph.migrations import VERSION_TABLE
from graph.migrations.autogenerate import render_item, rewriter
from graph.tables.columns import BY_CODE_POINT

OURS: list[MetaData] = context.config.attributes["metadata"]

TABLES = {key: table for metadata in OURS for key, table in metadata.tables.items()}

SCHEMAS = {table.schema for table in TABLES.values()}


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Ignore schemas and tables of other apps in the same database."""
    if kind == "schema":
        return name in SCHEMAS
    return kind != "table" or parents["schema_qualified_table_name"] in TABLES


IS_FIRST = context.config.attributes.get("is_first", False)
"""Whether the first revision is being written, which has what is the models' own."""


def include_object(item: SchemaItem, _: Any, kind: str, *__: Any) -> bool:
    """Leave keyset indexes out of the first revision."""
    return not (IS_FIRST and kind == "index" and BY_CODE_POINT in item.info)


connection: Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # Migrations write defaults as texts in UTC.
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
context.configure(
    connection=connection,
    target_metadata=OURS,
    version_table=VERSION_TABLE,
    include_schemas={None} != SCHEMAS,
    include_name=include_name,
    include_object=include_object,
    render_item=render_item,
    process_revision_directives=rewriter,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
