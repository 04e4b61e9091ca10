"""Relations of every kind, through HTTP on both databases, on and off the fast path."""

import asyncio
from collections import Counter
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from graph.engine import errors
from graph.engine.schema import SerialExecutor
from graph.tables.relations import RelatedRow
from tests.support.client import Client
from tests.support.databases import Sql
from tests.support.related_rows import IDS, MEMBERS, TEAMS, Paths, names
from tests.support.related_tables import ran


@pytest.fixture
def only_fast(monkeypatch: pytest.MonkeyPatch, paths: Paths) -> Client:
    """A service whose operations must all be compiled."""

    def complete(*_: object) -> None:
        raise AssertionError("graphql-core completed it")

    monkeypatch.setattr(SerialExecutor, "complete_value", complete)
    return paths.fast


def test_a_row_that_each_row_refers_to(paths: Paths) -> None:
    found = paths("{ members { name home { id name } mentor { name } } }")["members"]
    by_id = {row["id"]: row["name"] for row in MEMBERS}
    teams = {row["id"]: row["name"] for row in TEAMS}
    assert found == [
        {
            "name": row["name"],
            "home": row["home_id"] and {"id": str(row["home_id"]), "name": teams[row["home_id"]]},
            "mentor": row["mentor_id"] and {"name": by_id[row["mentor_id"]]},
        }
        for row in MEMBERS
    ]


def test_rows_that_refer_to_each_row(paths: Paths) -> None:
    found = paths("{ members { pupils { id name } } }")["members"]
    assert [names(row["pupils"]) for row in found] == [
        [each["name"] for each in MEMBERS if each["mentor_id"] == row["id"]] for row in MEMBERS
    ]


def test_rows_through_a_table_between(paths: Paths) -> None:
    found = paths("{ teams(limit: 9) { members { name } } members(limit: 9) { teams { name } } }")
    assert [names(row["members"]) for row in found["teams"]] == [
        ["Ada", "Bob", "Ed"],
        ["Ada", "Cy"],
        [],
    ]
    assert [names(row["teams"]) for row in found["members"]] == [
        ["Preventers", "Z-Force"],
        ["Preventers"],
        ["Z-Force"],
        [],
        ["Preventers"],
    ]


DEEP = """query($limit: Int!, $where: MemberFilter, $order: [MemberOrder!]) {
  teams(limit: 9) { name captain { name teams(limit: 1) { name } }
    members(limit: $limit, where: $where, orderBy: $order) {
      name home { name guests(limit: 2) { name mentor { name } } } teams { id } } } }"""


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
def test_limits_filters_and_orders_of_each_row(paths: Paths, direction: str, nulls: str) -> None:
    order = [{"field": "AGE", "direction": direction, "nulls": nulls}]
    found = paths(DEEP, limit=2, order=order)["teams"]
    assert found[0]["captain"] == {"name": "Ada", "teams": [{"name": "Preventers"}]}
    ages = {"Ada": 48, "Bob": None, "Ed": 30}
    known = sorted(["Ada", "Ed"], key=lambda each: ages[each] or 0, reverse=direction == "DESC")
    expected = ["Bob", *known] if nulls == "FIRST" else [*known, "Bob"]
    assert names(found[0]["members"]) == expected[:2]
    assert found[2]["members"] == []
    found = paths(DEEP, limit=2, where={"name": {"in": ["Bob", "Cy", "Ed"]}})["teams"]
    assert [names(row["members"]) for row in found] == [["Bob", "Ed"], ["Cy"], []]
    assert names(found[0]["members"][0]["home"]["guests"]) == ["Ada", "Bob"]
    assert [row["members"] for row in paths(DEEP, limit=0)["teams"]] == [[], [], []]


