"""PostgreSQL through asyncpg, and through SQLAlchemy's async engine over it."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from asyncpg import LockNotAvailableError
from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    event,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

from graph.database.base import PROBE_TIMEOUT, Database, DatabaseError
from graph.database.constraints import table_of
from graph.database.postgres.change_log import PostgresChangeLog
from graph.database.postgres.connect import Connector, data_source
from graph.database.postgres.dialect import ENGINE
from graph.database.postgres.errors import (
    check_constraint,
    driver_error,
    is_unavailable,
    raise_public,
    with_message,
)
from graph.database.postgres.literals import Messages
from graph.database.postgres.pool import Pool, Pooled
from graph.database.postgres.session import PostgresSession, Transactions
from graph.errors import ServiceUnavailableError, logger
from graph.product import LOCK
from graph.settings import Settings

T = TypeVar("T")

READ_ONLY: ColumnElement[str] = literal_column("current_setting('transaction_read_only')")
"""Whether the session is read-only: "on" or "off"."""

TRIGGERED = """
SELECT relname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgtype & 3 = 3 AND tgenabled <> 'D'
"""
"""The tables, in any schema, with an enabled trigger BEFORE … FOR EACH ROW
(https://www.postgresql.org/docs/current/catalog-pg-trigger.html; the bits are in pg_trigger.h)."""

LOCK_WAIT = "1s"
"""Lock timeout of one attempt: writers to the table queue behind it."""

LOCK_PAUSE = 2.0
"""Seconds between two attempts, in which writers proceed."""


DESCRIPTIONS = 100_000
"""Maximum bytes that the server sends about a statement and its columns."""


class PostgresDatabase(Database):
    """A database on one server, or on several that fail over to each other."""

    def __init__(self, settings: Settings) -> None:
        source = data_source(settings.database_url)
        self.name = source.name
        self._connector = Connector(source, settings.database_timeout)
        self.read_only = settings.read_only
        self._timeout = settings.database_timeout
        self._kept_changes = settings.changes_rows
        self._engine = create_async_engine(
            ENGINE,
            async_creator=lambda: self._connector.connect(self._timeout),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # of the statements in error messages, which are logged
        )
        event.listen(self._engine.sync_engine, "handle_error", self._translate)
        self.dialect = self._engine.dialect
        row_bytes = 2 * settings.max_answer_bytes + DESCRIPTIONS
        pool = Pool(self._open, settings.pool_size, self._timeout)
        self.transactions = Transactions(pool, row_bytes)
        self._probes = Transactions(Pool(self._open, 1, PROBE_TIMEOUT), row_bytes)

    def session(self, caller: str = "") -> PostgresSession:
        return PostgresSession(self, self.transactions, caller)

    def change_log(self, table: Table) -> PostgresChangeLog:
        return PostgresChangeLog(table, self.dialect, self._kept_changes)

    async def create(self) -> None:
        """Do nothing: the server's operator creates databases."""

    async def open(self) -> None:
        """Do nothing: connections are opened on demand."""

    async def with_lock(self, work: Callable[[Connection], T]) -> T:
        # Its statements have no timeout.
        engine = create_async_engine(
            ENGINE,
            async_creator=lambda: self._connector.connect(None),
            poolclass=NullPool,
            hide_parameters=True,
        )
        logged = False
        try:
            while True:
                try:
                    async with engine.begin() as connection:
                        await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
                        await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
                        return await connection.run_sync(work)
                except DBAPIError as error:
                    if not isinstance(driver_error(error), LockNotAvailableError):
                        raise
                if not logged:
                    logger.warning("Waiting for a lock of another session on %s", self.name)
                logged = True
                await asyncio.sleep(LOCK_PAUSE)
        except (OSError, SQLAlchemyError, ServiceUnavailableError) as error:
            reason = str(driver_error(error)).partition("\n")[0]
            raise DatabaseError(f"cannot open {self.name}: {reason}") from error

    async def ping(self, tables: Iterable[Table]) -> None:
        writable, rows = [READ_ONLY == "off"], []
        for table in tables:
            key = table.primary_key.columns[0]
            # As `min(key)`, which the type uuid does not have.
            least = select(key).order_by(key).limit(literal_column("1"))
            rows.append(least.scalar_subquery())
            name = literal(self.dialect.identifier_preparer.format_table(table), String)
            writable += [
                func.has_any_column_privilege(name, "INSERT"),
                func.has_any_column_privilege(name, "UPDATE"),
                func.has_table_privilege(name, "DELETE"),
            ]
        probe = str(
            select(and_(*writable), *rows).compile(
                dialect=self.dialect, compile_kwargs={"literal_binds": True}
            )
        )
        async with asyncio.timeout(PROBE_TIMEOUT):
            pooled, is_writable = await self._probes.acquire_and_run(
                lambda pooled: pooled.raw.fetchval(probe)
            )
        if not is_writable and not self.read_only:
            self._probes.pool.discard(pooled)
            raise ServiceUnavailableError
        self._probes.pool.release(pooled)

    async def inspect(self, look: Callable[[Connection], T]) -> T:
        def looked(connection: Connection) -> T:
            with connection.begin():  # in autocommit mode, without a round trip
                return look(connection)

        async with asyncio.timeout(PROBE_TIMEOUT):
            pooled, result = await self._probes.acquire_and_run(
                lambda pooled: greenlet_spawn(looked, pooled.connection)
            )
        self._probes.pool.release(pooled)
        return result

    async def dispose(self) -> None:
        await asyncio.gather(self.transactions.pool.dispose(), self._probes.pool.dispose())

    @staticmethod
    def _translate(context: ExceptionContext) -> None:
        """Raise the same public errors for SQLAlchemy's statements."""
        error = driver_error(context.original_exception)
        connection = context.connection
        if connection is not None and not connection.invalidated:
            raw: Any = connection.connection.driver_connection
            raise_public(error, raw, table_of(context))
        check_constraint(error, table_of(context))
        if context.is_disconnect or is_unavailable(error):
            raise ServiceUnavailableError from with_message(error)

    async def _open(self) -> Pooled:
        connection = await greenlet_spawn(self._engine.sync_engine.connect)
        raw: Any = connection.connection.driver_connection
        messages = Messages(prepares=self._connector.caches_statements)
        try:
            triggered = frozenset(name for (name,) in await raw.fetch(TRIGGERED))
        except BaseException as error:
            raw.terminate()
            connection.invalidate()
            raise_public(error, raw)
            raise
        return Pooled(raw, connection, messages, triggered)
