"""Altering a table on SQLite keeps what no model declares: triggers, the id counter, checks."""

import asyncio
from collections.abc import Callable

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.base import BatchOperations
from sqlalchemy import Connection

import graph.migrations.autogenerate  # noqa: F401 (registers with Alembic)
from graph.database import open_database
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import Sql, on_sqlite

pytestmark = on_sqlite

GONE = "mutation($id: ID!) { deleteHero(id: $id) { id } }"


def change(settings: Settings, alter: Callable[[BatchOperations], object]) -> None:
    """Run these operations of Alembic, as a migration does."""

    def work(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("hero") as batch:
            alter(batch)

    async def main() -> None:
        database = open_database(settings)
        await database.with_lock(work)
        await database.dispose()

    asyncio.run(main())


def test_a_rebuilt_table_never_reuses_an_id(
    configure: Callable[..., Settings], api: Client, sql: Sql
) -> None:
    for _ in range(3):
        last = api.create(age=1)["id"]
    api.data(GONE, id=last)
    change(configure(), lambda batch: batch.alter_column("age", nullable=False))
    [(made,)] = sql("SELECT sql FROM sqlite_master WHERE name = 'hero'")
    assert "age INTEGER NOT NULL" in made
    assert int(api.create(age=1)["id"]) == int(last) + 1


def test_a_rebuilt_table_keeps_its_definition(configure: Callable[..., Settings], sql: Sql) -> None:
    sql("CREATE TABLE hero (id INTEGER NOT NULL, age INTEGER, PRIMARY KEY (id))")
    change(configure(), lambda batch: batch.alter_column("age", nullable=False))
    [(made,)] = sql("SELECT sql FROM sqlite_master WHERE name = 'hero'")
    assert "AUTOINCREMENT" not in made
