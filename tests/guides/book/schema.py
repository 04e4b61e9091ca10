"""The API of books."""

import strawberry
import strawberry.pydantic
from sqlmodel import Field
from strawberry.schema.config import StrawberryConfig

from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.tables import Resource

from . import model as models


@strawberry.pydantic.type(description="A book.")
class Book(models.BookBase):
    """A book as clients read it."""

    id: strawberry.ID = Field(description="Its id.")


BOOKS = Resource(models.Book, Book, create=models.BookCreate, one="book", many="books", most=20)


@strawberry.type
class Query:
    """The root type of queries."""

    book = BOOKS.get_field()
    books = BOOKS.page_field()
    books_connection = BOOKS.connection_field()
    book_stats = BOOKS.stats_field()


@strawberry.type
class Mutation:
    """The root type of mutations."""

    create_book = BOOKS.create_field()
    create_books = BOOKS.create_many_field()
    update_book = BOOKS.update_field()
    update_books = BOOKS.update_many_field()
    delete_book = BOOKS.delete_field()
    delete_books = BOOKS.delete_many_field()


schema = Schema(query=Query, mutation=Mutation, config=StrawberryConfig(info_class=Info))
