"""`hero-graph seed` fills tables of any kind with random rows."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import ARRAY, Column, ForeignKey, String, Table, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from graph.database import open_database
from graph.settings import Settings
from graph.tables.samples import add_samples
from tests.support.databases import Sql, on_postgresql
from tests.support.tables import Tables, run
from tests.support.typed_table import Thing

Add = Callable[[Sequence[Table], int], int]


STRINGS: Any = ARRAY(String)


class Models(SQLModel, registry=registry()):
    """The base class of the models, with metadata of their own."""


class Person(Models, table=True):
    """A table with unique texts, a bounded number, and rows that refer to one another."""

    __table_args__ = (UniqueConstraint("name", "rank"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(unique=True, max_length=12)
    name: str = Field(max_length=4)
    rank: int
    share: Decimal = Field(max_digits=3, decimal_places=2)
    friend_id: UUID | None = Field(default=None, foreign_key="person.id")


class Note(Models, table=True):
    """A table whose rows need a person."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: UUID = Field(foreign_key="person.id")
    text: str | None = None


class Membership(Models, table=True):
    """A table whose key is two references."""

    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    note_id: int = Field(foreign_key="note.id", primary_key=True)
    role: str | None = None


class Circle(SQLModel, registry=registry()):
    """The base class of two models that refer to each other."""


class House(Circle, table=True):
    """A table whose rows need a street."""

    id: int | None = Field(default=None, primary_key=True)
    street_id: int = Field(foreign_key="street.id")


class Street(Circle, table=True):
    """A table whose rows may have a first house."""

    id: int | None = Field(default=None, primary_key=True)
    first_house_id: int | None = Field(
        sa_column=Column(ForeignKey("house.id", use_alter=True, name="first_house"))
    )


class OnPostgreSQL(SQLModel, registry=registry()):
    """The base class of a model for PostgreSQL alone."""


class Listed(OnPostgreSQL, table=True):
    """A table with a type of PostgreSQL alone."""

    id: int | None = Field(default=None, primary_key=True)
    tags: list[str] = Field(sa_type=STRINGS)


@pytest.fixture
def add(configure: Callable[..., Settings]) -> Add:
    """Adds rows to tables; returns how many were added."""

    def added(tables: Sequence[Table], count: int) -> int:
        async def main() -> int:
            database = open_database(configure())
            try:
                return sum([each async for each in add_samples(database, tables, count, {})])
            finally:
                await database.dispose()

        return asyncio.run(main())

    return added


def count(sql: Sql, table: object) -> int:
    """The number of rows."""
    [(rows,)] = sql(f"SELECT count(*) FROM {table}")  # noqa: S608 (our own)
    return int(rows)


@pytest.mark.parametrize("metadata", [Tables.metadata, Models.metadata, Thing.metadata])
def test_all_tables_are_filled_again_and_again(
    database_url: str, sql: Sql, add: Add, metadata: Any
) -> None:
    run(database_url, metadata.create_all)
    tables = metadata.sorted_tables[::-1]
    for times in (1, 2, 3):
        assert add(tables, 70) == 70 * len(tables)
        assert [count(sql, table) for table in tables] == [70 * times] * len(tables)


def test_references_are_to_rows_that_are_there(database_url: str, sql: Sql, add: Add) -> None:
    run(database_url, Models.metadata.create_all)
    person, note = Models.metadata.tables["person"], Models.metadata.tables["note"]
    add([person], 1)
    sql("UPDATE person SET name = 'Ada'")
    add([note], 20)
    found = sql("SELECT count(*) FROM note JOIN person ON person.id = person_id WHERE name = 'Ada'")
    assert found == [(20,)]
    add([person], 300)
    assert sql("SELECT count(*) FROM person WHERE friend_id IS NOT NULL") > [(200,)]


def test_no_more_rows_than_can_be_unique(database_url: str, sql: Sql, add: Add) -> None:
    run(database_url, Models.metadata.create_all)
    tables = [Models.metadata.tables[name] for name in ("person", "note", "membership")]
    add(tables[:2], 2)
    assert add(tables[2:], 50) == 4
    assert count(sql, "membership") == 4


def test_tables_that_refer_to_each_other(database_url: str, sql: Sql, add: Add) -> None:
    run(database_url, Circle.metadata.create_all)
    tables = Circle.metadata.tables.values()
    assert add([*tables], 20) == 40
    assert sql("SELECT count(first_house_id) FROM street") == [(0,)]
    add([*tables], 20)
    assert sql("SELECT count(first_house_id) FROM street") > [(0,)]


@on_postgresql
def test_arrays_are_filled(database_url: str, sql: Sql, add: Add) -> None:
    run(database_url, OnPostgreSQL.metadata.create_all)
    assert add([OnPostgreSQL.metadata.tables["listed"]], 5) == 5
    assert sql("SELECT DISTINCT tags FROM listed") == [([],)]
