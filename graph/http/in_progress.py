"""Requests in progress, and a limit on the memory that they take together.

A request may wait: for its turn among slow statements, for SQLite's writer, or for a connection to
PostgreSQL. With small requests, 1,000 of one caller may do so at a time.
"""

from graph.errors import Code
from graph.http.errors import HTTPError

MAX_BYTES = 40_000_000
"""Maximum memory of all requests in progress; a single caller gets half of it."""

REQUEST_BYTES = 16_000
"""Memory of a waiting request, besides its parameters."""

TOKEN_BYTES = 600
"""Memory of a token of a document, with its share of a plan."""

RETRY_AFTER = (b"retry-after", b"1")


class InProgress:
    """The requests in progress, and the memory that they take.

    A caller may take as much as is left: one takes half of the limit, two a third each.
    """

    def __init__(self) -> None:
        self._left = MAX_BYTES
        self._taken: dict[str, int] = {}
        """Bytes by caller."""

    def take(self, caller: str, size: int) -> None:
        """Count bytes of a request until they are given back.

        Raises:
            HTTPError: its caller's requests would take too many.
        """
        taken = self._taken.get(caller, 0) + size
        if taken > self._left - size:
            raise HTTPError(
                503,
                "Too many requests are in progress. Try again later.",
                RETRY_AFTER,
                code=Code.SERVICE_UNAVAILABLE,
            )
        self._left -= size
        self._taken[caller] = taken

    def give_back(self, caller: str, size: int) -> None:
        """Count bytes no longer."""
        self._left += size
        left = self._taken[caller] - size
        if left:
            self._taken[caller] = left
        else:
            del self._taken[caller]


class Memory:
    """The memory of one request.

    Args:
        all_: the requests in progress.
        caller: who sent the request.
        size: bytes of its parameters.

    Raises:
        HTTPError: its caller's requests would take too many bytes.
    """

    __slots__ = ("_all", "_bytes", "_caller")

    def __init__(self, all_: InProgress, caller: str, size: int) -> None:
        size += REQUEST_BYTES
        all_.take(caller, size)
        self._all, self._caller, self._bytes = all_, caller, size

    def take(self, size: int) -> None:
        """Count more bytes.

        Raises:
            HTTPError: its caller's requests would take too many.
        """
        self._all.take(self._caller, size)
        self._bytes += size

    def give_back(self) -> None:
        """Count none of them any more."""
        self._all.give_back(self._caller, self._bytes)
