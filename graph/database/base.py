"""What the resolvers and the app need of a database, whatever its engine."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, func, insert, select
from sqlmodel import Session as SyncSession
from sqlmodel.ext.asyncio.session import AsyncSession

from graph.database.statement import Rows, Statement
from graph.hero.model import HERO, Hero

T = TypeVar("T")


class DatabaseError(Exception):
    """The database cannot be used as it is configured; one line for the operator."""


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
