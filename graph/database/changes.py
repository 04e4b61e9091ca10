"""The log of a table's changes, from which followers read them.

Triggers write the log in each writer's own transaction, so it has the changes of every program. A
position in the log is a cursor: the changes after it are read in order, each exactly once. Who
applies them has the table.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from hashlib import blake2b
from time import time
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy import (
    Connection,
    Dialect,
    Table,
)

from graph.database.statement import Rows, Statement
from graph.errors import logger
from graph.product import PREFIX

DELAY = 10.0
"""Seconds after the start until the first search for old changes."""

PERIOD = 600.0
"""Seconds between two searches for old changes."""

CHUNK = 500
"""Changes that one statement deletes."""

PAUSE = 0.02
"""Seconds between two chunks, so that requests can use the database."""

DIGEST_SIZE = 6
"""Bytes of the digest that tells cursors of different tables apart."""

NO_LOG = "The changes cannot be followed on this database."
"""Message for clients: it has no log, or is a standby."""


class Session(Protocol):
    """What the log needs of a session."""

    def start(self) -> None:
        """Start a transaction."""

    async def fetch(self, statement: Statement, **parameters: object) -> Rows:
        """Run a statement and return all its rows."""

    async def commit(self) -> None:
        """Commit the transaction."""

    async def close(self) -> None:
        """Roll back an open transaction, and release the connection."""


class Operation(StrEnum):
    """What an entry of the log says."""

    CREATED = "C"
    UPDATED = "U"
    DELETED = "D"
    TRUNCATED = "T"
    """All rows were deleted at once; nobody can say which."""
    START = "S"
    """The log begins here."""


P = TypeVar("P")


class Change(NamedTuple, Generic[P]):
    """A change of one row."""

    operation: Operation
    old: Sequence[Any] | None
    """The row's values before, by column of the model; None if there was no row."""
    new: Sequence[Any] | None
    """The row's values after; None if there is no row any more."""
    position: P
    """The position after this change."""


class Batch(NamedTuple, Generic[P]):
    """Consecutive changes."""

    changes: list[Change[P]]
    position: P
    """The position after them."""
    is_last: bool
    """Whether no further change was committed when they were read, up to the end asked for."""


class ChangeLog(ABC, Generic[P]):
    """The log of one table.

    Args:
        followed: the table whose changes it has.
        dialect: the database's.
        kept: how many changes the log keeps at most.
    """

    period: float
    """Seconds between two looks for changes of other programs."""

    def __init__(self, followed: Table, dialect: Dialect, kept: int) -> None:
        self.followed = followed
        self.kept = kept
        self.dialect = dialect
        self.preparer = dialect.identifier_preparer
        self.name = f"{PREFIX}_{followed.name}_change"
        self.not_whole = (
            f"the triggers that log the changes of {followed} are missing or were altered"
        )
        self.digest = blake2b(followed.fullname.encode(), digest_size=DIGEST_SIZE).digest()

    @abstractmethod
    def install(self, connection: Connection) -> None:
        """Make the log and its triggers, unless they are there as they should be.

        A log that is made anew has another identity: earlier cursors have expired.

        Args:
            connection: in a transaction.
        """

    @abstractmethod
    def fault(self, connection: Connection) -> str | None:
        """Return what keeps the log from having every change; None if nothing does."""

    @abstractmethod
    async def newest(self, session: Session) -> P:
        """Return the position of the state that the session reads.

        Raises:
            ServiceUnavailableError: the database has no log.
        """

    @abstractmethod
    async def read(self, session: Session, after: P, until: P | None, most: int) -> Batch[P]:
        """Return the changes after a position, in order.

        Args:
            session: reads the state of now.
            after: a position.
            until: the end, a later position; None for the newest change.
            most: maximum number of changes.

        Raises:
            CursorExpiredError: the log no longer has them all.
        """

    @abstractmethod
    def cursor(self, position: P) -> str:
        """Return a position as an opaque text."""

    @abstractmethod
    def position(self, cursor: str) -> P:
        """Return the position of a cursor.

        Raises:
            BadUserInputError: it is no cursor of this table's changes.
        """

    @abstractmethod
    async def prune(self, session: Session, before: int, most: int) -> bool:
        """Delete old changes and surplus ones, but never the newest.

        Args:
            session: a new one; the deletion is committed.
            before: milliseconds since 1970; older changes are deleted.
            most: maximum number of changes to delete.

        Returns:
            Whether there are more to delete.
        """

    async def prune_forever(self, open_session: Callable[[], Session], hours: int) -> None:
        """Delete changes that are older than this, from time to time, until it is cancelled."""
        await asyncio.sleep(DELAY)
        while True:
            has_more = False
            session = open_session()
            try:
                has_more = await self.prune(session, round(1000 * (time() - 3600 * hours)), CHUNK)
            except Exception as error:  # noqa: BLE001 (tried again later)
                logger.warning("Cannot delete old changes of %s: %r", self.followed, error)
            finally:
                await session.close()
            # If the task is cancelled, a commit waits for its outcome all the same, and returns.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError
            await asyncio.sleep(PAUSE if has_more else PERIOD)
