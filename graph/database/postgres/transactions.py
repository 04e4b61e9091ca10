"""Statements and transactions on pooled connections to PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import asyncpg

from graph.database.postgres.errors import (
    explained,
    is_unanswered,
    is_unavailable,
    may_be_done,
    translate,
    was_not_sent,
)
from graph.database.postgres.pool import Pool, Pooled
from graph.errors import UnknownOutcomeError

T = TypeVar("T")
Acquire: TypeAlias = Callable[[], Awaitable[Pooled]]


class Transactions:
    """What can be done with the connections of a pool.

    Args:
        pool: where each is taken from, and given back to.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def begin(self, statement: str = "BEGIN", acquire: Acquire | None = None) -> Pooled:
        """A connection in a transaction, to be given to `commit` or `rollback`."""
        pooled, _ = await self.first(lambda pooled: pooled.raw.execute(statement), acquire)
        return pooled

    async def begin_with(self, sql: str, values: Sequence[object]) -> tuple[Pooled, int]:
        """A connection in a transaction that has made a change, and how many rows that is."""

        def begin(pooled: Pooled) -> Awaitable[str]:
            return pooled.raw.execute(f"BEGIN; {pooled.messages.statement(sql, values)}")

        pooled, status = await self.first(begin)
        return pooled, int(status.rpartition(" ")[2])

    async def first(
        self, run: Callable[[Pooled], Awaitable[T]], acquire: Acquire | None = None
    ) -> tuple[Pooled, T]:
        """A connection, and what the first statement on it returned.

        A server that was restarted has closed the connections of the pool, which may show only
        when they are used: the statement is then tried again on another, at last on a new one.

        Args:
            run: runs a statement that changes nothing by itself, as it may run twice.
            acquire: takes the connection; the pool's own, if it is not given.

        Raises:
            ServiceUnavailableError: the database could not be reached in time.
        """
        acquire = acquire or self.pool.acquire
        while True:
            pooled = await acquire()
            try:
                return pooled, await run(pooled)
            except BaseException as error:
                self.pool.discard(pooled, error)
                if not isinstance(error, Exception):
                    raise
                if not (pooled.used and (pooled.raw.is_closed() or was_not_sent(error))):
                    translate(error, pooled.raw)
                    raise

    async def autocommit(self, sql: str, values: Sequence[object]) -> list[Any] | None:
        """The rows of a statement that writes, in a transaction of its own.

        Returns:
            None when it could not be run, or was undone.

        Raises:
            ServiceUnavailableError: there was no connection in time.
            UnknownOutcomeError: no answer came, or whoever waited for it is cancelled.
        """
        pooled = await self.pool.acquire()
        try:
            rows: list[Any] = await pooled.raw.fetch(sql, *values)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 (it may be done, whatever the error)
            if may_be_done(error, pooled.raw):
                self.pool.discard(pooled, error)
                raise UnknownOutcomeError from explained(error)
            refused = isinstance(error, asyncpg.PostgresError) and not is_unavailable(error)
            (self.pool.release if refused else self.pool.discard)(pooled)
            return None
        self.pool.release(pooled)
        return rows

    async def commit(
        self, pooled: Pooled, last: tuple[str, Sequence[object]] | None = None
    ) -> None:
        """Commit the transaction, and give the connection back.

        Args:
            pooled: the connection.
            last: a statement that is run before, and its values.

        Raises:
            UnknownOutcomeError: no answer came, or whoever waited for it is cancelled.
        """
        try:
            before = "" if last is None else f"{pooled.messages.statement(*last)}; "
            status = await pooled.raw.execute(f"{before}COMMIT")
        except BaseException as error:
            self.pool.discard(pooled, error)
            if is_unanswered(error, pooled.raw):
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
            self.pool.discard(pooled, error)
            if not isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
                raise
        else:
            self.pool.release(pooled)
