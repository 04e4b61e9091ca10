"""The database's file, which may be replaced while it is served; retries while it is locked."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import random
from time import perf_counter
from typing import TypeVar

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from graph.database.constraints import table_of
from graph.database.sqlite.connection import OpenConnection, driver
from graph.database.sqlite.errors import LOCKED, UNAVAILABLE, busy, check_constraint, primary_code
from graph.database.sqlite.write_ahead_log import LOG_LIMIT, Identity, WriteAheadLog, identity
from graph.errors import ServiceUnavailableError

T = TypeVar("T")

LOOK = 0.001
"""Seconds for which reads may go on before it is looked whether the file is still the one at the
path, which takes as long as a tenth of a small request."""

LONGEST_PAUSE = 0.002
"""Maximum seconds between two attempts to lock: the time of a commit on a fast disk."""


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
        check_constraint(error, table_of(context))
        if primary_code(error) in UNAVAILABLE:
            raise self._failed(error) from error
