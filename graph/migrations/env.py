"""Alembic's environment: runs migrations, or compares a database with the models."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

from graph.engine.saved_answers import METADATA
from graph.hero.model import METADATA as MODELS
from graph.migrations import VERSION_TABLE
from graph.migrations.autogenerate import render_item, rewriter

OURS = [MODELS, METADATA]
"""Metadata of the models and of the saved answers."""


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Ignore tables of other apps in the same database."""
    return kind != "table" or any(name in metadata.tables for metadata in OURS)


connection: Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # Migrations write defaults as texts in UTC.
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
