"""What Alembic runs: the migrations, or their comparison with the models, on a connection."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations.batch import ApplyBatchImpl
from sqlalchemy import Table, text
from sqlmodel.sql.sqltypes import AutoString

from graph.hero.model import HERO
from graph.migrations import VERSION_TABLE, never_gives_an_id_again


class SQLite(SQLiteImpl):
    """Alembic's, but for what it would lose of a table that it makes anew: `AUTOINCREMENT`, and
    the last id (https://sqlite.org/autoinc.html)."""

    __dialect__ = "sqlite"

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: Table) -> None:
        super().prep_table_for_batch(batch_impl, table)
        new = batch_impl.new_table
        if new is not None and self.connection and never_gives_an_id_again(self.connection, table):
            new.dialect_options["sqlite"]["autoincrement"] = True
            last = "SELECT :new, seq FROM sqlite_sequence WHERE name = :old"
            names = {"new": new.name, "old": table.name}
            self.connection.execute(text(f"INSERT INTO sqlite_sequence (name, seq) {last}"), names)


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
