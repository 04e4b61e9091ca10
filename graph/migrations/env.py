"""What Alembic runs: the migrations, or their comparison with the models, on a connection."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString

from graph.hero.model import HERO
from graph.migrations import VERSION_TABLE


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """SQLModel's type for text in SQLAlchemy's words, so that migrations need only those."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, AutoString) else False


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Leave alone the tables of others in the same database."""
    return kind != "table" or name in HERO.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=HERO.metadata,
    version_table=VERSION_TABLE,
    include_name=include_name,
    render_item=render_item,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
