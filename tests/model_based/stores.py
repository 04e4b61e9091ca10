"""A database that is filled past its services."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg
from sqlalchemy import make_url

from graph.app import create_app
from graph.settings import Settings
from tests.model_based.model import Hero
from tests.support.client import Client
from tests.support.served_app import serving

Run: TypeAlias = Callable[[str, Sequence[tuple[Any, ...]]], list[Any]]
"""Executes a statement, once for each of the parameters, and returns the rows."""

INSERT = "INSERT INTO hero (id, name, age, secret_name) VALUES"


class Sql(NamedTuple):
    """Statements that replace all rows, and set the next id after the greatest."""

    before: tuple[str, ...]
    insert: str
    after: tuple[str, ...]


SQLITE = Sql(
    ("DELETE FROM hero", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'hero'"),
    f"{INSERT} (?, ?, ?, ?)",
    (),
)

POSTGRESQL = Sql(
    ("DELETE FROM hero",),
    f"{INSERT} ($1, $2, $3, $4)",
    ("SELECT setval('hero_id_seq', greatest(max(id), 1), count(*) > 0) FROM hero",),
)


class Served(Protocol):
    """Anything with the clients of services."""

    @property
    def clients(self) -> Sequence[Client]:
        """The clients."""


class Store:
    """One database with its services.

    Args:
        run: executes a statement without the services.
        sql: the database's own statements.
        clients: the clients of the services.
    """

    def __init__(self, run: Run, sql: Sql, clients: Sequence[Client]) -> None:
        self._run = run
        self._sql = sql
        self.clients = clients

    def fill(self, rows: Sequence[Hero]) -> list[Hero]:
        """Replace all rows, and return them as stored."""
        for statement in self._sql.before:
            self._run(statement, ())
        if rows:
            self._run(self._sql.insert, rows)
        for statement in self._sql.after:
            self._run(statement, ())
        return self.rows()

    def rows(self) -> list[Hero]:
        """All rows, sorted by id."""
        found = self._run("SELECT id, name, age, secret_name FROM hero ORDER BY id", ())
        return [Hero(*row) for row in found]


@contextmanager
def _sqlite(path: Path) -> Iterator[Run]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")

        def run(statement: str, parameters: Sequence[tuple[Any, ...]]) -> list[Any]:
            if not parameters:
                return connection.execute(statement).fetchall()
            connection.execute("BEGIN")
            connection.executemany(statement, parameters)
            connection.execute("COMMIT")
            return []

        yield run


@contextmanager
def _postgresql(url: str) -> Iterator[Run]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))

        def run(statement: str, parameters: Sequence[tuple[Any, ...]]) -> list[Any]:
            if parameters:
                runner.run(connection.executemany(statement, parameters))
                return []
            return list(runner.run(connection.fetch(statement)))

        yield run
        runner.run(connection.close())


@contextmanager
def open_store(url: str, paths: Sequence[bool]) -> Iterator[Store]:
    """A store over this database.

    Args:
        url: an empty database.
        paths: of each service, whether it takes the fast path.
    """
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    with ExitStack() as stack:
        clients = []
        for fast in paths:
            settings = Settings(
                database_url=url,
                max_rows=10_000,  # a batch counts as one operation
                _env_file=None,  # type: ignore[call-arg] # (pydantic-settings has it)
            )
            served = serving(create_app(settings, fast_execution=fast), settings)
            clients.append(stack.enter_context(Client(stack.enter_context(served))))
        if is_sqlite:
            run = stack.enter_context(_sqlite(Path(str(make_url(url).database))))
        else:
            run = stack.enter_context(_postgresql(url))
        yield Store(run, SQLITE if is_sqlite else POSTGRESQL, clients)


def asked(stores: Iterable[Served], request: Any) -> Any:
    """Return the answer of all services; it must have the same bytes."""
    answers = [client.post(request).content for store in stores for client in store.clients]
    assert len(set(answers)) == 1, answers
    return json.loads(answers[0])
