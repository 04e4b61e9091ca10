"""The API of books."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
import strawberry.pydantic
from sqlalchemy import insert
from sqlmodel import Field
from strawberry.schema.config import StrawberryConfig

from graph.database.statement import Statement
from graph.engine.connection import Connection
from graph.engine.context import ORDERED_BY, Info
from graph.engine.cost import MAXIMUM
from graph.engine.schema import Schema
from graph.tables.connections import OrderedRows, PageArguments, read_connection
from graph.tables.filters import Filter, condition_of, filter_input
from graph.tables.orders import OrderTerm, order_input, order_of
from graph.tables.sql.conditions import EVERYTHING
from graph.tables.sql.page import Page
from graph.tables.sql.segments import total_order
from graph.tables.stats import Stats, read_stats, stats_type

from .model import TABLE, BookBase

NEW_BOOK = Statement(insert(TABLE).returning(*TABLE.c), values=["title", "price", "lent"])


@strawberry.pydantic.type
class Book(BookBase):
    """A book as clients read it."""

    id: strawberry.ID = Field(description="Its id.")


@filter_input(TABLE, Book, description="Filter of books.")
class BookFilter(Filter):
    """Filter of books."""


@order_input(TABLE, Book, description="A field to sort books by.")
class BookOrder(OrderTerm):
    """Sort order of books."""


@stats_type(TABLE, Book, description="Book statistics.")
class BookStats(Stats):
    """Book statistics."""


@strawberry.type
class Query:
    """The root type of queries."""

    @strawberry.field
    async def books(
        self,
        info: Info,
        offset: int = 0,
        limit: Annotated[int, strawberry.argument(metadata={MAXIMUM: 20})] = 20,
    ) -> Sequence[Book]:
        """A page of books."""
        page = Page(TABLE, info.columns, total_order(TABLE), EVERYTHING)
        return await page.fetch(info.context.session, min(limit, 20), offset)

    @strawberry.field(metadata={ORDERED_BY: BookOrder.columns()})
    async def books_connection(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(metadata={MAXIMUM: 20})] = 20,
        after: str | None = strawberry.UNSET,
        where: BookFilter | None = strawberry.UNSET,
        order_by: list[BookOrder] | None = strawberry.UNSET,
    ) -> Connection[Book]:
        """A page of books by cursor."""
        books = OrderedRows(TABLE, order_of(TABLE, order_by), condition_of(where))
        return await read_connection(info, books, PageArguments.given(first, after, None, None), 20)

    @strawberry.field
    async def book_stats(self, info: Info) -> BookStats:
        """Statistics of all books."""
        return await read_stats(info, BookStats, TABLE, EVERYTHING)


@strawberry.type
class Mutation:
    """The root type of mutations."""

    @strawberry.mutation
    async def create_book(self, info: Info, title: str, price: float) -> Book:
        """The book as it was stored."""
        rows = await info.context.session.fetch(NEW_BOOK, title=title, price=price, lent=False)
        created: Book = rows[0]
        return created


schema = Schema(query=Query, mutation=Mutation, config=StrawberryConfig(info_class=Info))
