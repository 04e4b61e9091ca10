"""Connections to SQLite's file, which may be replaced while it is served; quick reads; retries."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from random import random
from time import perf_counter, thread_time
from typing import Any, TypeVar

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from graph.database.sqlite.errors import LOCKED, UNAVAILABLE, busy, check_constraint, primary_code
from graph.database.sqlite.write_ahead_log import LOG_LIMIT, Identity, WriteAheadLog, identity
from graph.errors import ServiceUnavailableError

SLICE = 0.002
"""Seconds that a read may take on the loop, and then as much CPU time; 100 rows by an index take a
tenth of it."""

LONGEST_SLICE = 0.02
"""Further seconds that a read may hold the loop while the disk or other processes delay it."""

STEPS = 1_000
"""Instructions of SQLite's virtual machine between two checks of the clock, about 30 µs."""


FEW = 10
"""Rows between two further checks of the clock; they cost a page of 100 less than 1 %."""


class OpenConnection:
    """A connection, SQLAlchemy's and the driver's own, to the file that was at the path.

    Args:
        connection: SQLAlchemy's.
        raw: the driver's own of it.
        file: which file it is.
        log: its write-ahead log, where it has one.
        failures: those of `DatabaseFile` that came before it.
    """

    def __init__(
        self,
        connection: Connection,
        raw: sqlite3.Connection,
        file: Identity,
        log: Identity | None,
        failures: int,
    ) -> None:
        self.connection = connection
        self.raw = raw
        self.file = file
        self.log = log
        self.failures = failures
        self.in_thread = False
        """Whether another thread uses the connection."""
        self._clock = _Clock()
        self._watch()

    def try_inline(self, sql: str, values: Sequence[object]) -> list[Any] | None:
        """The rows of a statement that only reads; None when they take more than a slice of time.

        A statement that writes must not be run so: SQLite undoes the whole transaction with it
        (https://sqlite.org/c3ref/interrupt.html).
        """
        self._clock.until, self._clock.cpu = perf_counter() + SLICE, None
        try:
            return self._some_at_a_time(self.raw.execute(sql, values))
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_INTERRUPT:
                raise
            return None
        finally:
            self._clock.until = inf

    def _some_at_a_time(self, cursor: sqlite3.Cursor) -> list[Any] | None:
        rows = some = cursor.fetchmany(FEW)
        while len(some) == FEW:
            if self._clock.is_over():  # a text of megabytes is one instruction
                cursor.close()
                return None
            some = cursor.fetchmany(FEW)
            rows += some
        return rows

    @contextmanager
    def used_in_thread(self) -> Iterator[None]:
        """Use the connection in another thread.

        It runs without the progress handler, which would take the interpreter's lock.
        """
        self.in_thread = True
        self.raw.set_progress_handler(None, 0)
        try:
            yield
        finally:
            self._watch()
            self.in_thread = False

    def _watch(self) -> None:
        self.raw.set_progress_handler(self._clock.is_over, STEPS)


class _Clock:
    """Time limit of a statement; an object of its own, so that no connection refers to itself."""

    __slots__ = ("cpu", "until")

    def __init__(self) -> None:
        self.until = inf
        self.cpu: float | None = None

    def is_over(self) -> bool:
        """Whether SQLite must interrupt the statement."""
        now = perf_counter()
        if now <= self.until:
            return False
        if self.cpu is None:  # only now, as it is a system call, and most reads are done by now
            self.cpu = thread_time() + SLICE
        return thread_time() > self.cpu or now > self.until + LONGEST_SLICE


T = TypeVar("T")

LOOK = 0.001
"""Seconds for which reads may go on before it is looked whether the file is still the one at the
path, which takes as long as a tenth of a small request."""

LONGEST_PAUSE = 0.002
"""Maximum seconds between two attempts to lock: the time of a commit on a fast disk."""


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 (for the type checker)
    return raw


