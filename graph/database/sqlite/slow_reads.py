"""SQLite's long reads: on other threads, a few at a time, for a limited time.

SQLite lets go of the interpreter's lock while it reads, so that the loop goes on meanwhile.
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
"""Long reads of a lane at a time: with one, a single slow one would keep all others waiting, and
more would take the processors from the loop and from other processes."""

PAUSE = 0.01
"""Seconds between two interrupts of a statement: one that has not begun misses the first."""

LOOK = 0.05
"""Seconds between two checks of the log, whose restart a read may block."""


class SlowReads:
    """What has no end within its slice of time on the loop.

    Args:
        file: what is read.
        timeout: seconds to wait for the rows.
        most: characters and bytes that the rows of a statement may have.
    """

    def __init__(self, file: DatabaseFile, timeout: float, most: int) -> None:
        self._file = file
        self._timeout = timeout
        self._most = most
        self._scans, self._others = Lane(AT_ONCE), Lane(AT_ONCE)
        # Threads of their own, so that no commit waits for them; one more is for who writes, and
        # goes without a lane, as all others that write wait.
        self._threads = ThreadPoolExecutor(2 * AT_ONCE + 1, thread_name_prefix="sqlite")
        self._in_use = set[OpenConnection]()
        self._stopped = False

    def lane(self, *, scans: bool) -> Lane:
        """Return the lane of reads that may scan, or that of other reads.

        The latter have an index, and must not wait for scans: it may have been the disk or another
        process that made them slow.
        """
        return self._scans if scans else self._others

    async def resumed(self) -> None:
        """Wait until the log needs no pause of slow reads."""
        while self._file.log.paused():  # noqa: ASYNC110 (the log is a file)
            await asyncio.sleep(LOOK)

    @asynccontextmanager
    async def giving_way(self) -> AsyncIterator[None]:
        """End what is awaited within when the log is to begin again, which it keeps from that.

        Raises:
            ServiceUnavailableError: it was ended.
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
            in_the_way = InterruptedError("a long read kept the log from beginning again")
            raise ServiceUnavailableError from in_the_way

    async def _watch(self, limit: asyncio.Timeout) -> None:
        """Expire the timeout when reads must give way."""
        while self._file.log.paused() <= DRAIN:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(LOOK)
        limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, opened: OpenConnection, sql: str, values: Sequence[object]) -> list[Any]:
        """The rows of a statement, run on a connection that the caller has for itself.

        It is not used any more when this ends, however it does.

        Raises:
            PublicError: the rows have too many characters.
            ServiceUnavailableError: it took too long, or was in the way of a new file or of the end
                of the process; or the file is unusable.
        """
        if self._stopped:
            raise ServiceUnavailableError from InterruptedError("the database is being closed")
        self._in_use.add(opened)
        try:
            with opened.used_in_thread():
                return await self._file.retry_while_locked(
                    lambda: self._rows(opened.raw.execute(sql, values)),
                    through=partial(self._on_thread, opened),
                )
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_INTERRUPT:
                raise
            cause = InterruptedError(f"a statement took {self._timeout:g} s, or was in the way")
            raise ServiceUnavailableError from cause
        finally:
            self._in_use.discard(opened)

    def _rows(self, cursor: sqlite3.Cursor) -> list[Any]:
        """Fetch all rows; stop where they exceed what an answer can have."""
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
                # Who is cancelled again must not leave the thread alone with the connection.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([reading], timeout=PAUSE)
            reading.exception()  # is nobody's when the caller was cancelled
        return reading.result()