READS = [
    f'{{ team(id: "{IDS[0]}") {{ name members {{ name }} captain {{ home {{ name }} }} }} }}',
    '{ member(id: "4") { home { name } teams { name } mentor { mentor { name } } } }',
    '{ member(id: "99") { home { name } } }',
    "{ members(limit: 0) { home { name } } }",
    "{ members { teams { __typename } home { __typename } } }",
    "{ a: members { home { n: name } home { id } } b: teams { members(limit: 1) { id } } }",
    "{ members { one: pupils(limit: 1) { name } two: pupils(limit: 2) { name } } }",
    """{ membersConnection(first: 2, orderBy: {field: NAME}) { totalCount
      nodes { name teams { name } } edges { cursor node { home { name members { age } } } } } }""",
    """query($f: Boolean = true) { members { ...M @include(if: $f) } }
      fragment M on Member { home { ...T } } fragment T on Team { name guests { name } }""",
    "{ members { initial name } }",
    "{ members { initial } }",
    "{ members { a: initial b: initial ...I ...I } } fragment I on Member { initial name }",
    '{ member(id: "1") { initial decades years } gone: member(id: "99") { initial } }',
    f'{{ team(id: "{IDS[0]}") {{ label captain {{ initial home {{ label id }} }} }} }}',
    "{ teams(limit: 3) { label members { initial teams(limit: 1) { label } mentor { years } } } }",
    "{ members { home { label } } }",
    """{ membersConnection(first: 3) { nodes { initial } pageInfo { endCursor }
      edges { cursor node { initial name home { label } } } } }""",
]


@pytest.mark.parametrize("query", READS)
def test_both_paths_answer_alike(paths: Paths, query: str) -> None:
    paths(query)


@pytest.mark.parametrize("query", READS)
def test_relations_are_compiled(only_fast: Client, query: str) -> None:
    only_fast.data(query)


@pytest.mark.parametrize(
    "query",
    [
        "{ members { name decades } }",
        "{ members { initial years } }",
        "{ all: members { name } members { initial years } }",
        '{ member(id: "2") { initial decades } other: member(id: "1") { decades } }',
        '{ member(id: "2") { initial years } }',
        "{ teams(limit: 3) { label guests { initial decades teams { name } } } }",
        "{ teams { label guests { initial years } } }",
        "{ members { initial mentor { decades } } }",
        "{ members { mentor { years home { label } } } }",
        "{ membersConnection { nodes { initial } edges { node { decades } } } }",
    ],
)
def test_what_resolvers_of_rows_raise(
    paths: Paths, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "uuid4", lambda: UUID(int=7))
    answers = []
    for client in (paths.fast, paths.plain, paths.fast):
        ran.clear()
        answers.append(client.post({"query": query}))
        if client is paths.fast:
            assert set(Counter(ran).values()) == {1}  # though graphql-core took over
    assert answers[0].text == answers[1].text == answers[2].text
    assert answers[0].json()["errors"]


def test_resolvers_of_rows_after_a_relation_failed(paths: Paths) -> None:
    query = "{ members { initial pupils(limit: 21) { name } home { label } } }"
    ran.clear()
    fast = paths.fast.post({"query": query}).text
    assert Counter(ran)["initial", "Ada"] == 1
    assert fast == paths.plain.post({"query": query}).text


def test_a_write_with_a_failing_resolver_is_undone(paths: Paths) -> None:
    count = "{ membersConnection { totalCount } }"
    before = paths(count)
    create = """mutation { createMember(input: {name: "Flo"}) { id initial years } }"""
    for client in (paths.fast, paths.plain):
        ran.clear()
        assert "errors" in client.post({"query": create}).json()
        assert ran == [("initial", "Flo"), ("years", "Flo")]
    assert paths(count) == before
    created = paths.fast.data(create.replace("years", "").replace('"Flo"', '"Flo", age: 7'))
    assert created["createMember"]["initial"] == "F"


