"""Filters over relations, through HTTP on both databases, on and off the fast path."""

from typing import Any

import orjson
import pytest

from tests.support.related_rows import Paths, names


def matching(paths: Paths, kind: str, where: Any) -> list[str]:
    query = f"query($w: {kind}Filter) {{ {kind.lower()}s(where: $w) {{ name }} }}"
    return names(paths(query, w=where)[f"{kind.lower()}s"])


@pytest.mark.parametrize(
    ("kind", "where", "expected"),
    [
        ("Member", {"home": {"name": {"eq": "Preventers"}}}, ["Ada", "Bob", "Ed"]),
        ("Member", {"home": {}}, ["Ada", "Bob", "Cy", "Ed"]),
        ("Member", {"not": {"home": {}}}, ["Di"]),
        ("Member", {"not": {"home": {"name": {"eq": "Z-Force"}}}}, ["Ada", "Bob", "Di", "Ed"]),
        ("Member", {"teams": {"rank": {"isNull": True}}}, ["Ada", "Cy"]),
        ("Member", {"mentor": {"mentor": {"name": {"eq": "Ada"}}}}, ["Di"]),
        ("Member", {"pupils": {"age": {"gte": 20}}}, ["Ada", "Bob", "Ed"]),
        ("Member", {"mentor": {"not": {"home": {"name": {"startsWith": "P"}}}}}, []),
        ("Team", {"members": {"pupils": {"name": {"eq": "Di"}}}}, ["Preventers"]),
        ("Team", {"or": [{"members": {"id": {"in": ["3", "x"]}}}, {"rank": {"eq": 1}}]},
         ["Z-Force", "Nobody"]),
        ("Team", {"captain": {"age": {"gt": 40}}, "not": {"rank": {"eq": 2}}}, ["Z-Force"]),
        ("Team", {"guests": {"or": []}}, []),
    ],
)  # fmt: skip
def test_rows_are_found_by_related_ones(
    paths: Paths, kind: str, where: Any, expected: list[str]
) -> None:
    assert matching(paths, kind, where) == expected


def test_related_rows_are_found_by_their_related_ones(paths: Paths) -> None:
    where = {"pupils": {"home": {"name": {"eq": "Z-Force"}}}}
    query = "query($w: MemberFilter) { teams { members(where: $w) { name } } }"
    assert [names(team["members"]) for team in paths(query, w=where)["teams"]] == [
        ["Ada"],
        ["Ada"],
        [],
    ]


def test_pages_by_cursor_of_what_is_found_by_related_rows(paths: Paths) -> None:
    query = """query($w: MemberFilter, $after: String) {
      membersConnection(first: 2, after: $after, where: $w, orderBy: {field: AGE}) {
        totalCount nodes { name } pageInfo { endCursor hasNextPage } } }"""
    where = {"home": {"name": {"ne": "Z-Force"}}}
    first = paths(query, w=where)["membersConnection"]
    assert (first["totalCount"], names(first["nodes"])) == (3, ["Ed", "Ada"])
    end = first["pageInfo"]["endCursor"]
    assert names(paths(query, w=where, after=end)["membersConnection"]["nodes"]) == ["Bob"]
    answer = paths.fast.post({"query": query, "variables": {"w": {"home": {}}, "after": end}})
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_what_is_written_is_found_by_related_rows(paths: Paths) -> None:
    update = """mutation($w: MemberFilter!) {
      updateMembers(where: $w, input: {age: 99}, atMost: 10) { name } }"""
    where = {"home": {"captain": {"name": {"eq": "Ada"}}}, "mentor": {"name": {"eq": "Ada"}}}
    assert names(paths.fast.data(update, w=where)["updateMembers"]) == ["Bob", "Cy"]
    assert matching(paths, "Member", {"age": {"eq": 99}}) == ["Bob", "Cy"]


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ({"mentor": {"mentor": {"mentor": {"mentor": {"name": {"eq": "x"}}}}}}, "levels"),
        ({"home": {"or": [{"name": {"eq": "x"}}] * 21}}, "comparisons"),
        ({"home": {"name": {"in": ["x"] * 101}}}, "values"),
    ],
)
def test_filters_of_related_rows_have_the_same_limits(paths: Paths, where: Any, what: str) -> None:
    query = "query($w: MemberFilter) { members(where: $w) { id } }"
    literal = orjson.dumps(where).decode()
    for name in ("mentor", "home", "name", "or", "in", "eq"):
        literal = literal.replace(f'"{name}":', f"{name}: ")
    ((relation, inner),) = where.items()
    type_ = "TeamFilter" if relation == "home" else "MemberFilter"
    mixed = f"query($w: {type_}) {{ members(where: {{{relation}: $w}}) {{ id }} }}"
    nested = "query($w: MemberFilter) { teams { members(where: $w) { id } } }"
    deletion = "mutation($w: MemberFilter!) { deleteMembers(where: $w) { id } }"
    for body in (
        {"query": query, "variables": {"w": where}},
        {"query": f"{{ members(where: {literal}) {{ id }} }}"},
        {"query": mixed, "variables": {"w": inner}},
        {"query": nested, "variables": {"w": where}},
        {"query": deletion, "variables": {"w": where}},
    ):
        for client in (paths.fast, paths.plain):
            (error,) = client.post(body).json()["errors"]
            assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX", error
            assert what in error["message"]
