"""PostgreSQL through asyncpg, and through SQLAlchemy's async engine over it.

A read outside a transaction is one round trip: a pooled connection in autocommit, the driver's own
prepared statement, no `BEGIN`, no reset. An operation that writes holds one connection from its
`BEGIN` to its `COMMIT`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import ColumnElement, Connection, Table, event, func, literal_column, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only, greenlet_spawn

from graph.database.base import PROBE_TIMEOUT, Database, DatabaseError, Session
from graph.database.postgres_connect import Connector
from graph.database.postgres_dialect import ENGINE
from graph.database.postgres_errors import (
    Raw,
    check_constraint,
    driver_error,
    explained,
    is_unavailable,
    translate,
)
from graph.database.postgres_pool import Pool, Pooled
from graph.database.postgres_url import data_source
from graph.database.statement import Statement
from graph.errors import ServiceUnavailableError, UnknownOutcomeError
from graph.settings import Settings

T = TypeVar("T")

READ_ONLY: ColumnElement[str] = literal_column("current_setting('transaction_read_only')")
"""Whether what is written would be refused, "on" or "off"."""

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""Its statements see what was committed before the first of them."""

LOCK = 0x6865726F
"""The key of the advisory lock of whoever sets the database up: "hero" in ASCII."""

LOCK_WAIT = "60s"
"""How long a machine that starts waits for another that is at it."""


class PostgresSession(Session):
    """A session that has a connection only during a statement or a transaction."""

    def __init__(self, database: "PostgresDatabase") -> None:
        super().__init__(database.dialect)
        self._database = database
        self._held: Pooled | None = None
        self._turn = asyncio.Lock()  # what resolvers side by side fetch shares the one connection

    def bound(self) -> Connection:
        if self._held is None:
            self._held = await_only(self._database.begin())
        return self._held.connection

    async def run(self, _statement: Statement, sql: str, values: Sequence[object]) -> list[Any]:
        rows: list[Any]  # asyncpg's records, which are tuples but for their type
        if self._held is None:
            pooled, rows = await self._database.first(lambda raw: raw.fetch(sql, *values))
            self._database.pool.release(pooled)
            return rows
        async with self._turn:
            try:
                rows = await self._held.raw.fetch(sql, *values)
            except Exception as error:
                translate(error, self._held.raw)
                raise
        return rows

    async def snapshot(self) -> None:
        if self._held is None:
            self._held = await self._database.begin(SNAPSHOT)

    async def start(self) -> None:
        self._held = await self._database.begin()

    async def commit(self) -> None:
        if self.in_use:
            await self.orm.commit()
        held, self._held = self._held, None
        if held is not None:
            await self._database.commit(held)

    async def rollback(self) -> None:
        if self.in_use:
            await self.orm.rollback()
        held, self._held = self._held, None
        if held is not None:
            await self._database.rollback(held)

    async def close(self) -> None:
        try:
            if self.in_use:
                await self.orm.close()
        finally:
            if self._held is not None:
                await self.rollback()


