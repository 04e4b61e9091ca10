"""SQLite, run inline on the event loop while it is quick.

Most reads take 10 to 100 µs, less than a hop to another thread. A read that exceeds a slice of time
is run again in another thread, with the timeout of the settings. Waiting for a lock of another
process does not block the loop. Reads and writes use separate connections: in WAL mode, a reader
never waits for a writer (https://sqlite.org/wal.html).
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from shutil import disk_usage
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util import await_only

from graph.database.base import (
    NOT_CHANGED,
    PROBE_TIMEOUT,
    Change,
    Database,
    DatabaseError,
    Session,
)
from graph.database.constraints import written_table
from graph.database.sqlite.change_log import SQLiteChangeLog
from graph.database.sqlite.connection import OpenConnection, driver, rewrite
from graph.database.sqlite.database_file import DatabaseFile
from graph.database.sqlite.errors import LOCKED, check_constraint, is_exhausted, primary_code
from graph.database.sqlite.slow_reads import SlowReads
from graph.database.sqlite.writer import Writer
from graph.database.statement import Rows, Statement
from graph.errors import ServiceUnavailableError, logger
from graph.settings import Settings

T = TypeVar("T")

MAX_IDLE = 5
"""Idle connections kept for read transactions."""

MIN_FREE = 1_000_000
"""Free bytes that a full disk must have before the next write."""


class SQLiteSession(Session):
    """A session that runs its statements inline while they are quick."""

    def __init__(self, database: "SQLiteDatabase", caller: str = "") -> None:
        super().__init__(database)
        self._database = database
        self._caller = caller
        self._beginning: asyncio.Lock | None = None
        self._first: Change | None = None
        self._writer: OpenConnection | None = None
        self._scans = False
        self._reader: OpenConnection | None = None
        self._snapshot = False
        self._seen = False
        """Whether a statement has read from the snapshot, which must then not change."""
        self._has_place = False
        """Whether the snapshot has a place among the scans, until its end."""

    def orm_bind(self) -> Connection:
        if self._beginning is not None:
            await_only(self._begin_with_changes())
            return self._database.writer.orm_bind()
        self._snapshot = self._seen = True
        if self._reader is None:
            self._reader = await_only(self._database.begin())
        return self._reader.connection

    @property
    def begun(self) -> bool:
        return self._writer is not None or self._snapshot

    def run(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[Any]]:
        if self._beginning is None or self._writer is not None:
            return self.run_without_begin(statement, sql, values)
        return self._run_first(statement, sql, values)

    async def _run_first(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> list[Any]:
        await self._begin_with_changes()
        return await self.run_without_begin(statement, sql, values)

    async def run_without_begin(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> list[Any]:
        if self._writer is not None and not self._writer.raw.in_transaction:
            # SQLite rolled it back, and would commit further statements one by one.
            raise ServiceUnavailableError from InterruptedError("the transaction was undone")
        if statement.scans:
            return await self._run_slow(statement, sql, values)
        if self._snapshot:
            await self._begun()

        def attempt() -> list[Any] | None:
            opened = self._writer or self._reader or self._database.reader()
            if statement.writes:
                with opened.any_text():
                    cursor = opened.raw.execute(sql, values)
                    return self._database.slow_reads.fetch_within(cursor)
            return opened.try_inline(sql, values)

        try:
            rows = attempt()
        except (OSError, sqlite3.DatabaseError) as error:
            table = written_table(statement.clause)
            check_constraint(error, table)
            if self._writer is not None and table is not None:
                if is_exhausted(error, self._writer.raw, table):
                    raise DatabaseError(f"{table.name} has used up its ids") from error
                if not self._writer.raw.in_transaction:  # as above
                    raise self._database.file.failed(error) from error
            rows = await self._database.file.retry_while_locked(attempt)
        if rows is not None:
            self._seen = True
        return await self._run_slow(statement, sql, values) if rows is None else rows

    async def _run_slow(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> list[Any]:
        slow_reads = self._database.slow_reads
        if self._writer is not None:
            async with self._database.writer.giving_way():
                return await slow_reads.run(self._writer, sql, values)
        lane = slow_reads.lane(scans=statement.may_scan)
        place = nullcontext() if self._has_place else lane.place(self._caller)
        if self._reader is not None and self._seen:
            # Its snapshot keeps the log from restarting, even while it waits.
            async with slow_reads.cancelled_for_log(), place:
                return await slow_reads.run(self._reader, sql, values)
        self._end_reader()
        async with place:
            await slow_reads.wait_for_log()
            async with slow_reads.cancelled_for_log():
                if self._snapshot:
                    self._seen = True
                    return await slow_reads.run(await self._begun(), sql, values)
                async with self._database.connection() as opened:
                    return await slow_reads.run(opened, sql, values)

    async def snapshot(self, *, scans: bool = False) -> bool:
        if self._snapshot or self._beginning is not None:
            return False
        self._snapshot, self._seen = True, False  # it begins with the first read
        if scans:  # nothing is held while it waits: a connection takes 100 kB
            await self._database.slow_reads.lane(scans=True).acquire(self._caller)
            self._has_place = True
        return True

    async def _begun(self) -> OpenConnection:
        """Return the connection of the snapshot."""
        opened = self._reader or await self._database.begin()
        self._reader = self._reader or opened
        if self._reader is not opened:  # a concurrent resolver was first
            self._database.end(opened)
        return self._reader

    def _end_reader(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            self._database.end(reader)

    def start(
        self,
        first: Change | None = None,
        *,
        scans: bool = False,
        autocommit_characters: int = 0,  # noqa: ARG002 (a commit is no round trip here)
    ) -> None:
        # Of concurrent resolvers, one acquires the writer for all.
        self._beginning, self._first, self._scans = asyncio.Lock(), first, scans

    async def begin(self) -> bool:
        assert self._beginning is not None  # noqa: S101 (for the type checker)
        async with self._beginning:
            return self._writer is not None or await self._begin()

    async def _begin_with_changes(self) -> None:
        assert self._beginning is not None  # noqa: S101 (for the type checker)
        async with self._beginning:
            if self._writer is None and not await self._begin():
                self._release_writer()
                raise ServiceUnavailableError from InterruptedError(NOT_CHANGED)

    async def _begin(self) -> bool:
        """Acquire the writer; returns whether the change to begin with changed any row."""
        writer = self._database.writer
        self._writer = await writer.acquire(self._caller if self._scans else None)
        return self._first is None or bool(await self._changed(self._first))

    async def _changed(self, change: Change) -> Rows:
        return await self.fetch(change.statement, **change.parameters)

    async def commit(self, last: Change | None = None) -> None:
        if self.in_use:
            await self.orm.commit()
        if last is not None:
            await self._changed(last)
        self._beginning = self._first = None
        if self._writer is not None:
            self._writer = None
            await self._database.writer.finish()
            self._database.announce_commit()

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

    def _release_writer(self) -> None:
        if self._writer is not None:
            self._writer = None
            self._database.writer.undo()

    def _undo(self) -> None:
        self._beginning = self._first = None
        self._release_writer()
        self._snapshot = self._seen = False
        self._end_reader()
        if self._has_place:
            self._has_place = False
            self._database.slow_reads.lane(scans=True).release()


class SQLiteDatabase(Database):
    """A database in one SQLite file."""

    def __init__(self, url: URL, settings: Settings) -> None:
        if not url.database or url.database == ":memory:" or "?" in settings.database_url:
            raise DatabaseError(
                "GRAPH_DATABASE_URL must name a file, as in sqlite:///database.db, without options"
            )
        if sqlite3.sqlite_version_info < (3, 35):
            raise DatabaseError(f"SQLite 3.35 or later is needed, not {sqlite3.sqlite_version}")
        path = Path(url.database).absolute()
        self.name = str(path)
        self.read_only = settings.read_only
        self._timeout = settings.database_timeout
        self._kept_changes = settings.changes_rows
        self.file = DatabaseFile(
            path, settings.sqlite_synchronous, self._timeout, read_only=self.read_only
        )
        self.dialect = self.file.engine.dialect
        self.slow_reads = SlowReads(self.file, self._timeout, 2 * settings.max_answer_bytes)
        self.writer = Writer(self.file, self._timeout)
        self._reader: OpenConnection | None = None
        self._idle: list[OpenConnection] = []

    def session(self, caller: str = "") -> SQLiteSession:
        return SQLiteSession(self, caller)

    def change_log(self, table: Table) -> SQLiteChangeLog:
        return SQLiteChangeLog(table, self.dialect, self._kept_changes)

    async def create(self) -> None:
        with self._described():
            if not self.file.path.exists():
                self.file.path.touch()
            elif not os.access(self.file.path, os.W_OK):
                logger.warning("%s cannot be written to: it can only be read", self.name)
            current = self.file.current
            current.close(await self.file.retry_while_locked(current.connection))

    async def open(self) -> None:
        # An open connection notices that the file is replaced.
        with suppress(ServiceUnavailableError):
            await self.file.retry_while_locked(self.reader)

    async def with_lock(self, work: Callable[[Connection], T]) -> T:
        with (
            self._described(),
            await self.file.retry_while_locked(self.file.engine.connect) as connection,
        ):
            raw = driver(connection)
            # A migration may rebuild a table, which must not delete the rows that refer to it
            # (https://sqlite.org/lang_altertable.html#otheralter).
            raw.execute("PRAGMA foreign_keys = OFF")
            try:
                await self._begin_without_timeout(raw)
                with connection.begin():
                    return work(connection)
            finally:
                raw.execute("PRAGMA foreign_keys = ON")

    async def _begin_without_timeout(self, raw: sqlite3.Connection) -> None:
        """Begin a transaction; wait without a timeout, as another process may be upgrading."""
        begin = "BEGIN" if self.read_only else "BEGIN IMMEDIATE"
        logged = False
        while True:
            try:
                await self.file.retry_while_locked(lambda: raw.execute(begin))
            except ServiceUnavailableError as error:
                if error.__cause__ is None or primary_code(error.__cause__) not in LOCKED:
                    raise
                if not logged:
                    logger.warning("Waiting for another process that writes to %s", self.name)
                logged = True
            else:
                return

    async def ping(self, tables: Iterable[Table]) -> None:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await super().ping(tables)
            if self.file.suspect and not self.read_only:
                await self._try_to_write()

    async def inspect(self, look: Callable[[Connection], T]) -> T:
        session = self.session()
        try:
            return await session.orm.run_sync(lambda orm: look(orm.connection()))
        finally:
            await session.close()

    async def _try_to_write(self) -> None:
        if disk_usage(self.file.path).free < MIN_FREE:
            raise ServiceUnavailableError
        opened = await self.writer.acquire()
        try:
            await self.file.retry_while_locked(lambda: rewrite(opened.raw))
        except BaseException:
            self.writer.undo()
            raise
        await self.writer.finish()
        self.file.suspect = False

    async def dispose(self) -> None:
        if await self.slow_reads.stop() and await self.writer.end():
            with suppress(ServiceUnavailableError):
                await self.file.retry_while_locked(self.file.current.close_all)

    def reader(self) -> OpenConnection:
        """Return the connection for reads outside a transaction; each reads its own state."""
        self._reader = self.file.current.connection(self._reader, reads=True)
        return self._reader

    async def begin(self) -> OpenConnection:
        """Acquire a connection in a read transaction; release it with `end`."""
        return await self.file.retry_while_locked(self._begin)

    def _begin(self) -> OpenConnection:
        opened = self._take()
        opened.connection.begin()
        return opened

    def _take(self) -> OpenConnection:
        last = self._idle[-1] if self._idle else None
        opened = self.file.current.connection(last, reads=True)
        del self._idle[-1:]
        return opened

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[OpenConnection]:
        """Acquire a connection for reading, outside a transaction."""
        opened = await self.file.retry_while_locked(self._take)
        try:
            yield opened
        finally:
            self.end(opened)

    def end(self, opened: OpenConnection) -> None:
        """Roll a read transaction back, and release its connection."""
        if opened.connection.closed:  # the database was closed meanwhile
            return
        opened.connection.rollback()
        if len(self._idle) < MAX_IDLE:
            self._idle.append(opened)
        else:
            with suppress(sqlite3.Error):  # its file was replaced: it is closed later
                self.file.current.close(opened)

    @contextmanager
    def _described(self) -> Iterator[None]:
        """Raise `DatabaseError`, with one line for the operator, if the file cannot be used."""
        try:
            yield
        except (
            OSError,
            sqlite3.Error,
            SQLAlchemyError,
            ServiceUnavailableError,
            UnicodeError,  # names in the catalog may be any bytes
        ) as error:
            reason = getattr(error, "__cause__", None) or error
            folder = self.file.path.parent
            if isinstance(reason, sqlite3.Error) and not os.access(folder, os.W_OK):
                reason = f"SQLite needs to create files beside it, and {folder} is not writable"
            raise DatabaseError(f"cannot open {self.name}: {reason}") from error
