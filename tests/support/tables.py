"""Tables with keys of every kind, and their API."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import strawberry
import strawberry.pydantic
from sqlalchemy import NullPool, create_engine, insert
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from graph.engine.schema import Schema
from graph.tables.columns import keyset_indexes
from graph.tables.resource import Resource


class Tables(SQLModel, registry=registry()):
    """The base class of the models, with metadata of their own."""


class Rest(SQLModel):
    """The columns that are not the key."""

    name: str = Field(index=True)
    rank: int | None = Field(default=None, index=True)


class Number(Rest, Tables, table=True):
    """A table whose key the database counts."""

    id: int | None = Field(default=None, primary_key=True)


class NumberCreate(Rest):
    """A new row."""


@strawberry.pydantic.type(name="Number")
class NumberType(Rest):
    """A row."""

    id: strawberry.ID


class Item(Rest, Tables, table=True):
    """A table whose key Python makes."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)


class ItemCreate(Rest):
    """A new row."""


@strawberry.pydantic.type(name="Item")
class ItemType(Rest):
    """A row."""

    id: strawberry.ID


class CountryBase(Rest):
    """A row, with a text as its key, which the client gives."""

    code: str = Field(primary_key=True, max_length=20)


class Country(CountryBase, Tables, table=True):
    """A table with a text as its key."""


class CountryCreate(CountryBase):
    """A new row."""


@strawberry.pydantic.type(name="Country")
class CountryType(CountryBase):
    """A row."""

    id: strawberry.ID


class DayBase(Rest):
    """A row, with a date as its key, which the client gives."""

    day: date = Field(primary_key=True)


class Day(DayBase, Tables, table=True):
    """A table with a date as its key."""


class DayCreate(DayBase):
    """A new row."""


@strawberry.pydantic.type(name="Day")
class DayType(DayBase):
    """A row."""

    id: strawberry.ID


class LinkBase(Rest):
    """A row with a key of three columns, two of which refer to other tables."""

    item_id: UUID = Field(foreign_key="item.id", primary_key=True)
    country_code: str = Field(foreign_key="country.code", primary_key=True)
    year: int = Field(primary_key=True)


class Link(LinkBase, Tables, table=True):
    """A table with a key of several columns."""


class LinkCreate(LinkBase):
    """A new row."""


@strawberry.pydantic.type(name="Link")
class LinkType(LinkBase):
    """A row."""

    id: strawberry.ID


MODELS: Sequence[Any] = (Number, Item, Country, Day, Link)

for model in MODELS:
    keyset_indexes(model.__table__)

RESOURCES: dict[str, Resource[Any]] = {
    "number": Resource(Number, NumberType, create=NumberCreate, one="number", many="numbers"),
    "item": Resource(Item, ItemType, create=ItemCreate, one="item", many="items"),
    "country": Resource(
        Country, CountryType, create=CountryCreate, one="country", many="countries"
    ),
    "day": Resource(Day, DayType, create=DayCreate, one="day", many="days"),
    "link": Resource(Link, LinkType, create=LinkCreate, one="link", many="links"),
}
"""By the name of the table, its API."""


def fields(resources: Iterable[Resource[Any]], *, of_mutation: bool) -> dict[str, Any]:
    """Return all root fields of tables, by name."""
    made: dict[str, Any] = {}
    for resource in resources:
        one, many = resource.one, resource.many
        if of_mutation:
            made |= {
                f"create_{one}": resource.create_field(),
                f"create_{many}": resource.create_many_field(),
                f"update_{one}": resource.update_field(),
                f"update_{many}": resource.update_many_field(),
                f"delete_{one}": resource.delete_field(),
                f"delete_{many}": resource.delete_many_field(),
            }
        else:
            made |= {
                one: resource.get_field(),
                many: resource.page_field(),
                f"{many}_connection": resource.connection_field(),
                f"{one}_stats": resource.stats_field(),
            }
    return made


def schema_of(*resources: Resource[Any]) -> Schema:
    """Return a schema with all root fields of tables."""
    return Schema(
        query=strawberry.type(type("Query", (), fields(resources, of_mutation=False))),
        mutation=strawberry.type(type("Mutation", (), fields(resources, of_mutation=True))),
    )


schema = schema_of(*RESOURCES.values())


def create_tables(url: str) -> None:
    """Create the tables in a database."""
    run(url, Tables.metadata.create_all)


def fill(url: str, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Replace all rows of a table."""

    def work(connection: Any) -> None:
        connection.execute(model.__table__.delete())
        if rows:
            connection.execute(insert(model.__table__), list(rows))

    run(url, work)


def run(url: str, work: Any) -> None:
    """Call a function with a connection, in a transaction."""
    if url.startswith("sqlite"):
        with create_engine(url, poolclass=NullPool).begin() as connection:
            work(connection)
        return

    async def begin() -> None:
        engine = create_async_engine(url.replace("postgresql", "postgresql+asyncpg", 1))
        async with engine.begin() as connection:
            await connection.run_sync(work)
        await engine.dispose()

    asyncio.run(begin())
