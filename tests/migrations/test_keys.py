"""Tables with keys of other kinds than Hero's are checked against their models, too."""

from typing import Any

import pytest
from sqlalchemy import Connection, text

from graph.database.base import DatabaseError
from graph.migrations.catalog import check_table
from tests.support.databases import on_postgresql, on_sqlite
from tests.support.tables import MODELS, Country, Link, create_tables, run


def checked(url: str, model: Any, *statements: str) -> str:
    """Return why a table cannot be served after these statements; empty if it can."""
    found: list[str] = []

    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))
        table = model.__table__
        try:
            check_table(connection, table, table.columns.keys(), writes=True)
        except DatabaseError as error:
            found.append(str(error))

    run(url, work)
    return "".join(found)


def test_tables_as_the_models_have_them(database_url: str) -> None:
    create_tables(database_url)
    for model in MODELS:
        assert not checked(database_url, model)


@on_postgresql
@pytest.mark.parametrize(
    ("model", "statement", "reason"),
    [
        (Link, "ALTER TABLE link DROP CONSTRAINT link_pkey", "ADD PRIMARY KEY (item_id, coun"),
        (
            Link,
            "ALTER TABLE link DROP CONSTRAINT link_pkey, ADD PRIMARY KEY (item_id, year)",
            "are not a key",
        ),
        (Country, "ALTER TABLE country DROP CONSTRAINT country_pkey CASCADE", "is not a key"),
        (
            Link,
            (
                "ALTER TABLE link DROP CONSTRAINT link_item_id_fkey, "
                "ALTER COLUMN item_id TYPE text USING item_id::text"
            ),
            "has the type text instead of uuid",
        ),
    ],
)
def test_another_key_on_postgresql(
    database_url: str, model: Any, statement: str, reason: str
) -> None:
    create_tables(database_url)
    assert reason in checked(database_url, model, statement)


@on_sqlite
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("PRIMARY KEY (item_id, year)", "its primary key is not (item_id, country_code, year)"),
        ("UNIQUE (item_id)", "its primary key is not"),
        ("PRIMARY KEY (country_code, year, item_id)", ""),
    ],
)
def test_another_key_on_sqlite(database_url: str, key: str, reason: str) -> None:
    create = (
        "CREATE TABLE link (name VARCHAR NOT NULL, rank INTEGER, item_id CHAR(32) NOT NULL, "
        f"country_code VARCHAR NOT NULL, year INTEGER NOT NULL, {key})"
    )
    found = checked(database_url, Link, create)
    assert reason in found
    assert bool(found) is bool(reason)


@on_sqlite
def test_a_column_that_does_not_keep_uuids(database_url: str) -> None:
    item = "CREATE TABLE link (name VARCHAR NOT NULL, rank INTEGER, item_id INTEGER NOT NULL, "
    rest = "country_code VARCHAR, year INTEGER NOT NULL, PRIMARY KEY (item_id, country_code, year))"
    found = checked(database_url, Link, item + rest)
    assert "its column item_id has the type INTEGER" in found
    assert "its column country_code may be null, but not in the model" in found
