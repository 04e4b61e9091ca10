"""GRAPH_READ_ONLY: reads are answered, mutations are refused, nothing is written at start."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from graph.database import open_database
from graph.database.base import DatabaseError
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.cluster import Cluster
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.hero_api import MIGRATIONS
from tests.support.service_process import run

READ = "{ heroes { id name } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
TUTORIAL = """CREATE TABLE hero (
  id INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, age INTEGER, secret_name VARCHAR NOT NULL
)"""

Serve = Callable[..., Client]


def ready(api: Client) -> bool:
    return api.http.get("/ready").status_code == httpx.codes.OK


@pytest.fixture
def reader(serve: Serve) -> Client:
    """A read-only service on a database with one hero."""
    serve().create()
    return serve(read_only=True)


def test_queries_are_answered(reader: Client) -> None:
    assert [hero["id"] for hero in reader.heroes()] == ["1"]
    assert reader.data("{ heroStats { count } }") == {"heroStats": {"count": 1}}
    assert ready(reader)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": '"one"'}])
def test_a_mutation_is_refused(reader: Client, headers: dict[str, str]) -> None:
    request = {"query": CREATE, "variables": {"input": HERO}}
    accept = {"accept": "application/graphql-response+json", **headers}
    answer = reader.post(request, headers=accept)
    assert answer.status_code == httpx.codes.FORBIDDEN
    [error] = answer.json()["errors"]
    assert error["message"] == "This service only reads: it executes no mutations."
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert "data" not in answer.json()
    [refused, read] = reader.post([request, {"query": READ}]).json()
    assert refused["errors"] == [error]
    assert len(read["data"]["heroes"]) == 1


@on_postgresql
def test_a_read_only_server_is_ready(serve: Serve, cluster: Cluster, sql: Sql) -> None:
    [(name,)] = sql("SELECT current_database()")
    serve().create()
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    api = serve(read_only=True)
    assert ready(api)
    assert len(api.heroes()) == 1
    assert api.codes(CREATE, input=HERO) == ["FORBIDDEN"]
    cluster.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@on_sqlite
def test_a_start_does_not_change_the_file(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "database.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(TUTORIAL)
        connection.execute("INSERT INTO hero VALUES (1, 'Rusty-Man', 48, 'Tommy Sharp')")
    before = file.read_bytes()
    api = serve(read_only=True)
    assert [hero["name"] for hero in api.heroes()] == ["Rusty-Man"]
    assert ready(api)
    assert api.codes(CREATE, input=HERO) == ["FORBIDDEN"]
    assert file.read_bytes() == before
    assert [*tmp_path.iterdir()] == [file]


@on_sqlite
@pytest.mark.parametrize(
    ("made_by", "says"),
    [
        (None, "unable to open database file"),
        ("CREATE TABLE villain (id INTEGER PRIMARY KEY)", "has no table hero"),
        ("CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT)", "no column age, secret_name"),
    ],
)
def test_an_unusable_database_stops_the_start(
    database_url: str, tmp_path: Path, made_by: str | None, says: str
) -> None:
    file = tmp_path / "database.db"
    if made_by is not None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(made_by)
    database = open_database(Settings(database_url=database_url, read_only=True))
    with pytest.raises(DatabaseError, match=says):
        asyncio.run(MIGRATIONS.prepare(database))
    assert file.exists() == (made_by is not None)


@on_sqlite
@pytest.mark.parametrize(
    "command", [["seed"], pytest.param(["db", "upgrade"], marks=pytest.mark.slow)]
)
def test_a_writing_command_is_refused(
    database_url: str, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    monkeypatch.setenv("GRAPH_READ_ONLY", "true")
    done = run(*command)
    assert done.returncode == 1
    assert done.stderr.startswith("hero-graph: cannot ")
    assert "GRAPH_READ_ONLY is set" in done.stderr
    assert done.stderr.count("\n") == 1
