"""The table of books."""

from sqlalchemy import Table
from sqlmodel import Field, SQLModel

from graph.tables.columns import keyset_indexes


class BookBase(SQLModel):
    """The fields of a book that clients read."""

    title: str = Field(index=True, description="Its title.")
    price: float = Field(index=True, description="What it costs.")
    lent: bool = Field(default=False, description="Whether somebody has it.")


class Book(BookBase, table=True):
    """The table `book`."""

    id: int | None = Field(default=None, primary_key=True)


TABLE: Table = SQLModel.metadata.tables["book"]
keyset_indexes(TABLE)

FIRST_COLUMNS = {"id", "title", "price", "lent"}
