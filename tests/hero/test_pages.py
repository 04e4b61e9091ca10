"""Sorted pages by offset and by cursor."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.databases import Sql, on_sqlite

PAGE = """
query Page($first: Int, $after: String, $last: Int, $before: String, $orderBy: [HeroOrder!]) {
  heroesConnection(
    first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy
  ) {
    totalCount
    edges { cursor node { id } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""

AGES = [30, None, 7, 30, None, 12, 30, 7]
"""Ages of the heroes with the ids 1 to 8."""

BY_AGE = [{"field": "AGE"}]


@pytest.fixture
def heroes(api: Client) -> Client:
    """A service with heroes of `AGES`, named A, B and so on."""
    for name, age in zip("ABCDEFGH", AGES, strict=True):
        api.create(name, age=age)
    return api


def page(api: Client, **variables: Any) -> dict[str, Any]:
    """Fetch a page of the connection."""
    found = api.data(PAGE, **variables)["heroesConnection"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    ends = [found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"]]
    assert ends == ([cursors[0], cursors[-1]] if cursors else [None, None])
    assert isinstance(found, dict)
    return found


def ids(found: dict[str, Any]) -> str:
    """The ids of a page's heroes."""
    return "".join(hero["id"] for hero in found["nodes"])


def around(found: dict[str, Any]) -> tuple[bool, bool]:
    """Return `hasPreviousPage` and `hasNextPage`."""
    return found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]


def walk(api: Client, size: int, *, back: bool = False, **variables: Any) -> Iterator[str]:
    """Follow the cursors, and return the ids of each page."""
    cursor = None
    while True:
        window = {"last": size, "before": cursor} if back else {"first": size, "after": cursor}
        found = page(api, **window, **variables)
        yield ids(found)
        if not around(found)[0 if back else 1]:
            return
        cursor = found["pageInfo"]["startCursor" if back else "endCursor"]


def term(field: str, direction: str, nulls: str) -> dict[str, str]:
    return {"field": field, "direction": direction, "nulls": nulls}


ORDERS = [
    ([], "12345678"),
    ([{"field": "ID", "direction": "DESC"}], "87654321"),
    (BY_AGE, "38614725"),
    ([term("AGE", "ASC", "FIRST")], "25386147"),
    ([term("AGE", "DESC", "LAST")], "74168352"),
    ([term("AGE", "DESC", "FIRST")], "52741683"),
    ([{"field": "AGE"}, {"field": "ID", "direction": "DESC"}], "83674152"),
    ([{"field": "AGE"}, {"field": "NAME", "direction": "DESC"}], "83674152"),
    ([{"field": "NAME", "direction": "DESC"}, {"field": "AGE"}], "87654321"),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS)
def test_pages_in_both_directions_have_the_whole_order(
    heroes: Client, order: list[dict[str, str]], expected: str
) -> None:
    found = heroes.data("query($by: [HeroOrder!]) { heroes(orderBy: $by) { id } }", by=order)
    assert "".join(hero["id"] for hero in found["heroes"]) == expected
    for size in (1, 3, 8, 100):
        assert "".join(walk(heroes, size, orderBy=order)) == expected
        assert "".join(reversed(list(walk(heroes, size, orderBy=order, back=True)))) == expected
    for offset, limit in product(range(10), (0, 1, 3)):
        query = """query($o: Int!, $l: Int!, $by: [HeroOrder!]) {
            heroes(offset: $o, limit: $l, orderBy: $by) { id } }"""
        found = heroes.data(query, o=offset, l=limit, by=order)
        assert "".join(hero["id"] for hero in found["heroes"]) == expected[offset : offset + limit]


def test_texts_are_sorted_by_code_point(api: Client) -> None:
    names = ["Z", "a", "B", "é", "b", "É", "A", "z", "a b", "ab", "\ufffd", "\U0001f600", "aB"]
    for name in names:
        api.create(name)
    found = api.data("{ heroes(orderBy: [{field: NAME}]) { name } }")
    assert [hero["name"] for hero in found["heroes"]] == sorted(names)
    pages = "".join(walk(api, 2, orderBy=[{"field": "NAME"}]))
    expected = sorted(range(len(names)), key=names.__getitem__)
    assert pages == "".join(str(index + 1) for index in expected)


def test_has_next_and_previous_page(heroes: Client) -> None:
    assert around(page(heroes, first=8)) == (False, False)
    assert around(page(heroes, first=7)) == (False, True)
    assert around(page(heroes, last=8)) == (False, False)
    assert around(page(heroes, last=7)) == (True, False)
    assert around(page(heroes, first=0)) == (False, True)
    assert around(page(heroes, last=0)) == (True, False)
    first, _, third = (edge["cursor"] for edge in page(heroes, first=3)["edges"])
    assert around(page(heroes, after=first)) == (True, False)
    assert around(page(heroes, before=third)) == (False, True)
    between = page(heroes, after=first, before=third)
    assert (ids(between), around(between)) == ("2", (True, True))
    between = page(heroes, last=1, after=first, before=third)
    assert (ids(between), around(between)) == ("2", (True, True))
    nothing = page(heroes, after=third, before=first)
    assert (ids(nothing), around(nothing)) == ("", (True, True))


def test_a_cursor_outlives_its_row(heroes: Client) -> None:
    first = page(heroes, first=1)["pageInfo"]["endCursor"]
    last = page(heroes, last=1)["pageInfo"]["endCursor"]
    for hero_id in (1, 8):
        heroes.data("mutation($id: ID!) { deleteHero(id: $id) { id } }", id=hero_id)
    after = page(heroes, first=2, after=first)
    assert (ids(after), around(after)) == ("23", (False, True))
    before = page(heroes, last=2, before=last)
    assert (ids(before), around(before)) == ("67", (True, False))
    nothing = page(heroes, after=last)
    assert (ids(nothing), around(nothing)) == ("", (True, False))


def test_a_page_of_an_empty_table(api: Client) -> None:
    found = page(api)
    assert found["totalCount"] == 0
    assert (ids(found), around(found)) == ("", (False, False))


def test_a_page_size_out_of_bounds_is_refused(heroes: Client) -> None:
    for window in ({"first": -1}, {"first": 101}, {"last": -1}, {"last": 101}):
        assert heroes.codes(PAGE, **window) == ["BAD_USER_INPUT"]
    assert heroes.codes(PAGE, first=1, last=1) == ["BAD_USER_INPUT"]
    assert page(heroes, first=None, last=None, after=None, before=None)["totalCount"] == 8


@pytest.mark.parametrize("name", ["after", "before"])
def test_a_cursor_of_another_list_is_refused(heroes: Client, name: str) -> None:
    ours = page(heroes, first=1, orderBy=BY_AGE)["pageInfo"]["endCursor"]
    text = b64decode(ours)
    prefix = text[: text.index(b"[")]
    forged = [
        "[]",
        "[1]",
        "[1,2,3]",
        "[1,null]",
        '[1,"7"]',
        "[{},1]",
        '[{"bytes":"x"},1]',
        "[[1],1]",
    ]
    forged += ["[1,9223372036854775808]", "[1,1.5]", "[1,true]", "{}", "[1", "7", "null"]
    made_up = ["", "a", "====", "\0", "é", ours[:-4], ours[1:], b64encode(b"1" + text).decode()]
    made_up += [b64encode(prefix + values.encode()).decode() for values in forged]
    assert page(heroes, **{name: ours}, orderBy=BY_AGE)
    for cursor in made_up:
        body = heroes.execute(PAGE, **{name: cursor}, orderBy=BY_AGE)
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", (cursor, body)
        assert body["errors"][0]["message"].startswith(name)
    for order in (
        [],
        [{"field": "NAME"}],
        [term("AGE", "DESC", "LAST")],
        [*BY_AGE, {"field": "NAME"}],
    ):
        assert heroes.codes(PAGE, **{name: ours}, orderBy=order) == ["BAD_USER_INPUT"]


def test_an_invalid_order_is_refused(heroes: Client) -> None:
    four = [{"field": "AGE"}, {"field": "NAME"}, {"field": "ID"}, {"field": "AGE"}]
    for order in (four, [*BY_AGE, *BY_AGE], [term("AGE", "DESC", "LAST"), *BY_AGE]):
        assert heroes.codes(PAGE, orderBy=order) == ["BAD_USER_INPUT"]
    assert page(heroes, orderBy=four[:3])["totalCount"] == 8


@on_sqlite
def test_values_of_other_types_are_sorted(heroes: Client, sql: Sql) -> None:
    others = ["'old'", "1.5", "x'00ff'", "3000000000", "''", "-1e300", "9e999", "-9e999"]
    for age in others:
        sql(f"INSERT INTO hero (name, age, secret_name) VALUES ('X', {age}, 'Y')")  # noqa: S608 (ours)
    count = len(AGES) + len(others)
    query = "query($o: [HeroOrder!]) { heroes(orderBy: $o) { id } }"
    for order, _ in ORDERS:
        listed = [hero["id"] for hero in heroes.data(query, o=order)["heroes"]]
        assert len(set(listed)) == count
        for size in (1, 4):
            assert "".join(walk(heroes, size, orderBy=order)) == "".join(listed)


def test_a_cursor_does_not_depend_on_the_order_of_a_filters_keys(heroes: Client) -> None:
    query = """query Page($where: HeroFilter!) {
      heroesConnection(first: 1, where: $where) { pageInfo { endCursor } }
    }"""
    first = heroes.data(query, where={"name": {"ne": "A"}, "age": {"lt": 40, "gte": 8}})
    assert first == heroes.data(query, where={"age": {"gte": 8, "lt": 40}, "name": {"ne": "A"}})
