"""The database's file: opens connections to it, and retries while it is locked."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import random
from typing import TypeVar

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.engine import ExceptionContext

from graph.database.constraints import table_of
from graph.database.sqlite.connection import driver
from graph.database.sqlite.current_file import CurrentFile
from graph.database.sqlite.dialect import ENGINE
from graph.database.sqlite.errors import LOCKED, UNAVAILABLE, check_constraint, primary_code
from graph.database.sqlite.write_ahead_log import LOG_LIMIT, WriteAheadLog
from graph.errors import ServiceUnavailableError

T = TypeVar("T")

LONGEST_PAUSE = 0.002
"""Maximum seconds between two attempts to lock: the time of a commit on a fast disk."""


class DatabaseFile:
    """The file at a path, which may be deleted or replaced while it is served.

    Args:
        path: the path.
        synchronous: SQLite's setting of that name.
        timeout: seconds to wait for a lock of another process.
        read_only: whether the service must not write to the file.
    """

    def __init__(self, path: Path, synchronous: str, timeout: float, *, read_only: bool) -> None:
        self.path = path
        self.log = WriteAheadLog(path)
        self._synchronous = synchronous
        self._timeout = timeout
        self._read_only = read_only
        self.suspect = False
        """Whether something failed since the last successful write."""
        self.engine = create_engine(
            ENGINE,
            creator=self._connect,
            poolclass=NullPool,
            hide_parameters=True,  # of the statements in error messages, which are logged
        )
        self.current = CurrentFile(path, self.log, self._open)
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "handle_error", self._translate)

    async def retry_while_locked(
        self,
        attempt: Callable[[], T],
        *,
        through: Callable[[Callable[[], T]], Awaitable[T]] | None = None,
    ) -> T:
        """Call `attempt` until it meets no lock, without blocking the loop, and return its result.

        Args:
            attempt: uses a connection that no other task uses.
            through: calls it in another thread, as `asyncio.to_thread` does.

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
                cause = error.__cause__ or error  # `_translate` may have raised it
                code = primary_code(cause)
                if code not in UNAVAILABLE and not isinstance(cause, OSError):
                    raise
                if code not in LOCKED or loop.time() > deadline:
                    raise self.failed(cause) from cause
            await asyncio.sleep(pause * (0.5 + random() / 2))  # noqa: S311 (spreads the tries of several processes)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _connect(self) -> sqlite3.Connection:
        """Connect to the file; if it was deleted, fail, and do not create an empty one."""
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

    def _open(self) -> Connection:
        connection = self.engine.connect()
        try:
            if not self._read_only:  # another file may not have a write-ahead log yet
                driver(connection).execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_READONLY:
                connection.close()
                raise
        except BaseException:
            connection.close()
            raise
        return connection

    def failed(self, error: BaseException) -> ServiceUnavailableError:
        """Record a failure, and return the public error."""
        if primary_code(error) not in LOCKED:
            self.current.distrust()
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
            raise self.failed(error) from error
