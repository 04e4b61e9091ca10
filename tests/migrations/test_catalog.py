"""A catalog that cannot be read, or changes meanwhile, ends the start in one line."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, text

from graph import migrations
from graph.database.base import Database, DatabaseError
from graph.migrations.catalog import check_table
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.prepared_database import Configure
from tests.support.prepared_database import run as run_on_database
from tests.support.service_process import run

TABLE = (
    "CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER,"
    " secret_name TEXT NOT NULL, zzz TEXT)"
)

IN_THE_CATALOG = {
    "a statement that is none": (
        "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0, 'CREATE x')"
    ),
    "a table's name that is not UTF-8": (
        "INSERT INTO sqlite_master VALUES ('table', CAST(x'ff' AS TEXT), 'x', 0, 'CREATE x')"
    ),
    "a column's name that is not UTF-8": (
        "UPDATE sqlite_master SET sql ="
        " CAST(replace(CAST(sql AS BLOB), CAST('zzz' AS BLOB), x'fffefd') AS TEXT)"
    ),
}


COMMANDS = [("db", "check"), ("db", "upgrade")]

SERVE = ("serve", "--port", "0")
"""Prepares the database as `db upgrade` does, but takes twice as long to begin."""


def assert_one_line(*command: str) -> str:
    """See that a command fails with one line, and return it."""
    done = run(*command)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


@on_sqlite
@pytest.mark.parametrize("change", IN_THE_CATALOG)
def test_a_catalog_that_cannot_be_read(tmp_path: Path, change: str) -> None:
    with closing(sqlite3.connect(tmp_path / "database.db")) as connection, connection:
        connection.execute(TABLE)
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute(IN_THE_CATALOG[change])
    for command in COMMANDS:
        assert "cannot open" in assert_one_line(*command)


@on_sqlite
def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "database.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(TABLE)
        for number in range(50):
            connection.execute(f"CREATE TABLE t{number} (a)")
    os.truncate(file, 5_000)
    for command in (*COMMANDS, SERVE):
        assert "malformed" in assert_one_line(*command)


@on_postgresql
@pytest.mark.parametrize("catalog", ["pg_class", "pg_attribute", "pg_index", "pg_type"])
def test_a_catalog_that_may_not_be_read(
    sql: Sql, database_url: str, catalog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(database_url)
    role = f"plain_{url.database}"
    sql(TABLE.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY"))
    sql(f"CREATE ROLE {role} LOGIN")
    sql(f"GRANT SELECT ON hero TO {role}")
    sql(f"GRANT USAGE ON SCHEMA public TO {role}")
    sql(f"REVOKE SELECT ON pg_catalog.{catalog} FROM PUBLIC")  # noqa: S608 (a test's own)
    url = url.set(username=role)
    monkeypatch.setenv("GRAPH_DATABASE_URL", url.render_as_string(hide_password=False))
    try:
        for command in (*COMMANDS, *([SERVE] if catalog == "pg_class" else [])):
            assert f"permission denied for table {catalog}" in assert_one_line(*command)
    finally:
        sql(f"GRANT SELECT ON pg_catalog.{catalog} TO PUBLIC")
        sql(f"DROP OWNED BY {role}")
        sql(f"DROP ROLE {role}")


@on_postgresql
def test_a_table_that_goes_during_the_look(
    sql: Sql, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(TABLE.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY"))

    def drop_and_check(connection: Connection, *arguments: Any, **options: Any) -> None:
        connection.execute(text("DROP TABLE hero"))
        check_table(connection, *arguments, **options)

    monkeypatch.setattr(migrations, "check_table", drop_and_check)

    async def work(_: Database) -> None:
        pytest.fail("it was prepared")

    with pytest.raises(DatabaseError, match="the table hero cannot be served: it was dropped"):
        run_on_database(configure, work)


def test_a_check_looks_at_a_table_before_it_is_adopted(sql: Sql, database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    table = TABLE if is_sqlite else TABLE.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY")
    sql(table.replace("age INTEGER", "age INTEGER NOT NULL"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPH_DATABASE_URL", database_url)
        assert "its column age is NOT NULL" in assert_one_line("db", "check")
