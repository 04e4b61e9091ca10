"""SQLite's only writer in a process: operations run one after another, and commit in groups.

A commit waits for the disk, longer than everything else in a write. So each operation is a
savepoint (https://sqlite.org/lang_savepoint.html), and one commit stores all operations that
finished since the last commit. No operation is acknowledged before its commit.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic, perf_counter

from sqlalchemy import Connection

from graph.database.lane import Lane
from graph.database.sqlite.connection import OpenConnection, rewrite
from graph.database.sqlite.database_file import DatabaseFile
from graph.database.sqlite.errors import busy, primary_code
from graph.errors import ServiceUnavailableError, UnknownOutcomeError, logger

if sys.platform != "win32":
    import fcntl

SLOW = 0.002
"""Seconds that a commit may hold the loop; a fast disk takes a tenth."""

COMMITS_ON_THREAD = 100
"""Commits in another thread before one on the loop measures the disk again."""

PATIENCE = 0.05
"""Seconds for which others wait to write while the operation that has the connection reads. One may
wait twice: for the connection, and then for its commit."""

MAX_TURN_WAIT = 1.0
"""Maximum seconds to wait for the turns of other processes; a process may be suspended."""


class Writer:
    """The connection that writes; one operation uses it at a time.

    Args:
        file: the database's file.
        timeout: seconds to wait for other operations.
    """

    def __init__(self, file: DatabaseFile, timeout: float) -> None:
        self._file = file
        self._opened: OpenConnection | None = None
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._slow = Lane(1)
        self._is_slow = False  # whether the operation that has the connection may be slow
        self._waiting = 0  # operations and commits that wait for the lock
        self._waits_since = 0.0
        self._taken_at = 0.0
        self._reading: asyncio.Timeout | None = None
        self._turn = Turn(file.path)
        self._yields_until = 0.0
        self._finished: list[asyncio.Future[None]] = []
        self._committing = set[asyncio.Task[None]]()
        self._took = 0.0
        self._on_thread = 0

    async def acquire(self, slow_of: str | None = None) -> OpenConnection:
        """Acquire the connection, until `finish` or `undo`.

        Args:
            slow_of: the caller, if the operation may be slow. Slow operations first wait for each
                other, callers taking turns, so that a quick one waits for one of them at most.

        Raises:
            ServiceUnavailableError: it was not free in time, or the file is unusable.
        """
        if slow_of is None:
            return await self._acquire()
        await self._slow.acquire(slow_of)
        try:
            opened = await self._acquire()
        except BaseException:
            self._slow.release()
            raise
        self._is_slow = True
        return opened

    async def _acquire(self) -> OpenConnection:
        if self._lock.locked():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._queue()
            except TimeoutError:
                waited = TimeoutError(f"other operations wrote for {self._timeout:g} s")
                raise ServiceUnavailableError from waited
        else:
            await self._lock.acquire()
        self._taken_at = monotonic()
        self._yields_until = self._taken_at + MAX_TURN_WAIT
        try:
            return await self._file.retry_while_locked(self._begin)
        except BaseException:
            self._turn.give()
            self._lock.release()
            raise

    async def _queue(self) -> None:
        """Wait for the lock, and end a read that keeps it for long."""
        if not self._waiting:
            self._waits_since = monotonic()
        self._waiting += 1
        self._limit_read()
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1

    def _limit_read(self) -> None:
        if self._reading is not None and self._waiting:
            end = max(self._taken_at, self._waits_since) + PATIENCE
            self._reading.reschedule(asyncio.get_running_loop().time() + end - monotonic())

    @asynccontextmanager
    async def giving_way(self) -> AsyncIterator[None]:
        """Read for the operation that has the connection, until others have waited for long.

        Raises:
            ServiceUnavailableError: they have; the operation must be rolled back.
        """
        try:
            async with asyncio.timeout(None) as limit:
                self._reading = limit
                self._limit_read()
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise ServiceUnavailableError(
                "The operation searched for long while others waited to write. Make the search its "
                "first field, or an operation of its own. Nothing was stored."
            ) from None
        finally:
            self._reading = None

    def _begin(self) -> OpenConnection:
        if not self._finished or self._opened is None:
            self._opened = self._file.current.connection(self._opened)
            self._connection, self._raw = self._opened.connection, self._opened.raw
            self._lock_file()
            self._turn.give()
        self._raw.execute("SAVEPOINT operation")
        return self._opened

    def _lock_file(self) -> None:
        """Begin a transaction when this process has the turn."""
        if not self._turn.take() and monotonic() < self._yields_until:
            raise busy("another process writes next")
        self._raw.execute("BEGIN IMMEDIATE")

    def orm_bind(self) -> Connection:
        """Return the connection for SQLAlchemy's session, which opens its own savepoint."""
        if not self._connection.in_transaction():
            self._connection.begin()
        return self._connection

    async def finish(self) -> None:
        """Release the connection, and wait until the operation is committed.

        Raises:
            ServiceUnavailableError: the commit failed; nothing was stored.
            UnknownOutcomeError: the operation may be stored: the disk keeps failing, or the file
                was replaced.
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
            # It runs after the requests that the loop has at hand, which then share the commit.
            task = loop.create_task(self._commit())
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)
        self._release()
        while not committed.done():
            # A cancelled task cannot roll back on its own here; it must wait for the group's
            # outcome.
            with suppress(asyncio.CancelledError):
                await asyncio.shield(committed)
        committed.result()

    def undo(self) -> None:
        """Roll the operation back, and release the connection."""
        try:
            if self._finished and self._raw.in_transaction:
                self._raw.execute("ROLLBACK TO operation")
                self._raw.execute("RELEASE operation")
            else:  # no other operation is in the transaction, or SQLite rolled all of it back
                self._resolve_waiters(ServiceUnavailableError)
                self._roll_back()
        finally:
            self._release()

    def _release(self) -> None:
        self._lock.release()
        if self._is_slow:
            self._is_slow = False
            self._slow.release()

    async def end(self) -> bool:
        """Wait for the running commit, and roll unfinished operations back.

        Returns:
            Whether the commit ended in time; if not, the connection is still in use.
        """
        if self._committing:
            await asyncio.wait(self._committing, timeout=self._timeout)
        if self._committing:
            self._resolve_waiters(UnknownOutcomeError)
            await asyncio.sleep(0.1)  # to send the answers before the loop is closed
            return False
        with suppress(TimeoutError):  # its operation is cancelled, and releases it
            async with asyncio.timeout(self._timeout):
                await self._lock.acquire()
        if self._opened is not None:
            self._roll_back()
        self._turn.close()
        return True

    def _roll_back(self) -> None:
        self._raw.rollback()
        self._connection.rollback()

    def _resolve_waiters(
        self, failure: type[ServiceUnavailableError] | None, cause: BaseException | None = None
    ) -> None:
        """Report the commit's outcome to the operations that wait for it."""
        finished, self._finished = self._finished, []
        for committed in finished:
            if failure is None:
                committed.set_result(None)
            else:
                error = failure()
                error.__cause__ = cause
                committed.set_exception(error)

    async def _commit(self) -> None:
        # Operations that already wait for the lock run first, and share the commit.
        await self._queue()
        try:
            await self._commit_finished()
        finally:
            self._lock.release()

    async def _commit_finished(self) -> None:
        if not self._finished:
            return
        cause: BaseException | None = None
        try:
            await self._store()
            if self._opened and self._file.current.leads_to_current(self._opened):
                self._connection.commit()
                self._resolve_waiters(None)
            else:
                cause = FileNotFoundError("the file was replaced")
        except (sqlite3.Error, ServiceUnavailableError) as error:
            cause = error.__cause__ or error
            self._roll_back()
            if (
                primary_code(cause) != sqlite3.SQLITE_IOERR
                or await self._invalidate_failed_commit()
            ):
                self._resolve_waiters(ServiceUnavailableError, cause)
        finally:  # operations without an outcome: the disk keeps failing, or the process ends
            self._resolve_waiters(UnknownOutcomeError, cause)
        await self._checkpoint()

    async def _checkpoint(self) -> None:
        """Checkpoint a log that has grown, in another thread: it writes megabytes."""
        if self._opened is None or not self._file.log.is_due:
            return
        self._yields_until = monotonic() + MAX_TURN_WAIT
        try:
            # While this process has the turn, no other one begins to write.
            await self._file.retry_while_locked(self._lock_file)
            self._raw.rollback()
            with self._opened.used_in_thread():
                await asyncio.to_thread(self._file.log.checkpoint, self._raw)
        except (sqlite3.Error, ServiceUnavailableError) as error:
            cause = error.__cause__ or error
            logger.warning("Cannot checkpoint the log of %s: %s", self._file.path, cause)
        finally:
            self._turn.give()

    async def _store(self) -> None:
        """Commit; after two slow commits, in another thread for a while.

        A thread makes a commit no faster, and costs about 0.1 ms itself.
        """
        if self._on_thread > 0:
            self._on_thread -= 1
            await self._file.retry_while_locked(self._raw.commit, through=asyncio.to_thread)
            return
        started = perf_counter()
        await self._file.retry_while_locked(self._raw.commit)
        before, self._took = self._took, perf_counter() - started
        if min(before, self._took) > SLOW:  # a single slow one may be chance
            self._on_thread = COMMITS_ON_THREAD

    async def _invalidate_failed_commit(self) -> bool:
        """Overwrite a commit that the disk failed; return whether that succeeded.

        All of it may be in the log; after a crash, a process that opens the file would take it for
        committed. The next transaction is written over it.
        """
        try:
            await self._file.retry_while_locked(lambda: rewrite(self._raw))
        except (sqlite3.Error, ServiceUnavailableError):
            return False
        return True


