"""The interface of databases and sessions, for resolvers and the app."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
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

from graph.database.changes import ChangeLog
from graph.database.feed import Feed
from graph.database.statement import Rows, Statement, exactly, with_column

T = TypeVar("T")

NOT_CHANGED = "the first change of the transaction changed no row"
"""Reason why its further statements fail."""

PROBE_TIMEOUT = 1.5
"""Seconds to wait for an answer to a probe."""


class DatabaseError(Exception):
    """The configured database cannot be used; the message is one line for the operator."""


class Change(NamedTuple):
    """A writing statement, with its parameters: integers, texts or bytes."""

    statement: Statement
    parameters: Mapping[str, object]


class Session(ABC):
    """The session of one request, made by `Database.session`.

    `fetch` runs a `Statement` fast; `orm` is SQLModel's session for everything else. Each read is
    independent, unless `snapshot` was called. Between `start` and `commit`, all statements run in
    one transaction, those of `orm` too. It begins with `begin`, or with the first of them that is
    not a `search`.
    """

    committed = False
    """Whether a write was committed as it ran (`start`); it can no longer be rolled back."""

    def __init__(self, database: "Database") -> None:
        self.database = database
        self.dialect = database.dialect
        self.scanned = False
        """Whether any statement that may scan was run, other than by a search of its own."""

    @cached_property
    def orm(self) -> AsyncSession:
        """SQLModel's session, as in `await session.orm.exec(select(Hero))`.

        It is made on first use. On SQLite its statements block the event loop: use `fetch` for
        reads of many rows.
        """
        return AsyncSession(
            sync_session_class=_SyncSession,
            session=self,
            expire_on_commit=False,
            # On SQLite, other operations share the connection's transaction.
            join_transaction_mode="create_savepoint",
        )

    @property
    def in_use(self) -> bool:
        """Whether `orm` has an open transaction."""
        return "orm" in self.__dict__ and self.orm.in_transaction()

    async def fetch(self, statement: Statement, **parameters: object) -> Rows:
        """Run a statement and return all its rows.

        Args:
            statement: the statement.
            parameters: values of its bind parameters; others keep the values in the statement.

        Raises:
            BadUserInputError: a value is out of its column's range.
            ServiceUnavailableError: the database could not be reached, or did not answer, in time.
        """
        self.scanned |= statement.may_scan
        compiled = statement.compiled(self.dialect)
        sql, values = compiled.bind(parameters)
        return compiled.rows(statement, await self.run(statement, sql, values))

    async def read_again(self, rows: Rows, column: str) -> Rows:
        """Read a page again, with one more column; return other rows as they are."""
        wider = [(with_column(statement, column), values) for statement, values in rows.reads]
        again = [await self.fetch(each, **values) for each, values in wider if each is not None]
        if not again or len(again) < len(rows.reads):
            return rows
        return again[0].holding([row for each in again for row in each.tuples])

    async def fetch_exactly(self, count: int, statement: Statement, **parameters: object) -> Rows:
        """Run a write and return its rows, of which there must be this many.

        Raises:
            ConstraintError: there are fewer, as a trigger of the database left some out.
            MissingRightError: there are fewer, and row-level security may have left them out.
        """
        return exactly(count, await self.fetch(statement, **parameters))

    async def search(self, statement: Statement, **parameters: object) -> Rows:
        """Read as `fetch` does, but without beginning the transaction of `start`.

        Other writers need not wait meanwhile. The rows may have changed when the transaction
        begins: check the condition again there.
        """
        self.scanned |= statement.may_scan and self.begun
        compiled = statement.compiled(self.dialect)
        sql, values = compiled.bind(parameters)
        run = self.run if self.begun else self.run_without_begin
        return compiled.rows(statement, await run(statement, sql, values))

    @abstractmethod
    async def run(self, statement: Statement, sql: str, values: Sequence[object]) -> list[Any]:
        """Run a statement's SQL on the driver's connection, and return its rows."""

    @abstractmethod
    async def run_without_begin(
        self, statement: Statement, sql: str, values: Sequence[object]
    ) -> list[Any]:
        """Like `run`, but never begins a transaction."""

    @property
    @abstractmethod
    def begun(self) -> bool:
        """Whether a transaction or a snapshot has begun."""

    @abstractmethod
    def orm_bind(self) -> Engine | Connection:
        """Return the engine or connection for the next statement of `orm`."""

    @abstractmethod
    async def snapshot(self, *, scans: bool = False) -> bool:
        """Make all further reads of this session see one state of the database.

        Has no effect in a transaction.

        Args:
            scans: whether any of the reads may scan (`Statement.may_scan`).

        Returns:
            Whether the snapshot starts now; earlier reads may have seen another state.
        """

    @abstractmethod
    def start(
        self, first: Change | None = None, *, scans: bool = False, autocommit_characters: int = 0
    ) -> None:
        """Start a transaction, which ends with `commit`, `rollback` or `close`.

        Args:
            first: a change to begin with; on PostgreSQL it needs no extra round trip. If it
                changes no row, all statements fail, until `begin` was called.
            scans: whether any statement in it may scan (`Statement.may_scan`); it then waits for
                its turn among slow ones before it begins, as others would wait for its end.
            autocommit_characters: if not 0, there is only one statement. PostgreSQL then commits a
                write as it runs, in one round trip instead of three, unless a trigger may change
                its rows, or its text parameters have more characters than this.
        """

    @abstractmethod
    async def begin(self) -> bool:
        """Begin the transaction, unless a statement has begun it already.

        Returns:
            Whether its first change, if any, changed a row. The transaction is open in any case.
        """

    @abstractmethod
    async def commit(self, last: Change | None = None) -> None:
        """Commit the transaction.

        Args:
            last: a change to end with; on PostgreSQL it needs no extra round trip.
        """

    @abstractmethod
    async def rollback(self) -> None:
        """Roll the transaction back."""

    @abstractmethod
    async def close(self) -> None:
        """Roll back an open transaction, and release the connection."""


class _SyncSession(SyncSession):
    """SQLAlchemy's session behind `Session.orm`, bound to the same connection as the session."""

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**options)
        self._session = session

    def get_bind(self, *_args: Any, **_options: Any) -> Engine | Connection:
        return self._session.orm_bind()


