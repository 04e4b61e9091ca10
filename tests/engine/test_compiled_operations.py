"""Compiled operations answer with the same bytes as graphql-core alone."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis_graphql
import pytest
from hypothesis import strategies as st

from graph.app import create_app
from graph.database.sqlite.change_log import SQLiteChangeLog
from graph.engine import errors
from graph.hero.schema import schema
from graph.settings import Settings
from tests.support.both_paths import forbid_graphql_core
from tests.support.client import Client
from tests.support.databases import slow_on_postgresql
from tests.support.hypothesis_examples import check
from tests.support.served_app import serving

VALID = 'name: "A", secretName: "B"'

CORPUS: list[tuple[str, dict[str, Any]]] = [
    ("{ heroes { id name age secretName } }", {}),
    ("{ heroes(limit: 2) { id name } }", {}),
    ("{ heroes(limit: 2, offset: 1) { age id } }", {}),
    ("{ heroes(limit: 0) { id } }", {}),
    ("{ heroes(limit: 8) { name } }", {}),
    ("{ heroes(offset: 1000) { id } }", {}),
    ("{ heroes(limit: 101) { id } }", {}),
    ("{ heroes(limit: -1) { id } }", {}),
    ("{ heroes(offset: -1) { id } hero(id: 1) { id } }", {}),
    ("{ heroes(limit: 2) { __typename } }", {}),
    ("{ __typename heroes(limit: 2) { id t: __typename } }", {}),
    ("{ heroes(limit: 2) { id id name: secretName n: name ID: id } }", {}),
    ("{ heroes(limit: 2) { ...F } } fragment F on Hero { id ...G } fragment G on Hero { name }", {}),
    ("{ ...Q } fragment Q on Query { a: heroes(limit: 1) { id } b: hero(id: 2) { name } }", {}),
    ("{ heroes(limit: 2) { ... on Hero { id } ... { name } ... @include(if: false) { age } } }", {}),
    ("{ a: hero(id: 1) { id } a: hero(id: 1) { name } }", {}),
    ("{ hero(id: 4) { id age } b: hero(id: 1) { id } }", {}),
    ("{ heroes { age } hero(id: 1) { id } }", {}),
    ("{ hero(id: 1) { id } heroes(limit: 9) { name } }", {}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": 3}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": "3"}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": 3.0}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": True}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": 2**31}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {}),
    ("query($n: Int) { heroes(limit: $n) { id } }", {}),
    ("query($n: Int) { heroes(limit: $n) { id } }", {"n": None}),
    ("query($n: Int) { heroes(limit: $n) { id } hero(id: 1) { id } }", {"n": 2}),
    ("query($n: Int! = 2) { heroes(limit: $n) { id } }", {}),
    ("query($n: Int! = 2, $o: Int! = 1) { heroes(limit: $n, offset: $o) { id } }", {"o": 3}),
    ("query($id: ID!) { hero(id: $id) { id name age secretName } }", {"id": "2"}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": 2}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": 2.5}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": None}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": "07"}),
    ("query($id: ID!, $unused: ID) { hero(id: $id) { id } }", {"id": "1"}),
    ("query($s: Boolean!) { heroes(limit: 2) { id name @skip(if: $s) } }", {"s": True}),
    ("query($s: Boolean!) { heroes(limit: 2) { id name @skip(if: $s) } }", {"s": False}),
    ("query($s: Boolean!) { heroes(limit: 2) @include(if: $s) { id } __typename }", {"s": False}),
    ("query($s: Boolean!) { hero(id: 1) { ...F @skip(if: $s) id } } fragment F on Hero { name }", {"s": True}),
    ("query($s: Boolean! = true) { hero(id: 1) { id name @skip(if: $s) } }", {}),
    ("query($s: Boolean!) { hero(id: 1) { name @skip(if: $s) } }", {"s": "yes"}),
    *(
        (query, variables)
        for query in (
            "query($s: Boolean = true) { heroes(limit: 2) { id name @skip(if: $s) } }",
            "query($s: Boolean = false) { heroes(limit: 2) { id name @include(if: $s) } }",
            "query($s: Boolean = true) { heroes(limit: 2) @skip(if: $s) { id } __typename }",
            "query($s: Boolean = true) { ... @include(if: $s) { heroes(limit: 2) { id } } }",
            "query($s: Boolean = true) { hero(id: 1) { ...F @skip(if: $s) id } } fragment F on Hero { name }",
            f"mutation($s: Boolean = true) {{ createHero(input: {{{VALID}}}) @include(if: $s) {{ id }} }}",
            f"mutation($s: Boolean = true) {{ createHero(input: {{{VALID}}}) {{ id @skip(if: $s) }} }}",
        )
        for variables in ({}, {"s": None}, {"s": True}, {"s": False})
    ),
    (f"mutation {{ createHero(input: {{{VALID}}}) {{ id name age secretName }} }}", {}),
    (f"mutation {{ a: createHero(input: {{{VALID}, age: 3}}) {{ id }} b: createHero(input: {{{VALID}}}) {{ id }} }}", {}),
    (f"mutation {{ createHero(input: {{{VALID}, age: -1}}) {{ id }} }}", {}),
    (f"mutation {{ a: createHero(input: {{{VALID}}}) {{ id }} b: deleteHero(id: \"x\") {{ id }} }}", {}),
    ("mutation($n: String!) { createHero(input: {name: $n, secretName: \"s\"}) { id name } }", {"n": "N"}),
    ("mutation($n: String!) { createHero(input: {name: $n, secretName: \"s\"}) { id name } }", {"n": ""}),
    ("mutation($i: CreateHeroInput!) { createHero(input: $i) { id age } }", {"i": {"name": "A", "secretName": "B"}}),
    ("mutation($i: CreateHeroInput!) { createHero(input: $i) { id age } }", {"i": {"name": "A"}}),
    ("mutation($i: CreateHeroInput!) { createHero(input: $i) { id age } }", {"i": {"name": "A", "secretName": "B", "age": None}}),
    ("mutation { deleteHero(id: 1) { id name age secretName } }", {}),
    ("mutation { deleteHero(id: 4) { id age } }", {}),
    ("mutation { deleteHero(id: 9) { name } }", {}),
    ("mutation { deleteHero(id: 999) { name } }", {}),
    ("mutation($id: ID!) { deleteHero(id: $id) { id } }", {"id": "2"}),
    ("{ __schema { queryType { name } } heroes(limit: 1) { id } }", {}),
]  # fmt: skip

CURSORS = "pageInfo { startCursor endCursor hasNextPage hasPreviousPage }"

FILTERS: list[dict[str, Any]] = [
    {},
    {"w": None, "by": None},
    {"w": {}, "by": []},
    {"w": {"age": {"gt": 1}}, "by": {"field": "AGE", "nulls": "FIRST"}},
    {
        "w": {"or": [{"id": {"in": ["1", "x"]}}, {"name": {"startsWith": "S"}}]},
        "by": [{"field": "ID"}],
    },
    {"w": {"name": {"eq": None}}},
    {"w": {"name": {"eq": "\0"}}},
    {"by": [{"field": "SECRET_NAME"}]},
    {"by": [{"field": "AGE", "direction": None}]},
]

LISTS: list[tuple[str, dict[str, Any]]] = [
    ("{ heroesConnection { nodes { id name age } totalCount } }", {}),
    ("{ heroesConnection(first: 2) { edges { cursor node { id name } } } }", {}),
    ("{ heroesConnection(last: 2) { edges { c: cursor cursor n: node { id } node { age: id } t: __typename } } }", {}),
    ("{ heroesConnection(first: 2) { edges { __typename } nodes { __typename } __typename } }", {}),
    ("{ heroesConnection(first: 0) { edges { cursor node { id } } nodes { id } " + CURSORS + " } }", {}),
    ("{ heroesConnection(first: 2) { a: edges { node { id } } a: edges { cursor } b: nodes { name } } }", {}),
    ("{ heroesConnection(first: 3) { ...C } } fragment C on HeroConnection { nodes { ...H } ... { totalCount } " + CURSORS + " } fragment H on Hero { id }", {}),
    ("{ heroesConnection(first: 8, orderBy: [{field: AGE}]) { nodes { id age } } }", {}),
    ("{ heroesConnection(first: 9) { nodes { name } } }", {}),
    ("{ heroesConnection(first: 9) { edges { cursor node { name } } } }", {}),
    ("{ heroesConnection(first: 101) { nodes { id } } }", {}),
    ("{ heroesConnection(after: \"x\") { nodes { id } } heroes(limit: 1) { id } }", {}),
    ("{ heroes(limit: 2, orderBy: {field: NAME, direction: DESC}) { id } }", {}),
    ("{ heroes(orderBy: [{field: NAME}, {field: NAME}]) { id } }", {}),
    ("{ heroes(where: {age: {gte: 1}, not: {name: {contains: \"i\"}}}) { id } }", {}),
    ("{ heroes(where: {age: null}) { id } }", {}),
    ("{ heroStats { count age { min max avg } } }", {}),
    ("{ heroStats(where: {age: {lt: 0}}) { __typename a: age { m: max __typename } } s: heroStats { count } }", {}),
    *(
        (query, variables)
        for query in (
            "query($w: HeroFilter, $by: [HeroOrder!]) { heroes(where: $w, orderBy: $by) { id } }",
            "query($w: HeroFilter, $by: [HeroOrder!]) { heroesConnection(where: $w, orderBy: $by) { nodes { id } totalCount } }",
            "query($w: HeroFilter = {age: {gt: 2}}, $by: [HeroOrder!] = []) { heroes(where: $w, orderBy: $by) { id } }",
        )
        for variables in FILTERS
    ),
    *(
        ("query($f: Int, $a: String, $l: Int, $s: Boolean! = false) { heroesConnection(first: $f, after: $a, last: $l) { nodes { id @skip(if: $s) } " + CURSORS + " } }", variables)
        for variables in ({}, {"f": 1}, {"f": None, "l": 1}, {"f": 1, "l": 1}, {"a": None}, {"a": ""}, {"s": True})
    ),
    *(
        ("query($n: String, $g: Int) { heroes(where: {name: {eq: $n}, age: {gt: $g}}) { id } }", variables)
        for variables in ({}, {"n": "A"}, {"n": None}, {"n": "Deadpond", "g": None}, {"g": 3})
    ),
]  # fmt: skip
"""Filters, orders, pages by cursor and statistics."""


CONDITIONS = ("", "", " @skip(if: $s)", " @include(if: $t)", " @include(if: $s) @skip(if: $t)")

VARIABLES = {
    "s": ("Boolean!", "Boolean = true", "Boolean = null", "Boolean! = false"),
    "t": ("Boolean!", "Boolean = false", "Boolean! = true"),
    "id": ("ID!", "ID! = 2", 'ID = "1"'),
    "limit": ("Int", "Int!", "Int = null", "Int! = 3"),
    "offset": ("Int", "Int = 1"),
    "age": ("Int", "Int = null", "Int = 7"),
    "name": ("String!", 'String! = "N"'),
}
"""By name of a variable, its possible types and defaults."""


@st.composite
def operations_with_variables(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An operation with variables in every place, each absent, null or given."""

    def one(*choices: str) -> str:
        return draw(st.sampled_from(choices))

    def selections() -> str:
        leaves = draw(st.lists(st.sampled_from(["id", "name", "age", "t: __typename", "...F"])))
        return (
            "{ " + " ".join(f"{leaf}{one(*CONDITIONS)}" for leaf in ["secretName", *leaves]) + " }"
        )

    fields = {
        "query": (
            "hero(id: $id)",
            "hero(id: 2)",
            "heroes(limit: $limit, offset: $offset)",
            "heroes(limit: 2, offset: $offset)",
            "heroes",
        ),
        "mutation": (
            "deleteHero(id: $id)",
            'createHero(input: {name: $name, secretName: "s", age: $age})',
            'createHero(input: {name: "A", secretName: "s", age: 3})',
        ),
    }
    kind = one(*fields)
    written = [
        f"f{n}: {one(*fields[kind])}{one(*CONDITIONS)} {selections()}"
        for n in range(draw(st.integers(1, 3)))
    ]
    body = f"{{ {' '.join(written)} }}"
    if "...F" in body:
        body += f" fragment F on Hero {{ age name{one(*CONDITIONS)} }}"
    used = [name for name in VARIABLES if re.search(rf"\${name}\b", body)]
    head = ", ".join(f"${name}: {one(*VARIABLES[name])}" for name in used)
    values: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(("s", "t"), st.sampled_from([None, True, False])),
                **dict.fromkeys(("id", "limit", "age"), st.sampled_from([None, 1, 2])),
                **dict.fromkeys(("offset", "name"), st.sampled_from([None, 0, "A", ""])),
            },
        )
    )
    return f"{kind}{f'({head})' if head else ''} {body}", values


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
    """Replace the rows of the table at this path by `ROWS`."""
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
    monkeypatch.setattr(SQLiteChangeLog, "cursor", lambda *_: "cursor")
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
    for _ in range(2):  # compiled, then reused
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
        for _ in range(2):  # compiled, then reused
            fast, plain = both(*operation)
            assert fast == plain

    check(count, operations_with_variables(), ask)


def test_a_plan_made_for_null_serves_other_values(
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
    forbid_graphql_core(monkeypatch)
    api.data(query, **variables)


@slow_on_postgresql
def test_the_fast_path_can_be_turned_off(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.engine.service.Plan", None)
    assert serve(fast_execution=False).data(PAGE, o=0) == {"heroes": []}
