"""Walks by cursor, from one end of a table to the other."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tests.support.client import Client

QUERY = """
query ($first: Int, $after: String, $last: Int, $before: String,
       $where: %(type)sFilter, $orderBy: [%(type)sOrder!]) {
  rows: %(connection)s(first: $first, after: $after, last: $last, before: $before,
                       where: $where, orderBy: $orderBy) {
    nodes { id %(field)s } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


class Listing(NamedTuple):
    """The connection of a table."""

    type: str
    connection: str
    field: str
    """A field that is read beside the id."""
    key: Callable[[str], Any]
    """Converts an id to the key."""


HEROES = Listing("Hero", "heroesConnection", "age", int)

AT_ONCE = 10
"""Operations per request."""

MOST = 200
"""More pages than any walk has."""


class Walk:
    """One walk.

    Args:
        order: the order; None to omit it.
        where: the filter.
        size: the size of a page.
        backward: whether to walk from the end to the start.
        listing: the connection.
    """

    def __init__(
        self,
        order: Any,
        where: dict[str, Any],
        size: int,
        *,
        backward: bool = False,
        listing: Listing = HEROES,
    ) -> None:
        self._listing = listing
        self._variables = {"where": where, **({} if order is None else {"orderBy": order})}
        self._size = size
        self._backward = backward
        self._cursor: str | None = None
        self._pages: list[list[Any]] = []
        self.ended = False

    def request(self) -> dict[str, Any]:
        """Return the request for the next page."""
        size, place = ("last", "before") if self._backward else ("first", "after")
        page = {size: self._size, place: self._cursor}
        query = QUERY % self._listing._asdict()
        return {"query": query, "variables": {**self._variables, **page}}

    def take(self, body: Any) -> None:
        """Process an answer; an age that is no `Int` is an error of its field."""
        for error in body.get("errors", ()):
            assert error["path"][-1] == "age", error
        page = body["data"]["rows"]
        info = page["pageInfo"]
        self._pages.append([self._listing.key(node["id"]) for node in page["nodes"]])
        if self._backward:
            more, behind, cursor = "hasPreviousPage", "hasNextPage", info["startCursor"]
        else:
            more, behind, cursor = "hasNextPage", "hasPreviousPage", info["endCursor"]
        self.ended = not info[more]
        self.is_at_the_start = not info[behind]
        self._cursor = cursor or self._cursor
        assert self.ended or len(self._pages[-1]) == self._size
        assert self.pages < MOST, "it has no end"

    @property
    def ids(self) -> list[Any]:
        """The keys that were seen, in the order of the table."""
        pages = reversed(self._pages) if self._backward else self._pages
        return [key for page in pages for key in page]

    @property
    def pages(self) -> int:
        """Number of pages that were read."""
        return len(self._pages)


def step(client: Client, walks: Iterable[Walk]) -> None:
    """Take the next page of each walk."""
    going = list(walks)
    for start in range(0, len(going), AT_ONCE):
        several = going[start : start + AT_ONCE]
        response = client.post([walk.request() for walk in several])
        for walk, body in zip(several, response.json(), strict=True):
            walk.take(body)
