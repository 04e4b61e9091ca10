"""Mutations of one statement, which PostgreSQL commits as it runs them.

They take one round trip; with `BEGIN` and `COMMIT` they take three. Nothing can then be undone
any more, so the statement itself has to fail where its row cannot be answered in full.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, NamedTuple

from graph.database.statement import Rows, exactly

MAX_TEXT_BYTES = 1_000
"""Maximum bytes of a text in a row that commits before it is answered."""


class Leaf(NamedTuple):
    """A field of the answer, and the condition on its column's value."""

    column: str
    scalar: str
    """Name of the GraphQL scalar."""
    required: bool
    """Whether null is not allowed."""


class Guard(NamedTuple):
    """Condition on a row for a complete answer."""

    leaves: tuple[Leaf, ...]
    size: int
    """Maximum bytes of its JSON if no text is longer than `MAX_TEXT_BYTES`."""


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
        """Return the row, committed already if the database supports it."""
        rows = await self._autocommit(guard)
        return await self if rows is None else exactly(1, rows)[0]