class PostgresDatabase(Database):
    """One database of a server, or of several that stand in for one another."""

    def __init__(self, settings: Settings) -> None:
        dsn, self.name = data_source(settings.database_url)
        self._connector = Connector(dsn, settings.database_timeout)
        self._timeout = settings.database_timeout
        self._engine = create_async_engine(
            ENGINE,
            async_creator=lambda: self._connector.connect(self._timeout),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # of the statements in error messages, which are logged
        )
        event.listen(self._engine.sync_engine, "handle_error", self._translate)
        self.dialect = self._engine.dialect
        self.pool = Pool(self._open, settings.pool_size, self._timeout)
        self._probes = Pool(self._open, 1, PROBE_TIMEOUT)

    def session(self) -> PostgresSession:
        return PostgresSession(self)

    async def create(self) -> None:
        """Nothing: the server's operator creates its databases."""

    async def open(self) -> None:
        """Nothing: a connection is opened when it is needed."""

    async def exclusively(self, work: Callable[[Connection], T]) -> T:
        # A connection of its own, whose statements may take as long as they need.
        engine = create_async_engine(
            ENGINE,
            async_creator=lambda: self._connector.connect(None),
            poolclass=NullPool,
            hide_parameters=True,
        )
        try:
            async with engine.begin() as connection:
                await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
                await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
                return await connection.run_sync(work)
        except (OSError, SQLAlchemyError, ServiceUnavailableError) as error:
            reason = str(driver_error(error)).partition("\n")[0]
            raise DatabaseError(f"cannot open {self.name}: {reason}") from error

    async def ping(self, table: Table) -> None:
        (key,) = table.primary_key
        probe = str(select(READ_ONLY, func.min(key)).compile(dialect=self.dialect))
        async with asyncio.timeout(PROBE_TIMEOUT):
            pooled, read_only = await self.first(lambda raw: raw.fetchval(probe), self._probes)
        if read_only == "on":
            self._probes.discard(pooled)
            raise ServiceUnavailableError
        self._probes.release(pooled)

    async def dispose(self) -> None:
        await asyncio.gather(self.pool.dispose(), self._probes.dispose())

    async def begin(self, statement: str = "BEGIN") -> Pooled:
        """A connection in a transaction, to be given to `commit` or `rollback`."""
        pooled, _ = await self.first(lambda raw: raw.execute(statement))
        return pooled

    async def first(
        self, run: Callable[[Raw], Awaitable[T]], pool: Pool | None = None
    ) -> tuple[Pooled, T]:
        """A connection, and what the first statement on it returned.

        A server that was restarted has closed the connections of the pool, which may show only
        when they are used: the statement is then tried again on another, at last on a new one.

        Args:
            run: runs a statement that changes nothing by itself, as it may run twice.
            pool: where the connection comes from, the pool of all requests unless given.

        Raises:
            ServiceUnavailableError: the database could not be reached in time.
        """
        pool = pool or self.pool
        while True:
            pooled = await pool.acquire()
            try:
                return pooled, await run(pooled.raw)
            except BaseException as error:
                pool.discard(pooled)
                if not isinstance(error, Exception):
                    raise
                if not (pooled.used and pooled.raw.is_closed()):
                    translate(error, pooled.raw)
                    raise

    async def commit(self, pooled: Pooled) -> None:
        """Commit the transaction, and give the connection back.

        Raises:
            UnknownOutcomeError: no answer came, or whoever waited for it is cancelled.
        """
        try:
            status = await pooled.raw.execute("COMMIT")
        except BaseException as error:
            self.pool.discard(pooled)
            if isinstance(error, TimeoutError | asyncio.CancelledError) or pooled.raw.is_closed():
                raise UnknownOutcomeError from explained(error)
            translate(error, pooled.raw)
            raise
        self.pool.release(pooled)
        if status != "COMMIT":  # PostgreSQL's answer after a statement that failed
            raise RuntimeError("a failed statement was passed over: nothing was committed")

    async def rollback(self, pooled: Pooled) -> None:
        """End the transaction, if need be with its connection, and give that back."""
        try:
            await pooled.raw.execute("ROLLBACK")
        except BaseException as error:
            self.pool.discard(pooled)
            if not isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
                raise
        else:
            self.pool.release(pooled)

    @staticmethod
    def _translate(context: ExceptionContext) -> None:
        """Give the statements that SQLAlchemy runs the same public error."""
        error = driver_error(context.original_exception)
        connection = context.connection
        if connection is not None and not connection.invalidated:
            raw: Any = connection.connection.driver_connection
            translate(error, raw)
        check_constraint(error)
        if context.is_disconnect or is_unavailable(error):
            raise ServiceUnavailableError from explained(error)

    async def _open(self) -> Pooled:
        connection = await greenlet_spawn(self._engine.sync_engine.connect)
        raw: Any = connection.connection.driver_connection
        return Pooled(raw, connection)