def test_mutations_answer_with_relations(paths: Paths) -> None:
    create = """mutation($i: CreateMemberInput!) { createMember(input: $i) {
      name home { name } mentor { name pupils { name } } teams { name } } }"""
    for client in (paths.fast, paths.plain):
        made = client.data(create, i={"name": "Flo", "homeId": IDS[1], "mentorId": "4"})
        assert made["createMember"]["home"] == {"name": "Z-Force"}
        assert "Flo" in names(made["createMember"]["mentor"]["pupils"])
        changed = client.data(
            """mutation { updateMembers(where: {name: {eq: "Di"}}, input: {name: "Di"}) {
              name mentor { name } pupils { name home { name } } } }"""
        )["updateMembers"][0]
        assert changed["mentor"] == {"name": "Bob"}
        assert {"name": "Flo", "home": {"name": "Z-Force"}} in changed["pupils"]
    last = paths.fast.data("{ members { id name } }")["members"][-1]
    gone = paths.fast.data(
        "mutation($id: ID!) { deleteMember(id: $id) { name home { name } pupils { name } } }",
        id=last["id"],
    )
    assert gone["deleteMember"] == {"name": "Flo", "home": {"name": "Z-Force"}, "pupils": []}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ teams { members(limit: -1) { name } } }", "BAD_USER_INPUT"),
        ("{ members { pupils(limit: 21) { name } } }", "BAD_USER_INPUT"),
        ("{ teams { members(limit: 100) { pupils(limit: 20) { id } } } }", "OPERATION_TOO_COMPLEX"),
        (
            "{ teams { members(orderBy: [{field: AGE}, {field: AGE}]) { id } } }",
            "BAD_USER_INPUT",
        ),
    ],
)
def test_what_is_out_of_bounds_is_refused(paths: Paths, query: str, code: str) -> None:
    answers = [client.post({"query": query}).json() for client in (paths.fast, paths.plain)]
    for answer in answers:
        assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
        assert not answer.get("data")
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("query", "given", "fitting", "argument"),
    [
        ("{ teams { members(limit: %d) { id } } }", 10, 9, "`limit` of `members`"),
        ("{ teams { members(limit: %d) { pupils { id } } } }", 5, 1, "`limit` of `members`"),
        (
            "{ membersConnection(first: 50) { nodes { teams(limit: %d) { id } } } }",
            50,
            19,
            "`limit` of `teams`",
        ),
    ],
)
def test_a_refusal_says_which_limit_would_do(
    paths: Paths, query: str, given: int, fitting: int, argument: str
) -> None:
    (error,) = paths.fast.post({"query": query % given}).json()["errors"]
    assert error["message"].endswith(f"Give at most {fitting} as {argument}.")
    assert "errors" not in paths.fast.post({"query": query % fitting}).json()


def test_rows_and_related_rows_are_of_one_state(
    paths: Paths, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, changes = RelatedRow.fetch, count()

    async def late(*given: Any) -> Any:
        change = "UPDATE team SET name = 'Changed %d' RETURNING id"
        await asyncio.to_thread(sql, change % next(changes))
        return await fetch(*given)

    monkeypatch.setattr(RelatedRow, "fetch", late)
    query = '{ member(id: "1") { home { name } } }'
    seen = [client.data(query)["member"]["home"]["name"] for client in (paths.fast, paths.plain)]
    assert seen == ["Preventers", "Changed 0"]


def test_errors_name_the_constraint_and_its_fields(paths: Paths, database_url: str) -> None:
    delete = "mutation($id: ID!) { deleteMember(id: $id) { id } }"
    update = "mutation($i: UpdateMemberInput!) { updateMember(id: 1, input: $i) { id } }"
    for client in (paths.fast, paths.plain):
        (error,) = client.execute(delete, id="1")["errors"]
        assert error["message"] == "Other rows refer to this one."
        assert error["extensions"] == {
            "code": "BAD_USER_INPUT",
            "constraint": "REFERENCED",
            "fields": [],
        }
        (error,) = client.execute(update, i={"mentorId": "77"})["errors"]
        # SQLite does not say which of several references is violated.
        known = [] if database_url.startswith("sqlite") else ["mentorId"]
        assert error["extensions"] == {
            "code": "BAD_USER_INPUT",
            "constraint": "FOREIGN_KEY",
            "fields": known,
        }
