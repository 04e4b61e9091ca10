"""Mutations of one statement, which PostgreSQL commits as it runs them.

They take one round trip; with `BEGIN` and `COMMIT` they take three. Nothing can then be undone
any more, so the statement itself has to fail where its row cannot be answered in full.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, NamedTuple

from graph.database.statement import Rows, exactly

MAX_TEXT_BYTES = 1_000
"""The longest text in a row that is committed before it is answered."""


class Leaf(NamedTuple):
    """A field of the answer, and what the value of its column has to be."""

    column: str
    scalar: str
    """GraphQL's name of it."""
    required: bool
    """Whether it may not be null."""


class Guard(NamedTuple):
    """What a row has to be for its answer to be complete."""

    leaves: tuple[Leaf, ...]
    size: int
    """Bytes of its JSON at most, with no text in it longer than `MAX_TEXT_BYTES`."""


class One:
    """The first row of a statement, which runs when this is awaited.

    A resolver that has nothing else to do returns it as it is: the statement may then be all of
    its operation.

    Args:
        fetch: runs the statement.
        autocommit: runs it so that it is committed at once, if it can.
    """

    def __init__(
        self,
        fetch: Callable[[], Coroutine[Any, Any, Rows]],
        autocommit: Callable[[Guard], Awaitable[Rows | None]],
    ) -> None:
        self._fetch = fetch
        self._autocommit = autocommit

    def __await__(self) -> Generator[Any, Any, Any]:
        rows = yield from self._fetch().__await__()
        return exactly(1, rows)[0]

    async def committed(self, guard: Guard) -> Any:
        """The row, which is committed already where the database can do that."""
        rows = await self._autocommit(guard)
        return await self if rows is None else exactly(1, rows)[0]
