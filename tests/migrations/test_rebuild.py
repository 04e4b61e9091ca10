"""A migration that rebuilds a table on SQLite loses no rows, references or id counter."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from graph.database import open_database
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import Sql, on_sqlite
from tests.support.hero_api import MIGRATIONS, REVISIONS
from tests.support.service_process import run, service

pytestmark = on_sqlite

NEWEST = MIGRATIONS.newest

REBUILD = f"""
from alembic import op

revision = "{int(NEWEST) + 1:04}"
down_revision = "{NEWEST}"


def upgrade() -> None:
    with op.batch_alter_table("hero", recreate="always"):
        pass
"""


@pytest.fixture
def rebuilding_code(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the commands run a copy of the code with a revision that rebuilds the table."""
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    copy = tmp_path / "newer"
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    shutil.copytree(REVISIONS.parents[1], copy / "graph", ignore=ignored)
    (copy / f"graph/hero/revisions/{int(NEWEST) + 1:04}_rebuild.py").write_text(REBUILD)
    monkeypatch.chdir(copy)


@pytest.mark.usefixtures("api")
def test_an_id_is_never_reused(sql: Sql) -> None:
    [(table,)] = sql("SELECT sql FROM sqlite_master WHERE name = 'hero'")
    assert "AUTOINCREMENT" in table


@pytest.mark.slow
@pytest.mark.usefixtures("rebuilding_code")
def test_a_rebuilt_table_never_reuses_an_id(api: Client, database_url: str, sql: Sql) -> None:
    ids = [api.create()["id"] for _ in range(3)]
    api.data(f"mutation {{ deleteHero(id: {ids[-1]}) {{ id }} }}")
    upgraded = run("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    [(table,)] = sql("SELECT sql FROM sqlite_master WHERE name = 'hero'")
    assert "AUTOINCREMENT" in table
    with service(database_url) as newer, Client(newer.url) as again:
        assert again.create()["id"] == str(int(ids[-1]) + 1)
    checked = run("db", "check")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.slow
def test_a_table_that_reuses_ids_is_detected(
    api: Client, database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    api.create()
    [(table,)] = sql("SELECT sql FROM sqlite_master WHERE name = 'hero'")
    indexes = sql("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'hero'")
    sql("ALTER TABLE hero RENAME TO old")
    sql(table.replace("AUTOINCREMENT", ""))
    sql("INSERT INTO hero SELECT * FROM old")
    sql("DROP TABLE old")
    for (index,) in indexes:
        sql(index)
    checked = run("db", "check")
    assert checked.returncode == 4
    assert checked.stderr.count("\n") == 1
    assert "AUTOINCREMENT" in checked.stderr


def test_a_rebuilt_table_keeps_references_to_it(
    api: Client, configure: Callable[..., Settings], sql: Sql
) -> None:
    api.create(age=28)
    sql("CREATE TABLE power (hero_id INTEGER REFERENCES hero (id) ON DELETE CASCADE)")
    sql("INSERT INTO power VALUES (1)")

    def rebuild(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("hero") as batch:
            batch.alter_column("age", nullable=False)

    async def change() -> None:
        database = open_database(configure())
        await database.with_lock(rebuild)
        await database.dispose()

    asyncio.run(change())
    assert sql("SELECT hero_id, name FROM power JOIN hero ON hero.id = hero_id") == [
        (1, "Deadpond")
    ]
