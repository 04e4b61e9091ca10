"""What the resolvers and the app need of a database, whatever its engine."""

import asyncio
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Select,
    UpdateBase,
    func,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session as SyncSession
from sqlmodel.ext.asyncio.session import AsyncSession

from graph.hero.model import HERO, Hero
from graph.settings import Settings

T = TypeVar("T")


class DatabaseError(Exception):
    """The database cannot be used as it is configured; one line for the operator."""


def _record(columns: Sequence[str]) -> Any:
    """A class of named tuples, whose fields are known only now."""
    return namedtuple("Record", columns)  # noqa: PYI024


class Statement:
    """A Core statement that returns rows, compiled once for each dialect.

    SQLAlchemy writes the SQL; `Session.fetch` runs it on the driver's own connection, without a
    `Result` and a `Row` for each answer, which takes a tenth of the time of `Session.exec`.

    Args:
        clause: a `select`, or an `insert` or `delete` with `returning`.
        values: the columns that an `insert` fills, which are then its parameters.
    """

    def __init__(
        self, clause: Select[*tuple[Any, ...]] | UpdateBase, values: Sequence[str] = ()
    ) -> None:
        self.clause = clause
        self.values = values
        self._exported = list(clause.exported_columns)
        self.columns = tuple(str(column.key) for column in self._exported)
        self.record = _record(self.columns)
        self.compiled = cache(self._compiled)

    def _compiled(self, dialect: Dialect) -> tuple[str, Sequence[str]] | None:
        """The SQL and the names of its parameters in order.

        None when a parameter or a column needs SQLAlchemy to convert it for this driver.
        """
        compiled = self.clause.compile(dialect=dialect, column_keys=self.values or None)
        parameters = [bind.type.dialect_impl(dialect) for bind in compiled.binds.values()]
        results = [column.type.dialect_impl(dialect) for column in self._exported]
        if any(type_.bind_processor(dialect) for type_ in parameters) or any(
            type_.result_processor(dialect, None) for type_ in results
        ):
            return None
        return str(compiled), compiled.positiontup or ()


class Rows(Sequence[Any]):
    """The rows that a statement returned, in its order.

    An item is a named tuple: its values are attributes, as those of a model are.
    `tuples` has the same values as the driver gave them, in the order of `columns`.
    """

    def __init__(self, statement: Statement, tuples: Sequence[Sequence[Any]]) -> None:
        self.columns = statement.columns
        self.tuples = tuples
        self._record = statement.record

    def __len__(self) -> int:
        return len(self.tuples)

    def __getitem__(self, index: Any) -> Any:
        return self._record(*self.tuples[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._record._make, self.tuples)

    def first(self) -> Any | None:
        """The first row, or None when there is none."""
        return self[0] if self.tuples else None


class _SyncSession(SyncSession):
    """SQLAlchemy's part of a session."""

    def __init__(self, session: "Session", **options: Any) -> None:
        super().__init__(**options)
        self._session = session

    def get_bind(self, *_args: Any, **_options: Any) -> Engine | Connection:
        return self._session.bound()


class Session(AsyncSession):
    """The session of one request, made by `Database.session`.

    It is SQLModel's session (`await session.exec(select(Hero))`) with a short cut, `fetch`.
    Outside a transaction a read is a statement of its own; between `start` and `commit`
    everything, the short cut too, happens in one transaction.
    """

    sync_session_class = _SyncSession

    def __init__(self, dialect: Dialect) -> None:
        """Leave SQLAlchemy's part until it is first used: `fetch` alone does well without."""
        self._dialect = dialect

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if "sync_session" in self.__dict__:
                raise AttributeError(name)
            # On SQLite it is one of several operations in the transaction of its connection.
            super().__init__(
                session=self, expire_on_commit=False, join_transaction_mode="create_savepoint"
            )
            return getattr(self, name)

    @property
    def in_use(self) -> bool:
        """Whether anything went through SQLAlchemy that needs an end."""
        return "sync_session" in self.__dict__ and self.in_transaction()

    def bound(self) -> Engine | Connection:
        """Where SQLAlchemy's part runs its next statement."""
        raise NotImplementedError

    async def fetch(self, statement: Statement, **parameters: object) -> Rows:
        """Run a statement and return all its rows.

        Raises:
            ServiceUnavailableError: the database could not be reached in time.
        """
        compiled = statement.compiled(self._dialect)
        if compiled is None:
            clause: Any = statement.clause  # whichever of the overloads it is
            result = await self.exec(clause, params=parameters)
            return Rows(statement, result.all())
        sql, names = compiled
        return Rows(statement, await self.run(sql, [parameters[name] for name in names]))

    async def run(self, sql: str, values: Sequence[object]) -> list[Any]:
        """The rows of a statement, run on the driver's own connection."""
        raise NotImplementedError

    async def start(self) -> None:
        """Start the transaction of an operation that writes.

        Raises:
            ServiceUnavailableError: there was no connection, or no lock, in time.
        """
        raise NotImplementedError


PROBE_TIMEOUT = 1.5
"""Seconds after which a database that has not answered counts as one that does not."""

FIRST_ID = Statement(select(func.min(HERO.c.id).label("id")))


class Database(ABC):
    """An engine with its connections; lives from the start of the app to its shutdown."""

    name: str
    """What an operator knows it by, without secrets."""

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
    async def exclusively(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, called in a transaction that is committed unless it raises.

        No two calls, whichever processes and machines they come from, are at work at once.

        Raises:
            DatabaseError: the database cannot be opened, or what `work` runs on it failed.
        """

    async def ping(self) -> None:
        """Ask the database whether it can be used.

        Raises:
            Exception: whatever keeps it from answering.
        """
        await self.is_empty()

    async def is_empty(self) -> bool:
        """Whether there is no hero; asked in order to know whether the database answers at all.

        Raises:
            Exception: whatever keeps the database from answering.
        """
        session = self.session()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                return (await session.fetch(FIRST_ID))[0].id is None
        finally:
            await session.close()

    async def insert(self, heroes: Sequence[dict[str, object]]) -> None:
        """Add heroes, all of them or none."""
        session = self.session()
        try:
            await session.start()
            await session.exec(insert(Hero), params=heroes)
            await session.commit()
        finally:
            await session.close()

    @abstractmethod
    async def dispose(self) -> None:
        """Close all connections."""


def open_database(settings: Settings) -> Database:
    """The database that the settings name; nothing is opened yet.

    Raises:
        DatabaseError: the URL names no database that this service can use.
    """
    scheme = settings.database_url.partition(":")[0].partition("+")[0]
    if scheme in {"postgres", "postgresql"}:
        try:
            from graph.database.postgres import PostgresDatabase  # noqa: PLC0415 (an extra)
        except ModuleNotFoundError as error:
            raise DatabaseError(
                f"PostgreSQL needs {error.name}: pip install '.[postgres]'"
            ) from error
        return PostgresDatabase(settings)
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        raise DatabaseError("GRAPH_DATABASE_URL is not a database URL") from None
    if url.get_backend_name() == "sqlite":
        from graph.database.sqlite import SQLiteDatabase  # noqa: PLC0415 (only the engine in use is loaded)

        return SQLiteDatabase(url, settings)
    raise DatabaseError(f"GRAPH_DATABASE_URL names an unknown kind of database: {url.drivername}")
