"""What the resolvers and the app need of a database, whatever its engine."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    Connection,
    CursorResult,
    Dialect,
    Engine,
    Result,
    Table,
    event,
    insert,
    literal,
    select,
)
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session as SyncSession
from sqlmodel.ext.asyncio.session import AsyncSession

from graph.database.autocommit import Guard, One
from graph.database.statement import Rows, Statement

T = TypeVar("T")


class DatabaseError(Exception):
    """The database cannot be used as it is configured; one line for the operator."""


class Change(NamedTuple):
    """A statement that writes, with its parameters: integers, texts and bytes."""

    statement: Statement
    parameters: Mapping[str, object]


class Session(ABC):
    """The session of one request, made by `Database.session`.

    `fetch` runs a statement in the short way, and `orm` is SQLModel's session for all else. Outside
    a transaction a read is a statement of its own; after `snapshot`, and between `start` and
    `commit`, everything, through `orm` too, happens in one transaction.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    @cached_property
    def orm(self) -> AsyncSession:
        """SQLModel's session, as in `await session.orm.exec(select(Hero))`.

        It is made when first asked for: `fetch` alone does well without. On SQLite its statements
        hold the event loop for as long as they take: what may read many rows is for `fetch`.
        """
        return AsyncSession(
            sync_session_class=_SyncSession,
            session=self,
            expire_on_commit=False,
            # On SQLite it is one of several operations in the transaction of its connection.
            join_transaction_mode="create_savepoint",
        )

    @property
    def in_use(self) -> bool:
        """Whether anything went through `orm` that needs an end."""
        return "orm" in self.__dict__ and self.orm.in_transaction()

    async def fetch(self, statement: Statement, **parameters: object) -> Rows:
        """Run a statement and return all its rows; parameters that are not given keep its values.

        Raises:
            BadUserInputError: a value has no place in the type of its column.
            ServiceUnavailableError: the database could not be reached, or did not answer, in time.
        """
        compiled = statement.compiled(self.dialect)
        sql, values = compiled.bound(parameters)
        return compiled.rows(await self.run(statement, sql, values))

    def one(self, statement: Statement, **parameters: object) -> Any:
        """The first row of a statement, to be awaited; it always returns one, or fails.

        A root field's resolver that returns it as it is, without awaiting it, has nothing else to
        do: where it is all of the operation, PostgreSQL takes one round trip in place of three.
        """
        fetch = partial(self.fetch, statement, **parameters)
        return One(fetch, partial(self.autocommit, statement, parameters))

    async def autocommit(
        self, _statement: Statement, _parameters: Mapping[str, object], _guard: Guard
    ) -> Rows | None:
        """The rows of a statement, which is committed as it runs, unless the guard keeps it.

        Returns:
            None when nothing was done: the statement is to be run in the transaction.

        Raises:
            UnknownOutcomeError: no answer came, or whoever waited for it is cancelled.
        """
        return None

    @abstractmethod
    async def run(self, statement: Statement, sql: str, values: Sequence[object]) -> list[Any]:
        """The rows of a statement, run as this SQL on the driver's own connection."""

    @abstractmethod
    def bound(self) -> Engine | Connection:
        """Where `orm` runs its next statement."""

    @abstractmethod
    async def snapshot(self) -> bool:
        """Have all reads, until the session is closed, see one state of the database.

        In a transaction, this changes nothing.

        Returns:
            Whether the snapshot begins now: earlier reads may have seen another state.
        """

    @abstractmethod
    async def start(self, first: Change | None = None) -> int:
        """Have all that follows, until `commit`, happen in one transaction.

        Args:
            first: the change to begin with; PostgreSQL takes no further round trip for it.

        Returns:
            How many rows `first` has changed.
        """

    @abstractmethod
    async def commit(self, last: Change | None = None) -> None:
        """Commit the transaction.

        Args:
            last: the change to end with; PostgreSQL takes no further round trip for it.
        """

    @abstractmethod
    async def rollback(self) -> None:
        """Undo what was not committed."""

    @abstractmethod
    async def close(self) -> None:
        """Undo what was not committed, and give the connection back."""


class _SyncSession(SyncSession):
    """SQLAlchemy's part of `Session.orm`, which runs its statements where that session does."""

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**options)
        self._session = session

    def get_bind(self, *_args: Any, **_options: Any) -> Engine | Connection:
        return self._session.bound()


@event.listens_for(_SyncSession, "do_orm_execute")
def _take_all_rows(state: ORMExecuteState) -> Result[*tuple[Any, ...]]:
    """Leave no cursor open: asyncio's part of SQLAlchemy can close only those of its drivers."""
    result = state.invoke_statement()
    if isinstance(result, CursorResult) and result.returns_rows:
        return result.freeze()()
    return result


PROBE_TIMEOUT = 1.5
"""Seconds after which a database that has not answered counts as one that does not."""


@cache
def any_row(table: Table) -> Statement:
    """One row, without its values, if there is any."""
    return Statement(select(literal(1).label("one")).select_from(table).limit(1))


class Database(ABC):
    """An engine with its connections; lives from the start of the app to its shutdown."""

    name: str
    """What an operator knows it by, without secrets."""

    dialect: Dialect
    """SQLAlchemy's, for what it writes in SQL."""

    read_only: bool
    """Whether nothing may be written to it."""

    @abstractmethod
    def session(self) -> Session:
        """A new session, which takes a connection when it is first used."""

    @abstractmethod
    async def create(self) -> None:
        """Create the database itself where it is not there and that is for us to do.

        Raises:
            DatabaseError: it cannot be created.
        """

    @abstractmethod
    async def open(self) -> None:
        """Open what stays open from the start on; a database that is away is left for later."""

    @abstractmethod
    async def with_lock(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, called in a transaction that is committed unless it raises.

        No two calls, whichever processes and machines they come from, are at work at once.

        Raises:
            DatabaseError: the database cannot be opened, or what `work` runs on it failed.
        """

    async def ping(self, table: Table) -> None:
        """Ask the database whether it can be used, this table of it above all.

        Raises:
            Exception: whatever keeps it from answering.
        """
        await self.is_empty(table)

    async def is_empty(self, table: Table) -> bool:
        """Whether the table has no rows.

        Raises:
            Exception: whatever keeps the database from answering.
        """
        session = self.session()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                return not await session.fetch(any_row(table))
        finally:
            await session.close()

    async def insert(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows, given by their columns' names: all of them or none."""
        session = self.session()
        try:
            await session.start()
            await session.orm.exec(insert(table), params=rows)
            await session.commit()
        finally:
            await session.close()

    @abstractmethod
    async def dispose(self) -> None:
        """Close all connections."""
