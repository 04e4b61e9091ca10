"""What Alembic runs: the migrations, or their comparison with the models, on a connection."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

import graph.migrations.sqlite  # noqa: F401 (for Alembic to know of)
from graph.engine.saved_answers import METADATA
from graph.hero.model import TABLE
from graph.migrations import VERSION_TABLE
from graph.migrations.autogenerate import render_item, rewriter

OURS = [TABLE.metadata, METADATA]
"""What describes our tables, those of the machinery included."""


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Leave alone the tables of others in the same database."""
    return kind != "table" or any(name in metadata.tables for metadata in OURS)


connection: Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # A default that a migration has as text is in UTC, wherever the server is.
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
context.configure(
    connection=connection,
    target_metadata=OURS,
    version_table=VERSION_TABLE,
    include_name=include_name,
    render_item=render_item,
    process_revision_directives=rewriter,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
