"""Relay connections: pages by cursor (https://relay.dev/graphql/connections.htm)."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import strawberry

from graph.database.statement import Rows

T = TypeVar("T")


@strawberry.type(description="A row of a page, with its cursor.")
class Edge(Generic[T]):
    """One row of a page."""

    cursor: str = strawberry.field(description="Position of the row, for `after` or `before`.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="Information about a page.")
class PageInfo:
    """Information about a page."""

    has_next_page: bool = strawberry.field(description="Whether there are rows after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether there are rows before this page."
    )
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first row; null when the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last row; null when the page is empty."
    )


@strawberry.type(description="A page of rows, with cursors.")
class Connection(Generic[T]):
    """A page of rows; parts that are not selected may be empty."""

    edges: Sequence[Edge[T]] = strawberry.field(description="The rows, with their cursors.")
    nodes: Sequence[T] = strawberry.field(description="The rows.")
    page_info: PageInfo = strawberry.field(description="Information about this page.")
    total_count: int = strawberry.field(description="Number of rows on all pages.")


class Edges(Sequence[Edge[Any]]):
    """The edges of a page: its rows with their cursors."""

    def __init__(self, rows: Rows, cursors: Sequence[str]) -> None:
        self.rows = rows
        self.cursors = cursors

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return Edge(cursor=self.cursors[index], node=self.rows[index])

    def __iter__(self) -> Iterator[Edge[Any]]:
        for cursor, node in zip(self.cursors, self.rows, strict=True):
            yield Edge(cursor=cursor, node=node)
