"""A stored value of a wrong type is an error of its field alone, which names the row."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.databases import Sql, on_postgresql, on_sqlite

Serve = Callable[..., Client]

BAD_NAME = "Internal server error: the stored name of Hero 2 is invalid"
BAD_AGE = "Internal server error: the stored age of Hero 2 is invalid"

UPDATE = "UPDATE hero SET {} = {} WHERE id = 2"

NAMES_ON_SQLITE = {
    "a text that is not UTF-8": "CAST(x'ff41' AS TEXT)",
    "a surrogate": "CAST(x'eda080' AS TEXT)",
    "a BLOB": "x'ff41'",
}

AGES_ON_SQLITE = {
    "beyond Int": "3000000000",
    "a text": "'old'",
    "a text that is not UTF-8": "CAST(x'ff41' AS TEXT)",
    "a BLOB": "x'01'",
}


@pytest.fixture(params=[True, False], ids=["compiled", "graphql-core"])
def three(serve: Serve, request: pytest.FixtureRequest) -> Client:
    """Services with three heroes, with and without the fast path."""
    api = serve(fast_execution=request.param)
    for number in (1, 2, 3):
        api.create(f"Hero {number}", age=number)
    return api


def errors(api: Client, query: str) -> list[tuple[str, list[Any]]]:
    """Messages and paths of an answer's errors, all internal."""
    found = api.execute(query)["errors"]
    assert {error["extensions"]["code"] for error in found} == {"INTERNAL_SERVER_ERROR"}
    return [(error["message"], error["path"]) for error in found]


