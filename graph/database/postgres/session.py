"""Sessions on PostgreSQL.

A read outside a transaction is one round trip: on a pooled connection in autocommit mode, with the
driver's prepared statement, without `BEGIN` or a reset. So is a mutation of one statement. Any
other transaction holds one connection, from the `BEGIN` before its first statement to its `COMMIT`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

import asyncpg
from sqlalchemy import (
    Connection,
    String,
    UpdateBase,
    bindparam,
    func,
    select,
)
from sqlalchemy.util import await_only

from graph.database.base import NOT_CHANGED, Change, Database, Session
from graph.database.constraints import written_table
from graph.database.postgres.errors import (
    is_outcome_unknown,
    is_refused,
    is_unanswered,
    raise_public,
    was_not_sent,
    with_message,
)
from graph.database.postgres.pool import Pool, Pooled
from graph.database.statement import Rows, Statement, exactly
from graph.errors import (
    MissingRightError,
    PublicError,
    ServiceUnavailableError,
    UnknownOutcomeError,
)

T = TypeVar("T")
Acquire: TypeAlias = Callable[[], Awaitable[Pooled]]


class Transactions:
    """Transactions on the connections of a pool.

    Args:
        pool: the pool.
        row_bytes: maximum bytes of a statement's rows.
    """

    def __init__(self, pool: Pool, row_bytes: int) -> None:
        self.pool = pool
        self._row_bytes = row_bytes

    def fetch(
        self, pooled: Pooled, sql: str, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[Any]]:
        """Run a statement, and return its rows: asyncpg's records, which are tuples but for their
        type.

        Raises:
            PublicError: the rows have too many bytes; the connection is closed.
        """
        return pooled.raw.fetch_within(self._row_bytes, sql, values)

    async def begin(self, statement: str = "BEGIN", acquire: Acquire | None = None) -> Pooled:
        """Begin a transaction; return its connection for `commit` or `rollback`."""
        pooled, _ = await self.acquire_and_run(
            lambda pooled: pooled.raw.execute(statement), acquire
        )
        return pooled

    async def begin_with(
        self, sql: str, values: Sequence[object], acquire: Acquire
    ) -> tuple[Pooled, int]:
        """Begin a transaction with a change; return its connection and how many rows changed."""

        def begin(pooled: Pooled) -> Awaitable[str]:
            return pooled.raw.execute(f"BEGIN; {pooled.messages.statement(sql, values)}")

        pooled, status = await self.acquire_and_run(begin, acquire)
        return pooled, int(status.rpartition(" ")[2])

    async def acquire_and_run(
        self,
        run: Callable[[Pooled], Awaitable[T]],
        acquire: Acquire | None = None,
        *,
        commits: UpdateBase | None = None,
    ) -> tuple[Pooled, T]:
        """Acquire a connection, and run a statement on it; return the connection and the result.

        A restarted server has closed the connections of the pool, which may show only when they
        are used. The statement is then retried on the next connection, in the end on a new one.

        Args:
            run: runs the statement; it may run twice if the statement does not commit.
            acquire: acquires the connection; by default, the pool's method.
            commits: the statement, if it commits its changes; it is then retried only if the
                server certainly did not run it.

        Raises:
            ServiceUnavailableError: the database could not be reached in time.
            UnknownOutcomeError: a statement that commits was not answered, or the waiting task was
                cancelled.
        """
        acquire = acquire or self.pool.acquire
        while True:
            pooled = await acquire()
            try:
                return pooled, await run(pooled)
            except BaseException as error:
                if is_refused(error, pooled.raw):
                    self.pool.release(pooled)
                else:
                    self.pool.discard(pooled, error)
                if commits is not None and is_outcome_unknown(error, pooled.raw):
                    raise UnknownOutcomeError from with_message(error)
                if not isinstance(error, Exception) or isinstance(error, PublicError):
                    raise
                if not (pooled.used and (pooled.raw.is_closed() or was_not_sent(error))):
                    raise_public(error, pooled.raw, written_table(commits))
                    raise

    async def commit(
        self, pooled: Pooled, last: tuple[str, Sequence[object]] | None = None
    ) -> None:
        """Commit the transaction, and release the connection.

        Args:
            pooled: the connection.
            last: a statement to run before, and its values.

        Raises:
            UnknownOutcomeError: no answer came, or the waiting task was cancelled.
        """
        try:
            before = "" if last is None else f"{pooled.messages.statement(*last)}; "
            status = await pooled.raw.execute(f"{before}COMMIT")
        except BaseException as error:
            self.pool.discard(pooled, error)
            if is_unanswered(error, pooled.raw):
                raise UnknownOutcomeError from with_message(error)
            raise_public(error, pooled.raw)
            raise
        self.pool.release(pooled)
        if status != "COMMIT":  # PostgreSQL's answer after a statement that failed
            raise RuntimeError("an earlier statement failed: nothing was committed")

    async def rollback(self, pooled: Pooled) -> None:
        """Roll back, closing the connection if necessary, and release it."""
        try:
            await pooled.raw.execute("ROLLBACK")
        except BaseException as error:
            self.pool.discard(pooled, error)
            if not isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
                raise
        else:
            self.pool.release(pooled)


IS_SECURED = Statement(
    select(func.row_security_active(bindparam("name", type_=String)).label("secured"))
)
"""Whether row-level security applies to this service in a table."""

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""All statements see the state of the database at the first one."""


