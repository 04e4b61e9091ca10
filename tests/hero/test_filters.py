"""Filters match the same rows on every database, with and without the fast path."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.client import Client, literal
from tests.support.databases import Sql, on_sqlite

HEROES = [
    ("Deadpond", None),
    ("Spider-Boy", 16),
    ("Rusty-Man", 48),
    ("100%", 0),
    ("1000", 5),
    ("a_b\\c", 30),
    ("STRASSE", 1),
    ("Straße", 1),
    ("İzmir", 2),
    ("izmir", 2),
    ("\ud7ff", 3),
    ("\ue000", 3),
    ("\uffff", 3),
    ("\U0001f9b8", 4),
    ("\U0010ffff!", -5),
    ("", 7),
]
"""Names and ages of the heroes with the ids 1, 2, …."""

ALL = list(range(1, len(HEROES) + 1))

PAGE = "query($where: HeroFilter) { heroes(where: $where) { id } }"


def but(*ids: int) -> list[int]:
    return [each for each in ALL if each not in ids]


CASES: list[tuple[dict[str, Any] | None, list[int]]] = [
    (None, ALL),
    ({}, ALL),
    ({"age": {}}, ALL),
    # an id
    ({"id": {"eq": "2"}}, [2]),
    ({"id": {"eq": 2}}, [2]),
    ({"id": {"eq": "02"}}, []),
    ({"id": {"eq": "abc"}}, []),
    ({"id": {"eq": "9223372036854775808"}}, []),
    ({"id": {"in": ["3", "02", "1", "x", "7"]}}, [1, 3, 7]),
    ({"id": {"in": ["x"]}}, []),
    ({"id": {"in": []}}, []),
    ({"not": {"id": {"eq": "abc"}}}, ALL),
    # a number, which may be null
    ({"age": {"eq": 1}}, [7, 8]),
    ({"age": {"ne": 1}}, but(7, 8)),
    ({"age": {"in": [16, 48, 0]}}, [2, 3, 4]),
    ({"age": {"in": []}}, []),
    ({"age": {"lt": 1}}, [4, 15]),
    ({"age": {"lte": 1}}, [4, 7, 8, 15]),
    ({"age": {"gt": 16}}, [3, 6]),
    ({"age": {"gte": 16}}, [2, 3, 6]),
    ({"age": {"gte": 4, "lt": 7}}, [5, 14]),
    ({"age": {"isNull": True}}, [1]),
    ({"age": {"isNull": False}}, but(1)),
    ({"age": {"gt": 2**31 - 1}}, []),
    ({"age": {"gte": -(2**31)}}, but(1)),
    # a text
    ({"name": {"eq": "Straße"}}, [8]),
    ({"name": {"ne": "Straße"}}, but(8)),
    ({"name": {"in": ["1000", "100%", "x"]}}, [4, 5]),
    ({"name": {"in": []}}, []),
    ({"name": {"startsWith": "100%"}}, [4]),
    ({"name": {"startsWith": "100"}}, [4, 5]),
    ({"name": {"startsWith": "s"}}, []),
    ({"name": {"startsWith": ""}}, ALL),
    ({"name": {"startsWith": "\ud7ff"}}, [11]),
    ({"name": {"startsWith": "\uffff"}}, [13]),
    ({"name": {"startsWith": "\U0001f9b8"}}, [14]),
    ({"name": {"startsWith": "\U0010ffff"}}, [15]),
    ({"name": {"startsWith": "a\U0010ffff"}}, []),
    ({"name": {"contains": "%"}}, [4]),
    ({"name": {"contains": "_"}}, [6]),
    ({"name": {"contains": "\\"}}, [6]),
    ({"name": {"contains": "ß"}}, [8]),
    ({"name": {"contains": "\U0001f9b8"}}, [14]),
    ({"name": {"contains": ""}}, ALL),
    ({"name": {"eqIgnoreCase": "sTRAßE"}}, [8]),
    ({"name": {"eqIgnoreCase": "strasse"}}, [7]),
    ({"name": {"eqIgnoreCase": "İZMIR"}}, [9]),
    ({"name": {"eqIgnoreCase": "IZMIR"}}, [10]),
    # combinations
    ({"name": {"startsWith": "S"}, "age": {"eq": 1}}, [7, 8]),
    ({"and": []}, ALL),
    ({"or": []}, []),
    ({"not": {}}, []),
    ({"not": {"or": []}}, ALL),
    ({"and": [{"age": {"gt": 1}}, {"age": {"lt": 3}}]}, [9, 10]),
    ({"and": {"age": {"eq": 16}}}, [2]),
    ({"or": [{"age": {"eq": 16}}, {"name": {"eq": "1000"}}, {"or": []}]}, [2, 5]),
    ({"or": [{"age": {"eq": 16}}], "name": {"eq": "1000"}}, []),
    ({"or": [{"age": {"eq": 16}}, {}]}, ALL),
    ({"not": {"age": {"gt": 3}}}, [1, 4, 7, 8, 9, 10, 11, 12, 13, 15]),
    ({"not": {"not": {"age": {"gt": 16}}}}, [3, 6]),
    ({"not": {"age": {"gt": 3}, "name": {"contains": "o"}}}, but(2)),
    ({"not": {"or": [{"age": {"lt": 3}}, {"not": {"name": {"contains": "-"}}}]}}, [2, 3]),
]


@pytest.fixture
def filled(api: Client, sql: Sql) -> None:
    """A table with `HEROES`, stored without the API."""
    rows = ", ".join(f"('{name}', {'NULL' if age is None else age}, 'x')" for name, age in HEROES)
    sql(f"INSERT INTO hero (name, age, secret_name) VALUES {rows}")  # noqa: S608 (a test's own)
    assert api.execute("{ heroes { id } }")["data"]["heroes"]


@pytest.fixture
def services(serve: Callable[..., Client]) -> list[Client]:
    """Two services on one database, with and without the fast path."""
    return [serve(fast_execution=fast) for fast in (True, False)]


def same(services: list[Client], query: str, **variables: Any) -> Any:
    """The body of the answer, which is the same on both paths."""
    answers = {each.post({"query": query, "variables": variables}).content for each in services}
    assert len(answers) == 1, (query, variables, answers)
    return services[0].execute(query, **variables)


def ids(body: Any) -> list[int]:
    assert "errors" not in body, body
    return [int(hero["id"]) for hero in body["data"]["heroes"]]


@pytest.mark.usefixtures("filled")
def test_a_filter_matches_these_heroes(services: list[Client]) -> None:
    for where, expected in CASES:
        assert ids(same(services, PAGE, where=where)) == expected, where
        query = f"{{ heroes(where: {literal(where)}) {{ id }} }}"
        assert ids(same(services, query)) == expected, where


@pytest.mark.usefixtures("filled")
def test_a_filter_with_a_page(services: list[Client]) -> None:
    query = """
      query($offset: Int!, $limit: Int!, $where: HeroFilter) {
        heroes(offset: $offset, limit: $limit, where: $where) { id }
      }
    """
    for offset, limit, expected in ((0, 2, [4, 7]), (2, 2, [8, 15]), (4, 2, []), (0, 0, [])):
        page = {"offset": offset, "limit": limit, "where": {"age": {"lte": 1}}}
        assert ids(same(services, query, **page)) == expected


@pytest.mark.usefixtures("filled")
def test_a_variable_inside_a_filter(services: list[Client]) -> None:
    query = """
      query($age: Int, $name: StringFilter, $in: [Int!]) {
        heroes(where: {age: {gte: $age, in: $in}, name: $name}) { id }
      }
    """
    assert ids(same(services, query)) == ALL
    assert ids(same(services, query, age=30)) == [3, 6]
    assert ids(same(services, query, age=30, name={"contains": "-"})) == [3]
    assert ids(same(services, query, **{"in": [16, 0]})) == [2, 4]
    assert ids(same(services, query, **{"in": []})) == []
    (error,) = same(services, query, age=None)["errors"]
    assert error["message"] == "where.age.gte must not be null"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"age": None}, "where.age must not be null"),
    ({"and": None}, "where.and must not be null"),
    ({"or": None}, "where.or must not be null"),
    ({"not": None}, "where.not must not be null"),
    ({"id": {"eq": None}}, "where.id.eq must not be null"),
    ({"id": {"in": None}}, "where.id.in must not be null"),
    *(
        ({"name": {operator: None}}, f"where.name.{operator} must not be null")
        for operator in ("eq", "ne", "in", "startsWith", "contains", "eqIgnoreCase")
    ),
    *(
        ({"age": {operator: None}}, f"where.age.{operator} must not be null")
        for operator in ("eq", "ne", "in", "lt", "lte", "gt", "gte", "isNull")
    ),
    ({"or": [{}, {"not": {"age": {"eq": None}}}]}, "where.or.1.not.age.eq must not be null"),
    ({"or": [], "and": [{"age": None}]}, "where.and.0.age must not be null"),
]
UNUSABLE: list[tuple[dict[str, Any], str]] = [
    *(
        ({"name": {operator: f"a{bad}"}}, f"where.name.{operator} must not contain a {why}")
        for operator in ("eq", "ne", "startsWith", "contains", "eqIgnoreCase")
        for bad, why in (("\0", "NUL character"), ("\ud800", "lone surrogate"))
    ),
    ({"not": {"name": {"in": ["a", "\0"]}}}, "where.not.name.in must not contain a NUL character"),
]


@pytest.mark.usefixtures("filled")
def test_an_invalid_filter_is_refused(services: list[Client]) -> None:
    for where, message in REFUSED + UNUSABLE:
        (error,) = same(services, PAGE, where=where)["errors"]
        assert error["message"] == message
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["path"] == ["heroes"]
    for where, message in REFUSED:
        (error,) = same(services, f"{{ heroes(where: {literal(where)}) {{ id }} }}")["errors"]
        assert error["message"] == message
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_column_without_an_index_has_no_filter(api: Client) -> None:
    for where in ({"secretName": {"eq": "x"}}, {"secret_name": {"eq": "x"}}):
        assert api.codes(PAGE, where=where) == ["BAD_USER_INPUT"]
    assert "secretName" not in str(
        api.data('{ __type(name: "HeroFilter") { inputFields { name } } }')
    )


@on_sqlite
def test_a_text_in_a_numeric_column(services: list[Client], sql: Sql) -> None:
    values = "'old', '', x'31', 1.5, 1, NULL, 9e999, '12'"
    for value in values.split(", "):
        sql(f"INSERT INTO hero (name, age, secret_name) VALUES ('a', {value}, 'x')")  # noqa: S608 (a test's own)
    for where, expected in (
        ({"eq": 1}, [5]),
        ({"ne": 1}, [1, 2, 3, 4, 6, 7, 8]),
        ({"lt": 2}, [4, 5]),
        ({"lte": 1}, [5]),
        ({"gt": 1}, [4, 7, 8]),
        ({"gte": 1}, [4, 5, 7, 8]),
        ({"in": [1, 2]}, [5]),
        ({"isNull": True}, [6]),
        ({"isNull": False}, [1, 2, 3, 4, 5, 7, 8]),
    ):
        assert ids(same(services, PAGE, where={"age": where})) == expected, where
        others = [each for each in range(1, 9) if each not in expected]
        assert ids(same(services, PAGE, where={"not": {"age": where}})) == others, where