def rewrite(connection: sqlite3.Connection) -> None:
    """Write a value that is stored already."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


class DatabaseFile:
    """The file at a path, which may be deleted or replaced while it is served.

    Args:
        path: where it is.
        synchronous: how hard SQLite tries to survive a power cut.
        timeout: seconds to wait for a lock of another process.
        read_only: whether nothing is written to it.
    """

    def __init__(self, path: Path, synchronous: str, timeout: float, *, read_only: bool) -> None:
        self.path = path
        self.log = WriteAheadLog(path)
        self._path = str(path)
        self._synchronous = synchronous
        self._timeout = timeout
        self._read_only = read_only
        self._opened = set[OpenConnection]()
        self._failures = 0
        self._look_again = 0.0
        self.suspect = False
        """Whether something failed since the last successful write."""
        self.engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=NullPool,
            hide_parameters=True,  # of the statements in error messages, which are logged
        )
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "handle_error", self._translate)

    def current(self, opened: OpenConnection | None) -> OpenConnection:
        """The same connection, or another, to the file that is there now.

        Raises:
            OSError, sqlite3.DatabaseError: there is no file, or it cannot be used now.
        """
        file = identity(self._path)
        if file is None:
            raise FileNotFoundError(f"there is no file {self._path}")
        if opened in self._opened and opened.file == file and opened.failures == self._failures:
            return opened
        self._end_reads(file)
        if opened is not None:
            self.close(opened)
        for other in [*self._opened]:
            if other.file != file:
                self.close(other)
        opened = self._open(file)
        if not self.is_current(opened):
            opened.connection.close()
            raise busy("the file was replaced while it was opened")
        self._opened.add(opened)
        return opened

    def reader(self, opened: OpenConnection | None) -> OpenConnection:
        """As `current`, for what only reads: the file may have been seen up to `LOOK` seconds ago.

        Raises:
            OSError, sqlite3.DatabaseError: as `current`.
        """
        now = perf_counter()
        if now < self._look_again and opened in self._opened and opened.failures == self._failures:
            return opened
        opened = self.current(opened)
        self._look_again = now + LOOK
        return opened

    def _end_reads(self, file: Identity) -> None:
        """End what other threads read from any file but this one, which keeps it from being closed.

        Raises:
            sqlite3.OperationalError: there was any.
        """
        reading = [each for each in self._opened if each.in_thread and each.file != file]
        for each in reading:
            each.raw.interrupt()
        if reading:
            raise busy("the file that was replaced is still read")

    def is_current(self, opened: OpenConnection | None) -> bool:
        """Whether the connection's file is still at the path."""
        try:
            return opened is not None and opened.file == identity(self._path)
        except OSError:
            return False

    def close(self, opened: OpenConnection) -> None:
        """Close a connection, which must have no transaction.

        Raises:
            sqlite3.DatabaseError: its file is not there any more, and has still to get what is in
                its log.
        """
        if opened not in self._opened:
            return
        if not self.is_current(opened):
            self.log.retire(opened.raw, opened.log)
        self._opened.discard(opened)
        with suppress(sqlite3.Error, SQLAlchemyError):
            opened.connection.close()

    def close_all(self) -> None:
        """Close all connections.

        Raises:
            sqlite3.DatabaseError: as `close`.
        """
        for opened in [*self._opened]:
            self.close(opened)

    async def retry_while_locked(
        self,
        attempt: Callable[[], T],
        *,
        through: Callable[[Callable[[], T]], Awaitable[T]] | None = None,
    ) -> T:
        """What `attempt` returns, tried again without blocking the loop while a lock is held.

        Args:
            attempt: uses a connection that nobody else has.
            through: calls it on another thread, such as `asyncio.to_thread`.

        Raises:
            ServiceUnavailableError: the lock was not released in time, or the file is unusable.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        pause = 0.001
        while True:
            try:
                return attempt() if through is None else await through(attempt)
            except (OSError, sqlite3.DatabaseError, ServiceUnavailableError) as error:
                cause = error.__cause__ or error  # `_translate` may have been there first
                code = primary_code(cause)
                if code not in UNAVAILABLE and not isinstance(cause, OSError):
                    raise
                if code not in LOCKED or loop.time() > deadline:
                    raise self._failed(cause) from cause
            await asyncio.sleep(pause * (0.5 + random() / 2))  # noqa: S311 (spreads the tries of several processes)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _connect(self) -> sqlite3.Connection:
        """Connect to the file, which must exist: a deleted file is not replaced by an empty one."""
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer does it
            connection.execute(f"PRAGMA query_only = {self._read_only:d}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, file: Identity) -> OpenConnection:
        connection = self.engine.connect()
        try:
            raw = driver(connection)
            try:
                if not self._read_only:
                    raw.execute("PRAGMA journal_mode = WAL")  # as another file may not have it
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_READONLY:
                    raise
            return OpenConnection(connection, raw, file, self.log.identity(), self._failures)
        except BaseException:
            connection.close()
            raise

    def _failed(self, error: BaseException) -> ServiceUnavailableError:
        """Record a failure, and return the public error."""
        if primary_code(error) not in LOCKED:
            self._failures += 1  # opened anew: a connection never learns that it may write again
            self.suspect = True
        return ServiceUnavailableError()

    @staticmethod
    def _begin(connection: Connection) -> None:
        raw = driver(connection)
        if not raw.in_transaction:
            raw.execute("BEGIN")

    def _translate(self, context: ExceptionContext) -> None:
        """Raise the same public errors for SQLAlchemy's statements as for the driver's."""
        error = context.original_exception
        check_constraint(error)
        if primary_code(error) in UNAVAILABLE:
            raise self._failed(error) from error
