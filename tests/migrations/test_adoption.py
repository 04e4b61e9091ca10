"""An existing table that does not fit stops the start, with one line that says why."""

import asyncio
from collections.abc import Callable

import pytest

from graph.database import open_database
from graph.database.base import DatabaseError
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import Sql, on_postgresql, on_sqlite, slow_on_postgresql
from tests.support.hero_api import MIGRATIONS
from tests.support.service_process import run

Serve = Callable[..., Client]

REST = "age INTEGER, name VARCHAR NOT NULL, secret_name VARCHAR NOT NULL"
REQUIRED_AGE = REST.replace("INTEGER", "INTEGER NOT NULL")
VERSIONS = "CREATE TABLE hero_graph_version (version_num VARCHAR(32) NOT NULL)"


@pytest.fixture(autouse=True)
def _environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)


def refusal(*command: str) -> str:
    """The one line on which a command ends."""
    done = run(*command)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def start(configure: Callable[..., Settings]) -> None:
    """Prepare the database as the service does at start."""

    async def prepared() -> None:
        database = open_database(configure())
        try:
            await MIGRATIONS.prepare(database)
        finally:
            await database.dispose()

    asyncio.run(prepared())


@on_sqlite
@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("VIEW hero AS SELECT 1 AS id, '' AS name, 1 AS age, '' AS secret_name", "a view"),
        (f"TABLE hero (id TEXT PRIMARY KEY, {REST})", "column id"),
        (f"TABLE hero (id INT PRIMARY KEY, {REST})", "column id"),
        (f"TABLE hero (id INTEGER, {REST})", "column id"),
        (f"TABLE hero (id INTEGER PRIMARY KEY, {REST}) WITHOUT ROWID", "column id"),
        (f"TABLE hero (id INTEGER PRIMARY KEY, {REST}, team TEXT NOT NULL)", "column team"),
        (f"TABLE hero (id INTEGER PRIMARY KEY, {REQUIRED_AGE})", "column age"),
    ],
)
def test_a_table_on_sqlite_that_does_not_fit(
    configure: Callable[..., Settings], sql: Sql, definition: str, reason: str
) -> None:
    sql(f"CREATE {definition}")
    with pytest.raises(DatabaseError, match=reason):
        start(configure)
    assert sql("SELECT name FROM sqlite_master WHERE name = 'hero_graph_version'") == []


@on_postgresql
@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("VIEW hero AS SELECT 1 AS id, '' AS name, 1 AS age, '' AS secret_name", "a view"),
        ("MATERIALIZED VIEW hero AS SELECT 1 AS id, '' AS name", "a materialized view"),
        (f"TABLE hero (id TEXT PRIMARY KEY, {REST})", "column id"),
        (f"TABLE hero (id INTEGER PRIMARY KEY, {REST})", "column id"),
        (f"TABLE hero (id SERIAL, {REST}, team TEXT NOT NULL)", "column team"),
    ],
)
def test_a_table_on_postgresql_that_does_not_fit(
    configure: Callable[..., Settings], sql: Sql, definition: str, reason: str
) -> None:
    sql(f"CREATE {definition}")
    with pytest.raises(DatabaseError, match=reason):
        start(configure)
    assert sql("SELECT to_regclass('hero_graph_version')") == [(None,)]


@slow_on_postgresql
@pytest.mark.parametrize(
    "more", ["team TEXT NOT NULL DEFAULT 'none'", pytest.param("team TEXT", marks=pytest.mark.slow)]
)
def test_a_table_with_more_than_the_models_fits(
    database_url: str, serve: Serve, sql: Sql, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    is_sqlite = database_url.startswith("sqlite")
    key = "INTEGER PRIMARY KEY" if is_sqlite else "BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY"
    sql(f"CREATE TABLE hero (id {key}, {REST}, {more})")
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    assert run("db", "upgrade").returncode == 0
    assert serve().create()["id"] == "1"


@slow_on_postgresql
def test_a_revision_without_its_table_stops_the_start(sql: Sql) -> None:
    sql(VERSIONS)
    sql("INSERT INTO hero_graph_version VALUES ('0001')")
    for command in ("serve", "db upgrade"):
        assert "no table hero" in refusal(*command.split())


@pytest.mark.slow
def test_several_revisions_stop_the_start(sql: Sql) -> None:
    assert run("db", "upgrade").returncode == 0
    sql("ALTER TABLE hero_graph_version RENAME TO old")
    sql(VERSIONS)
    sql("INSERT INTO hero_graph_version VALUES ('0001'), ('0000')")
    for command in ("serve", "db check", "db upgrade"):
        assert "2 rows" in refusal(*command.split())
