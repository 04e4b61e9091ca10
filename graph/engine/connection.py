"""Pages by cursor, as Relay has them (https://relay.dev/graphql/connections.htm)."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import strawberry

from graph.database.statement import Rows

T = TypeVar("T")


@strawberry.type(description="A row of a page, with its cursor.")
class Edge(Generic[T]):
    """One row of a page."""

    cursor: str = strawberry.field(
        description="Where the row is, to be given as `after` or `before`."
    )
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="Where a page is.")
class PageInfo:
    """What is before and after a page."""

    has_next_page: bool = strawberry.field(description="Whether there are rows after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether there are rows before this page."
    )
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first row; null when there is none."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last row; null when there is none."
    )


@strawberry.type(description="A page by cursor.")
class Connection(Generic[T]):
    """A page of rows; what was not selected is left empty."""

    edges: Sequence[Edge[T]] = strawberry.field(description="The rows, with their cursors.")
    nodes: Sequence[T] = strawberry.field(description="The rows.")
    page_info: PageInfo = strawberry.field(description="What is before and after.")
    total_count: int = strawberry.field(
        description="How many rows there are, on this page and all others."
    )


class Edges(Sequence[Edge[Any]]):
    """The edges of a page: its rows, and a cursor for each."""

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