class PostgresSession(Session):
    """A session that has a connection only during a statement or a transaction."""

    def __init__(self, database: Database, transactions: Transactions, caller: str = "") -> None:
        super().__init__(database)
        self._transactions = transactions
        self._caller = caller
        self._held: Pooled | None = None
        self._writes = False
        self._first: Change | None = None
        self._scans = False
        self._autocommit_characters = 0
        self._turn = asyncio.Lock()  # concurrent resolvers share one connection

    def orm_bind(self) -> Connection:
        return (self._held or await_only(self._begun())).connection

    @property
    def begun(self) -> bool:
        return self._held is not None

    def _acquire(self, *, scans: bool) -> Acquire:
        pool = self._transactions.pool
        return partial(pool.acquire_for_slow, self._caller) if scans else pool.acquire

    async def run_without_begin(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> list[Any]:
        acquire = self._acquire(scans=statement.may_scan)
        pooled, rows = await self._transactions.acquire_and_run(
            lambda pooled: self._transactions.fetch(pooled, sql, values), acquire
        )
        self._transactions.pool.release(pooled)
        return rows

    def run(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[Any]]:
        if self._held is None and not self._writes:
            return self.run_without_begin(statement, sql, values)
        if (
            self._held is None
            and self._autocommit_characters
            and isinstance(statement.clause, UpdateBase)
        ):
            texts = sum([len(value) for value in values if type(value) is str])
            if texts <= self._autocommit_characters:
                return self._run_and_commit(statement.clause, sql, values)
        return self._run_in_transaction(statement, sql, values)

    async def fetch_exactly(self, count: int, statement: Statement, **parameters: object) -> Rows:
        rows = await self.fetch(statement, **parameters)
        if len(rows) < count and isinstance(statement.clause, UpdateBase):
            name = self.dialect.identifier_preparer.format_table(statement.clause.table)
            if (await self.fetch(IS_SECURED, name=name))[0].secured:
                raise MissingRightError from PermissionError("no policy lets a row be written")
        return exactly(count, rows)

    async def _run_and_commit(
        self, clause: UpdateBase, sql: str, values: Sequence[object]
    ) -> list[Any]:
        """Run the only statement; commit it as it runs, unless a trigger may change its rows."""

        async def run(pooled: Pooled) -> list[Any]:
            if getattr(clause.table, "name", None) in pooled.triggered:
                await pooled.raw.execute("BEGIN")
            return await pooled.raw.fetch(sql, *values)

        self._autocommit_characters = 0
        acquire = self._acquire(scans=self._scans)
        pooled, rows = await self._transactions.acquire_and_run(run, acquire, commits=clause)
        if pooled.raw.is_in_transaction():
            self._held = pooled
        else:
            self._transactions.pool.release(pooled)
            self.committed = bool(rows)  # a statement that returns no row has written none
            self.database.announce_commit()
        return rows

    async def _run_in_transaction(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> list[Any]:
        held = self._held or await self._begun()
        async with self._turn:
            try:
                return await self._transactions.fetch(held, sql, values)
            except PublicError:
                raise
            except Exception as error:
                raise_public(error, held.raw, written_table(statement.clause))
                raise

    async def _begun(self) -> Pooled:
        """Return the transaction's connection; begin the transaction on the first call.

        Raises:
            RuntimeError: the operation's only statement was committed already.
        """
        if self.committed:
            raise RuntimeError("a field that is declared as one statement runs another")
        async with self._turn:
            if self._held is None and not await self._begin():
                await self._release()
                raise ServiceUnavailableError from InterruptedError(NOT_CHANGED)
            assert self._held is not None  # noqa: S101 (for the type checker)
            return self._held

    async def _begin(self) -> bool:
        """Begin the transaction; returns whether its first change, if any, changed any row."""
        acquire = self._acquire(scans=self._scans)
        if self._first is None:
            self._held = await self._transactions.begin(acquire=acquire)
            return True
        self._held, changed = await self._transactions.begin_with(
            *self._bound(self._first), acquire
        )
        return changed > 0

    async def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            await self._transactions.rollback(held)

    async def snapshot(self, *, scans: bool = False) -> bool:
        if self._held is not None or self._writes:
            return False
        self._held = await self._transactions.begin(SNAPSHOT, self._acquire(scans=scans))
        return True

    def start(
        self, first: Change | None = None, *, scans: bool = False, autocommit_characters: int = 0
    ) -> None:
        self._writes, self._first = True, first
        self._scans, self._autocommit_characters = scans, autocommit_characters

    async def begin(self) -> bool:
        async with self._turn:
            return self._held is not None or await self._begin()

    def _bound(self, change: Change) -> tuple[str, list[object]]:
        return change.statement.compiled(self.dialect).bind(change.parameters)

    async def commit(self, last: Change | None = None) -> None:
        if self.in_use:
            await self.orm.commit()
        if last is not None and self._held is None:
            await self._begun()
        if (held := self._detach()) is not None:
            await self._transactions.commit(held, None if last is None else self._bound(last))
            self.database.announce_commit()

    async def rollback(self) -> None:
        if self.in_use:
            await self.orm.rollback()
        if (held := self._detach()) is not None:
            await self._transactions.rollback(held)

    def _detach(self) -> Pooled | None:
        """Return the transaction's connection to the caller, which ends the transaction."""
        held, self._held, self._first = self._held, None, None
        self._writes = self._scans = False
        return held

    async def close(self) -> None:
        try:
            if self.in_use:
                await self.orm.close()
        finally:
            if self._held is not None:
                await self.rollback()