@event.listens_for(_SyncSession, "do_orm_execute")
def _take_all_rows(state: ORMExecuteState) -> Result[*tuple[Any, ...]]:
    """Fetch all rows: SQLAlchemy's asyncio extension can close only cursors of its own drivers."""
    result = state.invoke_statement()
    if isinstance(result, CursorResult) and result.returns_rows:
        return result.freeze()()
    return result


@cache
def any_row(table: Table) -> Statement:
    """Return a statement that returns one row if the table has any."""
    return Statement(select(literal(1).label("one")).select_from(table).limit(1))


class Database(ABC):
    """A database with its connections; lives from the app's start to its shutdown."""

    name: str
    """A name for the operator, without secrets."""

    dialect: Dialect
    """SQLAlchemy's dialect, for compiling SQL."""

    read_only: bool
    """Whether the service must not write to it."""

    @abstractmethod
    def session(self, caller: str = "") -> Session:
        """Return a new session, which acquires a connection on first use.

        Args:
            caller: the client; slow statements of different clients take turns.
        """

    @abstractmethod
    def change_log(self, table: Table) -> ChangeLog[Any]:
        """Return the log of a table's changes, which the database may not have."""

    @cached_property
    def _feeds(self) -> dict[Table, Feed[Any]]:
        return {}

    def feed(self, table: Table) -> Feed[Any]:
        """Return the feed of a table's changes."""
        if table not in self._feeds:
            self._feeds[table] = Feed(self.session, self.change_log(table))
        return self._feeds[table]

    def announce_commit(self) -> None:
        """Let the feeds read what was just committed."""
        for feed in self._feeds.values():
            feed.look()

    @abstractmethod
    async def create(self) -> None:
        """Create the database itself, if it is missing and can be created by the service.

        Raises:
            DatabaseError: it cannot be created.
        """

    @abstractmethod
    async def open(self) -> None:
        """Open the long-lived connections; a database that cannot be reached is opened later."""

    @abstractmethod
    async def with_lock(self, work: Callable[[Connection], T]) -> T:
        """Call `work` in a transaction, commit unless it raises, and return its result.

        A lock excludes concurrent calls from any process or machine.

        Raises:
            DatabaseError: the database cannot be opened, or a statement of `work` failed.
        """

    async def ping(self, tables: Iterable[Table]) -> None:
        """Check that the database answers a query of each table.

        Raises:
            Exception: it does not.
        """
        for table in tables:
            await self.is_empty(table)

    async def is_empty(self, table: Table) -> bool:
        """Whether the table has no rows.

        Raises:
            Exception: the database does not answer.
        """
        session = self.session()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                return not await session.fetch(any_row(table))
        finally:
            await session.close()

    async def insert(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows, each given by column name: all or none."""
        session = self.session()
        try:
            session.start()
            # As in `Statement`.
            added = insert(table).prefix_with("OR ABORT", dialect="sqlite")
            await session.orm.exec(added, params=rows)
            await session.commit()
        finally:
            await session.close()

    @abstractmethod
    async def inspect(self, look: Callable[[Connection], T]) -> T:
        """Call `look` with a connection for a probe, and return its result.

        Raises:
            Exception: the database does not answer, or `look` raised.
        """

    @abstractmethod
    async def dispose(self) -> None:
        """Close all connections."""
