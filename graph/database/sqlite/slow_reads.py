"""Slow reads on SQLite: in other threads, a few at a time, with a timeout.

SQLite releases the interpreter's lock while it reads, so that the event loop goes on.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from graph.database.lane import Lane
from graph.database.sqlite.connection import OpenConnection
from graph.database.sqlite.database_file import DatabaseFile
from graph.database.sqlite.errors import primary_code
from graph.database.sqlite.write_ahead_log import DRAIN
from graph.errors import Code, PublicError, ServiceUnavailableError

T = TypeVar("T")

AT_ONCE = 2
"""Concurrent reads of a lane. With one, a single read would hold up all others; more would take the
processors from the loop and from other processes."""

PAUSE = 0.01
"""Seconds between two interrupts of a statement; one that has not begun misses the first."""

LOOK = 0.05
"""Seconds between two checks whether the write-ahead log must be restarted."""


class SlowReads:
    """Runs reads that are too slow for the loop.

    Args:
        file: the database's file.
        timeout: seconds that a read may take.
        most: maximum characters and bytes of its rows.
    """

    def __init__(self, file: DatabaseFile, timeout: float, most: int) -> None:
        self._file = file
        self._timeout = timeout
        self._most = most
        self._scans, self._others = Lane(AT_ONCE), Lane(AT_ONCE)
        # Separate threads, so that no commit waits for a free one. One is for reads of the writer,
        # which need no lane: one operation has the writer at a time.
        self._threads = ThreadPoolExecutor(2 * AT_ONCE + 1, thread_name_prefix="sqlite")
        self._in_use = set[OpenConnection]()
        self._stopped = False

    def lane(self, *, scans: bool) -> Lane:
        """Return the lane of reads that may scan, or the lane of other reads.

        Other reads use an index, and must not wait for scans: they may be slow only because of the
        disk or of another process.
        """
        return self._scans if scans else self._others

    async def wait_for_log(self) -> None:
        """Wait until slow reads need not pause for the log."""
        while self._file.log.paused():  # noqa: ASYNC110 (the log is a file)
            await asyncio.sleep(LOOK)

    @asynccontextmanager
    async def cancelled_for_log(self) -> AsyncIterator[None]:
        """Cancel the body of the statement when it keeps the log from restarting for too long.

        Raises:
            ServiceUnavailableError: it was cancelled.
        """
        try:
            async with asyncio.timeout(None) as limit:
                watching = asyncio.create_task(self._watch(limit))
                try:
                    yield
                finally:
                    watching.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
            cause = InterruptedError("a slow read kept the write-ahead log from restarting")
            raise ServiceUnavailableError from cause

    async def _watch(self, limit: asyncio.Timeout) -> None:
        """Let the timeout expire when running reads must end."""
        while self._file.log.paused() <= DRAIN:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(LOOK)
        limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, opened: OpenConnection, sql: str, values: Sequence[object]) -> list[Any]:
        """Run a statement in another thread, and return its rows.

        Args:
            opened: a connection of the caller's; the thread no longer uses it when this returns or
                raises.
            sql: the statement.
            values: the values of its bind parameters.

        Raises:
            PublicError: the rows have too many characters.
            ServiceUnavailableError: the statement took too long or was interrupted (the file was
                replaced, or the service stops), or the file is unusable.
        """
        if self._stopped:
            raise ServiceUnavailableError from InterruptedError("the database is being closed")
        self._in_use.add(opened)
        try:
            with opened.used_in_thread():
                return await self._file.retry_while_locked(
                    lambda: self.fetch_within(opened.raw.execute(sql, values)),
                    through=partial(self._on_thread, opened),
                )
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_INTERRUPT:
                raise
            cause = InterruptedError(f"a statement took {self._timeout:g} s, or was interrupted")
            raise ServiceUnavailableError from cause
        finally:
            self._in_use.discard(opened)

    def fetch_within(self, cursor: sqlite3.Cursor) -> list[Any]:
        """Fetch all rows; stop where they exceed what an answer can have.

        Raises:
            PublicError: the rows have too many characters.
        """
        rows, left = [], self._most
        for row in cursor:
            left -= sum([len(value) for value in row if isinstance(value, str | bytes)])
            if left < 0:
                cursor.close()
                raise PublicError(
                    Code.OPERATION_TOO_COMPLEX,
                    f"The rows have more than {self._most} characters, the most allowed.",
                )
            rows.append(row)
        return rows

    async def stop(self) -> bool:
        """Interrupt the running reads, and refuse further ones.

        Returns:
            Whether all ended in time; if not, their connections are still in use.
        """
        self._stopped = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                while self._in_use:
                    for opened in self._in_use:
                        opened.raw.interrupt()
                    await asyncio.sleep(PAUSE)
        self._threads.shutdown(wait=False)
        return not self._in_use

    async def _on_thread(self, opened: OpenConnection, read: Callable[[], T]) -> T:
        reading = asyncio.get_running_loop().run_in_executor(self._threads, read)
        try:
            await asyncio.wait([reading], timeout=self._timeout)
        finally:
            while not reading.done():
                opened.raw.interrupt()
                # A task that is cancelled again must still wait until the thread is done.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([reading], timeout=PAUSE)
            reading.exception()  # or asyncio logs it if the caller was cancelled
        return reading.result()
