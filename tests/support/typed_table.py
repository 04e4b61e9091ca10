"""A table with a column of each type that SQLModel's documentation shows, and its API."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
import strawberry
import strawberry.pydantic
from pydantic import HttpUrl, NaiveDatetime
from sqlalchemy import (
    ARRAY,
    JSON,
    TIMESTAMP,
    BigInteger,
    DateTime,
    Integer,
    SmallInteger,
    String,
    func,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel
from strawberry.schema.config import StrawberryConfig

from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.tables.columns import keyset_indexes
from graph.tables.resource import Resource


class Tables(SQLModel, registry=registry()):
    """The base class of the models, with metadata of their own."""


class Power(Enum):
    """What a thing can do."""

    FLIGHT = "flies"
    STRENGTH = "is strong"


STORED_POWER: Any = sa.Enum(Power, native_enum=False)
"""Enums are texts in the database, as the migrations make them."""


class Base(SQLModel):
    """The columns that clients read and write."""

    text: str = Field(default="", index=True)
    number: int = Field(default=0, index=True)
    big: int = Field(default=0, sa_type=BigInteger, index=True)
    small: int = Field(default=0, sa_type=SmallInteger, index=True)
    ratio: float = Field(default=0.0, index=True)
    flag: bool = Field(default=False, index=True)
    moment: datetime = Field(default=datetime(2024, 1, 1, tzinfo=UTC), index=True)
    zoned: datetime = Field(
        default=datetime(2024, 1, 1, tzinfo=UTC), sa_type=DateTime(timezone=True), index=True
    )
    stamped: datetime = Field(
        default=datetime(2024, 1, 1, tzinfo=UTC), sa_type=TIMESTAMP(timezone=True), index=True
    )
    local: NaiveDatetime = Field(default=datetime(2024, 1, 1), index=True)  # noqa: DTZ001 (naive)
    born: date = Field(default=date(2024, 1, 1), index=True)
    wakes: time = Field(default=time(6), index=True)
    length: timedelta = Field(default=timedelta(hours=1), index=True)
    fee: Decimal = Field(default=Decimal("1.50"), max_digits=8, decimal_places=2, index=True)
    token: UUID = Field(default=UUID(int=7), index=True)
    power: Power = Field(default=Power.FLIGHT, sa_type=STORED_POWER, index=True)
    blob: bytes = Field(default=b"", index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    site: HttpUrl | None = Field(default=None, sa_type=AutoString, index=True)
    address: IPv4Address | None = Field(default=None, index=True)
    mark: UUID = Field(default_factory=uuid4)
    parent_id: UUID | None = Field(default=None, foreign_key="thing.id", index=True)


class Thing(Base, Tables, table=True):
    """A table with a column of each type, on both databases."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    made: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now()},
    )
    edits: int = Field(default=0, sa_column_kwargs={"onupdate": text("edits + 1")})
    state: str = Field(sa_column_kwargs={"server_default": "new"})


class ThingCreate(Base):
    """A new thing."""

    state: str


@strawberry.pydantic.type(name="Thing")
class ThingType(Base):
    """A thing."""

    id: strawberry.ID
    edits: int
    state: str


class TagBase(SQLModel):
    """Lists."""

    names: list[str] = Field(default_factory=list, sa_type=ARRAY(String))
    numbers: list[int] | None = Field(default=None, sa_type=ARRAY(Integer))
    bigs: list[int] | None = Field(default=None, sa_type=ARRAY(BigInteger))


class PostgresTables(SQLModel, registry=registry()):
    """The base class of the models that only PostgreSQL has."""


class Tag(TagBase, PostgresTables, table=True):
    """A table with lists."""

    id: int | None = Field(default=None, primary_key=True)


class TagCreate(TagBase):
    """New lists."""


@strawberry.pydantic.type(name="Tag")
class TagType(TagBase):
    """Lists."""

    id: strawberry.ID


class TicketBase(SQLModel):
    """A ticket."""

    name: str


class Ticket(TicketBase, PostgresTables, table=True):
    """A table whose keys the database makes, in no order."""

    id: UUID | None = Field(
        default=None,
        primary_key=True,
        sa_column_kwargs={"server_default": text("gen_random_uuid()")},
    )


class TicketCreate(TicketBase):
    """A new ticket."""


@strawberry.pydantic.type(name="Ticket")
class TicketType(TicketBase):
    """A ticket."""

    id: strawberry.ID


keyset_indexes(Tables.metadata.tables["thing"])

THINGS = Resource(Thing, ThingType, create=ThingCreate, one="thing", many="things")
TICKETS = Resource(Ticket, TicketType, create=TicketCreate, one="ticket", many="tickets")
TAGS = Resource(Tag, TagType, create=TagCreate, one="tag", many="tags")


@strawberry.type
class Query:
    """The queries."""

    thing = THINGS.get_field()
    things = THINGS.page_field()
    things_connection = THINGS.connection_field()
    thing_stats = THINGS.stats_field()
    tags = TAGS.page_field()


@strawberry.type
class Mutation:
    """The mutations."""

    create_thing = THINGS.create_field()
    create_things = THINGS.create_many_field()
    update_thing = THINGS.update_field()
    delete_thing = THINGS.delete_field()
    create_tickets = TICKETS.create_many_field()
    create_tag = TAGS.create_field()
    update_tag = TAGS.update_field()


schema = Schema(query=Query, mutation=Mutation, config=StrawberryConfig(info_class=Info))
