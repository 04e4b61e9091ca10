"""The table of books, and the rules for new books."""

from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from graph.tables.columns import keyset_indexes


class BookBase(SQLModel):
    """The fields of a book that clients read and write."""

    metadata: ClassVar[MetaData] = MetaData()

    title: str = Field(index=True, description="Its title.")
    price: float = Field(index=True, ge=0, description="What it costs.")
    lent: bool = Field(default=False, description="Whether somebody has it.")


class Book(BookBase, table=True):
    """The table `book`."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)


class BookCreate(BookBase):
    """A new book."""


METADATA = BookBase.metadata
keyset_indexes(METADATA.tables["book"])
