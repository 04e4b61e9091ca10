"""The API of books."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

import strawberry
import strawberry.pydantic
from sqlalchemy import BigInteger, bindparam, insert, select
from sqlmodel import Field
from strawberry.schema.config import StrawberryConfig

from graph.database.statement import Statement
from graph.engine.context import Info
from graph.engine.cost import MAXIMUM
from graph.engine.schema import Schema

from .model import TABLE, BookBase

NEW_BOOK = Statement(insert(TABLE).returning(*TABLE.c), values=["title", "price", "lent"])


@cache
def page_of_books(columns: tuple[str, ...] | None) -> Statement:
    """The books in id order."""
    limit, offset = bindparam("limit", type_=BigInteger), bindparam("offset", type_=BigInteger)
    names = TABLE.c.keys() if columns is None else columns or ("id",)
    page = select(*[TABLE.c[name] for name in names]).order_by(TABLE.c.id)
    return Statement(page.limit(limit).offset(offset))


@strawberry.pydantic.type
class Book(BookBase):
    """A book as clients read it."""

    id: strawberry.ID = Field(description="Its id.")


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
        statement = page_of_books(info.columns)
        return await info.context.session.fetch(statement, offset=offset, limit=min(limit, 20))


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
