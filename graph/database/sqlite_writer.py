"""SQLite's one writer: operations one after another, committed in groups.

A commit waits for the disk, longer than all else that a write takes. So each operation is a
savepoint (https://sqlite.org/lang_savepoint.html), and one commit is for all those that finished
since the last one. None is acknowledged before it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from graph.database.sqlite_file import driver, primary_code, rewrite
from graph.errors import ServiceUnavailableError, UnknownOutcomeError

T = TypeVar("T")


class Patiently(Protocol):
    """Calls a function, and again while a lock is held, as `SQLiteDatabase.patiently` does."""

    async def __call__(self, attempt: Callable[[], T], /) -> T:
        """What the function returns."""


class Writer:
    """The connection that writes, which one operation has at a time.

    Args:
        connect: gives the connection, opened anew where it has to be.
        patiently: calls what needs SQLite's own lock.
        timeout: seconds to wait for other operations.
    """

    def __init__(
        self, connect: Callable[[], Connection], patiently: Patiently, timeout: float
    ) -> None:
        self._connect = connect
        self._patiently = patiently
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._finished: list[asyncio.Future[None]] = []
        self._committing = set[asyncio.Task[None]]()

    async def acquire(self) -> sqlite3.Connection:
        """The connection, for the caller alone until `finish` or `undo`.

        Raises:
            ServiceUnavailableError: it was not free in time, or the file is unusable.
        """
        if self._lock.locked():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._lock.acquire()
            except TimeoutError:
                raise ServiceUnavailableError from None
        else:
            await self._lock.acquire()
        try:
            return await self._patiently(self._begin)
        except BaseException:
            self._lock.release()
            raise

    def _begin(self) -> sqlite3.Connection:
        if not self._finished:
            self._connection = self._connect()
            self._raw = driver(self._connection)
            self._raw.execute("BEGIN IMMEDIATE")
        self._raw.execute("SAVEPOINT operation")
        return self._raw

    def bound(self) -> Connection:
        """The connection for SQLAlchemy's part of a session, which makes a savepoint of its own."""
        if not self._connection.in_transaction():
            self._connection.begin()
        return self._connection

    async def finish(self) -> None:
        """Give the connection back, and wait until what was written is committed.

        Raises:
            ServiceUnavailableError: it could not be committed; nothing was stored.
            UnknownOutcomeError: the disk failed, and goes on failing: it may have been stored.
        """
        try:
            self._raw.execute("RELEASE operation")
        except BaseException:
            self.undo()
            raise
        loop = asyncio.get_running_loop()
        committed = loop.create_future()
        self._finished.append(committed)
        if len(self._finished) == 1:
            # It runs when the loop has been through the requests that are at hand.
            task = loop.create_task(self._commit())
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)
        self._lock.release()
        while not committed.done():
            # Who is cancelled can no longer be undone alone, and must not take itself for undone.
            with suppress(asyncio.CancelledError):
                await asyncio.shield(committed)
        committed.result()

    def undo(self) -> None:
        """Undo what was written, and give the connection back."""
        try:
            if self._finished and self._raw.in_transaction:
                self._raw.execute("ROLLBACK TO operation")
                self._raw.execute("RELEASE operation")
            else:  # there is nobody else's work, or SQLite has undone that as well
                self._end(None)
        finally:
            self._lock.release()

    def fail(
        self,
        cause: BaseException | None,
        outcome: type[ServiceUnavailableError] = ServiceUnavailableError,
    ) -> None:
        """Tell those who wait for the commit that it cannot be."""
        finished, self._finished = self._finished, []
        for committed in finished:
            error = outcome()
            error.__cause__ = cause
            committed.set_exception(error)

    def _end(
        self,
        cause: BaseException | None,
        outcome: type[ServiceUnavailableError] = ServiceUnavailableError,
    ) -> None:
        """Undo the work of all."""
        self.fail(cause, outcome)
        self._raw.rollback()
        self._connection.rollback()

    async def _commit(self) -> None:
        async with self._lock:  # those that wait for it already come first, and are committed, too
            if not self._finished:
                return
            try:
                await self._patiently(self._raw.commit)
            except (sqlite3.Error, ServiceUnavailableError) as error:
                cause = error.__cause__ or error
                undone = primary_code(cause) != sqlite3.SQLITE_IOERR or await self._overwrite()
                self._end(cause, ServiceUnavailableError if undone else UnknownOutcomeError)
                return
            self._connection.commit()
            finished, self._finished = self._finished, []
            for committed in finished:
                committed.set_result(None)

    async def _overwrite(self) -> bool:
        """Make sure that a commit which the disk failed is undone; returns whether it is.

        All of it may be in the log, where whoever opens the file after a crash takes it for
        committed. The next transaction is written in its place.
        """
        try:
            await self._patiently(lambda: rewrite(self._raw))
        except (sqlite3.Error, ServiceUnavailableError):
            return False
        return True