class Turn:
    """Turns of the processes that write to one file.

    SQLite gives its lock to the process that tries at the right moment: a process that commits and
    begins again at once starves all others. So a process takes the turn before it waits for the
    lock, and a process that has just committed must wait for the turn first.

    Turns are only about fairness: SQLite's own lock keeps writers apart, and other programs know
    no turns. The turn is a lock on a file beside the database; the system releases it when the
    process dies.

    Args:
        database: path of the database.
    """

    def __init__(self, database: Path) -> None:
        self._path = f"{os.path.realpath(database)}-turn"
        self._descriptor = -1
        self._held = False

    def take(self) -> bool:
        """Take the turn if it is free; return whether this process may write next."""
        if self._held or sys.platform == "win32":
            return True
        try:
            # Another process deletes the file when it ends.
            if self._descriptor < 0 or os.fstat(self._descriptor).st_nlink == 0:
                self._close()
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # the file is another user's, or its directory is gone: write without turns
            return True
        self._held = True
        return True

    def give(self) -> None:
        """Release the turn."""
        if self._held and sys.platform != "win32":
            self._held = False
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Delete the lock file."""
        if self._descriptor >= 0:
            with suppress(OSError):
                Path(self._path).unlink()
        self._close()

    def _close(self) -> None:
        self._held = False
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
