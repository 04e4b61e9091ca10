"""Compiled operations answer with the same bytes as graphql-core alone."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis_graphql
import pytest

from graph.app import create_app
from graph.engine import errors
from graph.engine.schema import SerialExecutor
from graph.hero.schema import schema
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import slow_on_postgresql
from tests.support.generated_operations import operations_with_variables
from tests.support.hypothesis_examples import check
from tests.support.operations_corpus import CORPUS, LISTS
from tests.support.served_app import serving

ROWS = [
    ("Deadpond", None, "Dive Wilson"),
    ("Spider-Boy", 16, "Pedro Parqueador"),
    ("", -5, " "),
    ("Text in age", "old", "x"),
    ("Real in age", 3.7, "x"),
    ("Integral real in age", 3.0, "x"),
    ("Too big for Int", 2**40, "x"),
    ("At the edge of Int", 2**31 - 1, "x"),
    (b"Bytes in name", 1, "x"),
    ("Émile 🦸", 2, "é" * 500),
]
"""Rows as other programs may store them: SQLite accepts any value in any column."""


def fill(path: Path) -> None:
    """Create the same table at this path; replace any other."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM hero")
        connection.execute("DELETE FROM sqlite_sequence")
        connection.executemany("INSERT INTO hero (name, age, secret_name) VALUES (?, ?, ?)", ROWS)


def rows(path: Path) -> list[Any]:
    """All rows of the table at this path."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM hero ORDER BY id").fetchall()


EXAMPLES = [25, pytest.param(150, marks=pytest.mark.slow)]
"""Number of generated operations."""

Ask = Callable[[str, dict[str, Any]], tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Path, Client]]]:
    """Services with and without the fast path, each with its own table."""
    with ExitStack() as stack:
        pair = []
        for name, fast in (("fast", True), ("plain", False)):
            path = tmp_path_factory.mktemp(name) / "database.db"
            settings = Settings(database_url=f"sqlite:///{path}")
            app = create_app(settings, fast_execution=fast)
            client = Client(stack.enter_context(serving(app)))
            stack.callback(client.http.close)
            pair.append((path, client))
        yield pair


@pytest.fixture
def both(services: list[tuple[Path, Client]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Sends a request on both paths; at the end their tables must be the same."""
    monkeypatch.setattr(errors, "uuid4", lambda: UUID(int=7))
    for path, _ in services:
        fill(path)

    def ask(query: str, variables: dict[str, Any]) -> tuple[bytes, bytes]:
        request = {"query": query, "variables": variables}
        fast, plain = (client.post(request).content for _, client in services)
        return fast, plain

    yield ask
    fast, plain = (rows(path) for path, _ in services)
    assert fast == plain


@pytest.mark.parametrize(("query", "variables"), [*CORPUS, *LISTS])
def test_the_corpus(both: Ask, query: str, variables: dict[str, Any]) -> None:
    for _ in range(2):  # made, then used again
        fast, plain = both(query, variables)
        assert fast == plain


@pytest.mark.parametrize("count", EXAMPLES)
def test_generated_operations(both: Ask, count: int) -> None:
    def ask(query: str) -> None:
        fast, plain = both(query, {})
        assert fast == plain

    check(count, hypothesis_graphql.from_schema(schema.as_str()), ask)


@pytest.mark.parametrize("count", EXAMPLES)
def test_generated_operations_with_variables(both: Ask, count: int) -> None:
    def ask(operation: tuple[str, dict[str, Any]]) -> None:
        for _ in range(2):  # made, then used again
            fast, plain = both(*operation)
            assert fast == plain

    check(count, operations_with_variables(), ask)


def test_a_null_in_the_first_request_does_not_spoil_the_plan(
    both: Ask,
) -> None:
    query = "query($n: Int, $o: Int) { heroes(limit: $n, offset: $o) { id } }"
    for variables in ({"n": None}, {"n": 2}, {"n": 3, "o": 1}, {"o": 2}, {"n": 4, "o": 5}):
        fast, plain = both(query, variables)
        assert fast == plain


HERO = "query($id: ID!) { hero(id: $id) { id name age secretName } }"
PAGE = "query($o: Int!) { heroes(offset: $o, limit: 100) { id name age secretName } }"
CONNECTION = """query($a: String, $by: [HeroOrder!], $w: HeroFilter) {
  heroesConnection(after: $a, orderBy: $by, where: $w) {
    edges { cursor node { id } } nodes { ...F } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename }
  }
} fragment F on Hero { name }"""
CREATE = "mutation($i: CreateHeroInput!) { createHero(input: $i) { id name age secretName } }"


@slow_on_postgresql
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (HERO, {"id": "1"}),
        (PAGE, {"o": 0}),
        (CREATE, {"i": {"name": "A", "secretName": "B", "age": 1}}),
        (CONNECTION, {}),
        (CONNECTION, {"a": None, "by": [{"field": "AGE"}], "w": {"age": {"gte": 1}}}),
        ("{ heroStats { count age { min max avg } } heroesConnection { totalCount } }", {}),
        ("{ ...F } fragment F on Query { a: heroes @include(if: true) { ... { name } } }", {}),
    ],
)
def test_the_fast_path_is_taken(
    api: Client, monkeypatch: pytest.MonkeyPatch, query: str, variables: dict[str, Any]
) -> None:
    def complete(*_: object) -> None:
        raise AssertionError("graphql-core completed it")

    monkeypatch.setattr(SerialExecutor, "complete_value", complete)
    api.data(query, **variables)


@slow_on_postgresql
def test_it_can_be_turned_off(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.engine.service.Plan", None)
    assert serve(fast_execution=False).data(PAGE, o=0) == {"heroes": []}
