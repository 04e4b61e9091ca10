"""Sessions on PostgreSQL.

A read outside a transaction is one round trip: a pooled connection in autocommit, the driver's own
prepared statement, no `BEGIN`, no reset. An operation that writes holds one connection from its
`BEGIN` to its `COMMIT`.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.util import await_only

from graph.database.base import Session
from graph.database.postgres_errors import translate
from graph.database.postgres_transactions import Transactions
from graph.database.statement import Statement

if TYPE_CHECKING:
    from graph.database.postgres_pool import Pooled

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""Its statements see what was committed before the first of them."""


class PostgresSession(Session):
    """A session that has a connection only during a statement or a transaction."""

    def __init__(self, dialect: Dialect, transactions: Transactions) -> None:
        super().__init__(dialect)
        self._transactions = transactions
        self._held: Pooled | None = None
        self._turn = asyncio.Lock()  # what resolvers side by side fetch shares the one connection

    def bound(self) -> Connection:
        if self._held is None:
            self._held = await_only(self._transactions.begin())
        return self._held.connection

    async def run(self, _statement: Statement, sql: str, values: Sequence[object]) -> list[Any]:
        rows: list[Any]  # asyncpg's records, which are tuples but for their type
        if self._held is None:
            pooled, rows = await self._transactions.first(lambda raw: raw.fetch(sql, *values))
            self._transactions.pool.release(pooled)
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
            self._held = await self._transactions.begin(SNAPSHOT)

    async def start(self) -> None:
        self._held = await self._transactions.begin()

    async def commit(self) -> None:
        if self.in_use:
            await self.orm.commit()
        held, self._held = self._held, None
        if held is not None:
            await self._transactions.commit(held)

    async def rollback(self) -> None:
        if self.in_use:
            await self.orm.rollback()
        held, self._held = self._held, None
        if held is not None:
            await self._transactions.rollback(held)

    async def close(self) -> None:
        try:
            if self.in_use:
                await self.orm.close()
        finally:
            if self._held is not None:
                await self.rollback()
