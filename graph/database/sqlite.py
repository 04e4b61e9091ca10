"""SQLite, run inline on the event loop.

A read takes 10 to 100 µs, less than a hop to another thread. What may take long, waiting for
another process to release its lock, is awaited. Reads and writes have a connection each: in WAL
mode a reader never waits for a writer (https://sqlite.org/wal.html).
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import random
from shutil import disk_usage
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, QueuePool, Table, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from graph.database.base import Database, DatabaseError, Session
from graph.database.sqlite_file import LOCKED, UNAVAILABLE, driver, primary_code, rewrite
from graph.database.sqlite_writer import Writer
from graph.errors import ServiceUnavailableError
from graph.settings import Settings

T = TypeVar("T")

MIN_FREE = 1_000_000
"""Bytes that the disk must have free before a full one is written to again."""

LONGEST_PAUSE = 0.02
"""Seconds between two tries for a lock, at the most."""


class SQLiteSession(Session):
    """A session that runs its statements inline."""

    def __init__(self, database: "SQLiteDatabase") -> None:
        super().__init__(database.dialect)
        self._database = database
        self._writer: sqlite3.Connection | None = None

    def bound(self) -> Engine | Connection:
        return self._database.engine if self._writer is None else self._database.writer.bound()

    async def run(self, sql: str, values: Sequence[object]) -> list[Any]:
        def attempt() -> list[Any]:
            return (self._writer or self._database.reader()).execute(sql, values).fetchall()

        try:
            return attempt()
        except sqlite3.DatabaseError:
            return await self._database.patiently(attempt)

    async def start(self) -> None:
        self._writer = await self._database.writer.acquire()

    async def commit(self) -> None:
        if self.in_use:
            await self.orm.commit()
        if self._writer is not None:
            self._writer = None
            await self._database.writer.finish()

    async def rollback(self) -> None:
        try:
            if self.in_use:
                await self.orm.rollback()
        finally:
            self._undo()

    async def close(self) -> None:
        try:
            if self.in_use:
                await self.orm.close()
        finally:
            self._undo()

    def _undo(self) -> None:
        if self._writer is not None:
            self._writer = None
            self._database.writer.undo()


class SQLiteDatabase(Database):
    """One file."""

    def __init__(self, url: URL, settings: Settings) -> None:
        if not url.database or url.database == ":memory:" or url.query:
            raise DatabaseError(
                "GRAPH_DATABASE_URL must name a file, as in sqlite:///database.db, without options"
            )
        if sqlite3.sqlite_version_info < (3, 35):
            raise DatabaseError(f"SQLite 3.35 or later is needed, not {sqlite3.sqlite_version}")
        self.path = Path(url.database).absolute()
        self.name = str(self.path)
        self._timeout = settings.database_timeout
        self._synchronous = settings.sqlite_synchronous
        # An overflow without bound: a pool that makes the loop wait could never be released.
        self.engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            max_overflow=-1,
            hide_parameters=True,  # of the statements in error messages, which are logged
        )
        self.dialect = self.engine.dialect
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "handle_error", self._translate)
        self._file: tuple[int, int] | None = None
        self._reader: Connection | None = None
        self._writing: Connection | None = None
        self._doubtful = False
        self.writer = Writer(self._open_writer, self.patiently, self._timeout)

    def session(self) -> SQLiteSession:
        return SQLiteSession(self)

    async def create(self) -> None:
        with self._described():
            self.path.touch()
            # To connect is to read the file, which another process may have locked.
            with await self.patiently(self.engine.connect) as connection:
                raw = driver(connection)
                await self.patiently(lambda: raw.execute("PRAGMA journal_mode = WAL"))

    async def exclusively(self, work: Callable[[Connection], T]) -> T:
        with self._described(), await self.patiently(self.engine.connect) as connection:
            raw = driver(connection)
            # A table that is altered may be made anew, which must not delete what refers to it
            # (https://sqlite.org/lang_altertable.html#otheralter).
            raw.execute("PRAGMA foreign_keys = OFF")
            try:
                await self.patiently(lambda: raw.execute("BEGIN IMMEDIATE"))
                with connection.begin():
                    return work(connection)
            finally:
                raw.execute("PRAGMA foreign_keys = ON")

    async def ping(self, table: Table) -> None:
        await super().ping(table)
        if self._doubtful:
            if disk_usage(self.path).free < MIN_FREE:
                raise ServiceUnavailableError
            connection = await self.writer.acquire()
            try:
                await self.patiently(lambda: rewrite(connection))
            except BaseException:
                self.writer.undo()
                raise
            await self.writer.finish()
            self._doubtful = False

    async def dispose(self) -> None:
        self._forget()

    def reader(self) -> sqlite3.Connection:
        """The connection of all reads outside a transaction; each is a statement of its own."""
        self._check_file()
        if self._reader is None:
            self._reader = self._open()
        return driver(self._reader)

    def _open_writer(self) -> Connection:
        self._check_file()
        if self._writing is None:
            self._writing = self._open()
        return self._writing

    async def patiently(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, tried again without blocking the loop while a lock is held.

        Raises:
            ServiceUnavailableError: the lock was not released in time, or the file is unusable.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        pause = 0.001
        while True:
            try:
                return attempt()
            except (sqlite3.DatabaseError, ServiceUnavailableError) as error:
                cause = error.__cause__ or error  # `_translate` may have been there first
                code = primary_code(cause)
                if code not in UNAVAILABLE:
                    raise
                if code not in LOCKED or loop.time() > deadline:
                    raise self._failed(cause) from cause
            await asyncio.sleep(pause * (0.5 + random() / 2))  # noqa: S311 (spreads the tries of several processes)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _connect(self) -> sqlite3.Connection:
        """A connection to the file, which must be there: a deleted one is not made anew, empty."""
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return connection

    def _open(self) -> Connection:
        try:
            return self.engine.connect()
        except sqlite3.DatabaseError as error:
            raise self._failed(error) from error

    def _check_file(self) -> None:
        """Let go of a file that was deleted or replaced: it would swallow what is written."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 (a third of the time of Path.stat, on every request)
        except OSError as error:
            self._forget()
            raise self._failed(error) from error
        file = (status.st_dev, status.st_ino)
        if file != self._file:
            self._forget()
            self._file = file

    def _forget(self) -> None:
        for connection in (self._reader, self._writing):
            if connection is not None:
                connection.close()
        self._reader = self._writing = None
        self.writer.fail(None)
        self.engine.dispose()

    def _failed(self, error: BaseException) -> ServiceUnavailableError:
        """Note a failure; return what a client may know of it."""
        if primary_code(error) not in LOCKED:
            self._file = None  # opened anew: a connection never learns that it may write again
            self._doubtful = True
        return ServiceUnavailableError()

    @contextmanager
    def _described(self) -> Iterator[None]:
        """Turn what keeps the file from being used into one line."""
        try:
            yield
        except (OSError, sqlite3.Error, SQLAlchemyError, ServiceUnavailableError) as error:
            reason = getattr(error, "__cause__", None) or error
            raise DatabaseError(f"cannot open {self.path}: {reason}") from error

    @staticmethod
    def _begin(connection: Connection) -> None:
        raw = driver(connection)
        if not raw.in_transaction:
            raw.execute("BEGIN")

    def _translate(self, context: ExceptionContext) -> None:
        """Give the statements that SQLAlchemy runs the same public error as the short cut's."""
        error = context.original_exception
        if primary_code(error) in UNAVAILABLE:
            raise self._failed(error) from error
