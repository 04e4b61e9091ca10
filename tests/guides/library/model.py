"""Authors, in a schema of their own, and their volumes."""

from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, MetaData, String
from sqlmodel import Field, SQLModel

from graph.tables.columns import keyset_indexes

STRINGS: Any = ARRAY(String)


class Base(SQLModel):
    """Base class of the models."""

    metadata: ClassVar[MetaData] = MetaData()


class AuthorBase(Base):
    """The fields of an author."""

    name: str = Field(index=True)


class Author(AuthorBase, table=True):
    """The table `shop.author`."""

    __table_args__ = {"schema": "shop"}

    id: int | None = Field(default=None, primary_key=True)


class VolumeBase(Base):
    """The fields of a volume."""

    title: str = Field(unique=True)
    tags: list[str] = Field(sa_type=STRINGS)
    author_id: int = Field(foreign_key="shop.author.id", index=True)


class Volume(VolumeBase, table=True):
    """The table `volume`."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)


METADATA = Base.metadata

for table in METADATA.sorted_tables:
    keyset_indexes(table)