def assert_name_is_bad(api: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Check that only the second hero's name is an error."""
    caplog.clear()
    assert errors(api, "{ heroes { name } }") == [(BAD_NAME, ["heroes", 1, "name"])]
    assert "the stored name of Hero 2 is invalid: it is " in caplog.text
    api.data("mutation { updateHero(id: 1, input: { age: null }) { age } }")
    ordered = "{ heroes(orderBy: [{ field: AGE }]) { name } }"  # in two statements
    assert errors(api, ordered) == [(BAD_NAME, ["heroes", 0, "name"])]
    api.data("mutation { updateHero(id: 1, input: { age: 1 }) { age } }")
    assert errors(api, "{ hero(id: 2) { name } }") == [(BAD_NAME, ["hero", "name"])]
    assert api.execute("{ hero(id: 2) { name } }")["data"] == {"hero": None}
    assert api.data("{ hero(id: 2) { id age } }") == {"hero": {"id": "2", "age": 2}}
    assert api.data("{ hero(id: 3) { name } }") == {"hero": {"name": "Hero 3"}}
    assert [hero["age"] for hero in api.data("{ heroes { age secretName } }")["heroes"]] == [
        1,
        2,
        3,
    ]
    others = "{ heroes(where: { id: { in: [1, 3] } }) { name } heroStats { count age { max } } }"
    assert api.data(others) == {
        "heroes": [{"name": "Hero 1"}, {"name": "Hero 3"}],
        "heroStats": {"count": 3, "age": {"max": 3}},
    }
    page = "{ heroesConnection { nodes { id name } } }"
    assert errors(api, page) == [(BAD_NAME, ["heroesConnection", "nodes", 1, "name"])]
    page = "{ heroesConnection { edges { cursor node { secretName name } } } }"
    assert errors(api, page) == [(BAD_NAME, ["heroesConnection", "edges", 1, "node", "name"])]
    update = "mutation { updateHero(id: 2, input: { age: 9 }) { name } }"
    assert errors(api, update) == [(BAD_NAME, ["updateHero", "name"])]
    delete = "mutation { deleteHeroes(where: { id: { in: [1, 2] } }, atMost: 2) { name } }"
    assert errors(api, delete) == [(BAD_NAME, ["deleteHeroes", 1, "name"])]
    assert api.data("{ heroStats { count age { max } } }")["heroStats"]["age"]["max"] == 3
    repair = 'mutation { updateHero(id: 2, input: { name: "Whole" }) { name } }'
    assert api.data(repair) == {"updateHero": {"name": "Whole"}}
    assert len(api.heroes()) == 3


@on_sqlite
@pytest.mark.parametrize("kind", NAMES_ON_SQLITE)
def test_a_bad_name_on_sqlite(
    three: Client, sql: Sql, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    sql(UPDATE.format("name", NAMES_ON_SQLITE[kind]))
    assert_name_is_bad(three, caplog)


@on_postgresql
def test_a_bad_name_on_postgresql(
    three: Client, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    sql("ALTER TABLE hero ALTER name DROP NOT NULL")
    sql(UPDATE.format("name", "NULL"))
    assert_name_is_bad(three, caplog)


WALK = """query($after: String, $direction: Direction!) {
  heroesConnection(first: 1, after: $after, orderBy: { field: NAME, direction: $direction }) {
    nodes { id } pageInfo { hasNextPage endCursor } } }"""

MADE_NULLABLE = (
    "CREATE TABLE changed (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, secret_name TEXT)",
    "INSERT INTO changed SELECT id, name, age, secret_name FROM hero",
    "DROP TABLE hero",
    "ALTER TABLE changed RENAME TO hero",
)
"""What drops NOT NULL on SQLite."""


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_no_walk_passes_over_a_row_whose_name_became_null(
    three: Client, sql: Sql, database_url: str, direction: str
) -> None:
    on_postgres = ["ALTER TABLE hero ALTER name DROP NOT NULL"]
    for change in MADE_NULLABLE if database_url.startswith("sqlite") else on_postgres:
        sql(change)
    sql(UPDATE.format("name", "NULL"))
    seen: list[str] = []
    after, more = None, True
    while more:
        answer = three.execute(WALK, after=after, direction=direction)
        page = answer["data"]["heroesConnection"]
        seen += [hero["id"] for hero in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        more = page["pageInfo"]["hasNextPage"] and after is not None
    assert seen.count("2") == 1
    (error,) = answer["errors"]  # it has no cursor
    assert error["message"].endswith("the stored name of hero 2 is invalid")


def assert_age_is_bad(api: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Check that only the second hero's age is null with an error."""
    caplog.clear()
    answer = api.execute("{ heroes { name age } }")
    assert [hero["age"] for hero in answer["data"]["heroes"]] == [1, None, 3]
    assert [error["message"] for error in answer["errors"]] == [BAD_AGE]
    assert answer["errors"][0]["path"] == ["heroes", 1, "age"]
    assert re.search(r"age of Hero 2 is invalid: it is of type \w+", caplog.text)
    answer = api.execute("{ heroesConnection(orderBy: [{ field: AGE }]) { nodes { id age } } }")
    assert [error["message"] for error in answer["errors"]] == [BAD_AGE]
    assert len(answer["data"]["heroesConnection"]["nodes"]) == 3
    assert api.data("{ hero(id: 2) { name } }") == {"hero": {"name": "Hero 2"}}
    assert api.execute("{ hero(id: 2) { name age } }")["data"]["hero"]["name"] == "Hero 2"
    assert api.data("{ heroStats { age { min max avg } } }") == {
        "heroStats": {"age": {"min": 1, "max": 3, "avg": 2.0}}
    }
    # A mutation with an error stores nothing.
    update = 'mutation { updateHero(id: 2, input: { name: "New" }) { age } }'
    assert errors(api, update) == [(BAD_AGE, ["updateHero", "age"])]
    assert api.data("{ hero(id: 2) { name } }") == {"hero": {"name": "Hero 2"}}


@on_sqlite
@pytest.mark.parametrize("kind", AGES_ON_SQLITE)
def test_a_bad_age_on_sqlite(
    three: Client, sql: Sql, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    sql(UPDATE.format("age", AGES_ON_SQLITE[kind]))
    assert_age_is_bad(three, caplog)


@on_postgresql
def test_a_bad_age_on_postgresql(three: Client, sql: Sql, caplog: pytest.LogCaptureFixture) -> None:
    sql("ALTER TABLE hero ALTER age TYPE BIGINT")
    sql("UPDATE hero SET age = 3000000000 WHERE id = 2")
    assert_age_is_bad(three, caplog)


ORDERED = """{ heroesConnection(orderBy: [{ field: NAME }]) {
  nodes { id } pageInfo { startCursor endCursor }
} }"""


@on_sqlite
def test_a_row_without_a_cursor_is_an_error(three: Client, sql: Sql) -> None:
    """No cursor can hold such a value, so that a page from there would be wrong."""
    sql("UPDATE hero SET name = CAST(x'ff41' AS TEXT) WHERE id = 2")
    answer = three.execute(ORDERED)
    page = answer["data"]["heroesConnection"]
    assert [node["id"] for node in page["nodes"]] == ["1", "3", "2"]
    assert page["pageInfo"]["endCursor"] is None
    assert page["pageInfo"]["startCursor"] is not None
    (error,) = answer["errors"]
    assert error["message"] == "Internal server error: the stored name of hero 2 is invalid"
    edges = ORDERED.replace("nodes { id }", "edges { cursor }")
    ((message, path),) = [each for each in errors(three, edges) if "edges" in each[1]]
    assert message == error["message"]
    assert path == ["heroesConnection", "edges", 2, "cursor"]


@on_sqlite
def test_pages_by_id_pass_a_bad_name(three: Client, sql: Sql) -> None:
    sql("UPDATE hero SET name = CAST(x'ff41' AS TEXT) WHERE id = 2")
    walk = """query ($after: String) {
      heroesConnection(first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } }
    }"""
    seen, after = [], None
    for _ in range(3):
        page = three.data(walk, after=after)["heroesConnection"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == ["1", "2", "3"]
    assert not page["pageInfo"]["hasNextPage"]
