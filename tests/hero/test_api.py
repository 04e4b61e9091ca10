"""`hero`, `heroes`, `createHero` and `deleteHero` over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from tests.support.client import CREATE, PAGE, Client
from tests.support.databases import Sql, on_sqlite, slow_on_postgresql
from tests.support.ids import NO_IDS
from tests.support.prepared_database import set_up


def test_a_created_hero_is_read_back(api: Client) -> None:
    created = api.create("Deadpond", age=28)
    assert created == {"id": "1", "name": "Deadpond", "age": 28, "secretName": "Dive Wilson"}
    assert api.heroes() == [created]
    assert api.data("{ hero(id: 1) { name } }") == {"hero": {"name": "Deadpond"}}
    assert api.data('{ hero(id: "1") { name } }') == {"hero": {"name": "Deadpond"}}


def test_an_age_may_be_left_out_or_null(api: Client) -> None:
    assert api.create()["age"] is None
    assert api.create(age=None)["age"] is None
    assert api.create(age=0)["age"] == 0


def test_a_deleted_hero_is_returned_and_gone(api: Client) -> None:
    created = api.create()
    query = "mutation($id: ID!) { deleteHero(id: $id) { id name age secretName } }"
    assert api.data(query, id=created["id"]) == {"deleteHero": created}
    assert api.data("query($id: ID!) { hero(id: $id) { id } }", id=created["id"]) == {"hero": None}
    assert api.codes(query, id=created["id"]) == ["NOT_FOUND"]


def test_the_id_of_a_deleted_hero_is_not_reused(api: Client) -> None:
    api.create()
    last = api.create()["id"]
    api.data("mutation($id: ID!) { deleteHero(id: $id) { id } }", id=last)
    assert api.create()["id"] == str(int(last) + 1)


@on_sqlite
def test_each_listed_id_can_be_read(api: Client, sql: Sql) -> None:
    ids = [-(2**63), -1, 0, 2**63 - 1]
    for hero_id in ids:
        sql(f"INSERT INTO hero VALUES ({hero_id}, 'Deadpond', NULL, 'Dive Wilson')")  # noqa: S608 (ours)
    listed = api.heroes()
    assert [hero["id"] for hero in listed] == [str(hero_id) for hero_id in ids]
    for hero in listed:
        found = api.data("query($id: ID!) { hero(id: $id) { id } }", id=hero["id"])
        assert found == {"hero": {"id": hero["id"]}}


def test_an_id_without_a_hero_is_null_or_not_found(api: Client) -> None:
    for _ in range(7):
        api.create()
    for hero_id in NO_IDS:
        found = api.data("query($id: ID!) { hero(id: $id) { id } }", id=hero_id)
        assert found == {"hero": None}, hero_id
        body = api.execute("mutation($id: ID!) { deleteHero(id: $id) { id } }", id=hero_id)
        assert body["data"] is None, hero_id
        assert [error["extensions"]["code"] for error in body["errors"]] == ["NOT_FOUND"], hero_id
        assert len(api.heroes()) == 7, hero_id


def test_pages_go_through_the_table_in_id_order(api: Client, database_url: str) -> None:
    set_up(database_url, heroes=1_034)
    pages = [api.heroes(offset=offset) for offset in range(0, 1_200, 100)]
    assert [len(page) for page in pages] == [100] * 10 + [34, 0]
    assert [hero["id"] for page in pages for hero in page] == [str(n) for n in range(1, 1_035)]
    assert api.heroes(offset=1_030, limit=2) == pages[10][30:32]
    assert api.heroes(limit=0) == []


@slow_on_postgresql
@pytest.mark.parametrize(
    ("page", "says"),
    [({"limit": 101}, "limit"), ({"limit": -1}, "limit"), ({"offset": -1}, "offset")],
)
def test_a_page_out_of_bounds_is_refused(api: Client, page: dict[str, int], says: str) -> None:
    body = api.execute(PAGE, **page)
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert says in body["errors"][0]["message"]


@slow_on_postgresql
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " \t\n"),
        ("secretName", ""),
        ("name", "x" * 201),
        ("secretName", "x" * 201),
        ("name", "nul\0nul"),
        ("secretName", "lone \ud800 surrogate"),
        ("age", -1),
    ],
)
def test_an_invalid_hero_is_refused(api: Client, field: str, value: object) -> None:
    hero = {"name": "Deadpond", "secretName": "Dive Wilson", field: value}
    body = api.execute(CREATE, input=hero)
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert field in body["errors"][0]["message"]
    assert api.heroes() == []


@slow_on_postgresql
@pytest.mark.parametrize("age", [2**31, 1.5, "28", True])
def test_an_age_that_is_no_int_is_refused(api: Client, age: object) -> None:
    response = api.post(
        {"query": CREATE, "variables": {"input": {"name": "A", "secretName": "B", "age": age}}}
    )
    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "text",
    ["x" * 200, "🦸" * 200, "Robert'); DROP TABLE hero;--", "é\u0301 \u202e \x7f", " padded "],
)
def test_text_is_stored_unchanged(api: Client, text: str) -> None:
    created = api.create(text, secretName=text, age=2**31 - 1)
    assert (created["name"], created["secretName"]) == (text, text)
    assert api.heroes() == [created]


def test_the_mutations_of_an_operation_commit_together(api: Client) -> None:
    hero = '{name: "A", secretName: "B"}'
    query = f"""mutation($id: ID!) {{
      a: createHero(input: {hero}) {{ id }}
      b: deleteHero(id: $id) {{ id }}
    }}"""
    body = api.execute(query, id="no-such")
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert body["errors"][0]["path"] == ["b"]
    assert api.heroes() == []
    deleted = api.create()["id"]
    data = api.data(query, id=deleted)
    assert data["b"] == {"id": deleted}
    assert [hero["id"] for hero in api.heroes()] == [data["a"]["id"]]


def test_a_mutation_sees_the_writes_of_the_one_before(api: Client) -> None:
    query = """mutation {
      a: createHero(input: {name: "A", secretName: "B"}) { id }
      b: deleteHero(id: 1) { name }
    }"""
    assert api.data(query) == {"a": {"id": "1"}, "b": {"name": "A"}}


def test_acknowledged_heroes_are_in_the_table(api: Client, sql: Sql) -> None:
    api.create("Deadpond", age=28)
    assert sql("SELECT name, age, secret_name, id FROM hero") == [
        ("Deadpond", 28, "Dive Wilson", 1)
    ]


@slow_on_postgresql
def test_many_root_fields_share_a_session(api: Client, database_url: str) -> None:
    """64 concurrent requests with ten aliases of each root field: a naive version deadlocks."""
    set_up(database_url, heroes=20)
    aliases = " ".join(
        f"h{n}: hero(id: {n + 1}) {{ id }} p{n}: heroes(offset: {n}, limit: 2) {{ id }}"
        for n in range(7)
    )

    async def load() -> list[Any]:
        async with httpx.AsyncClient(base_url=api.url, timeout=60) as client:
            answers = await asyncio.gather(
                *(client.post("/graphql", json={"query": f"{{ {aliases} }}"}) for _ in range(64))
            )
        return [answer.json() for answer in answers]

    expected: dict[str, Any] = {}
    for n in range(7):
        expected[f"h{n}"] = {"id": str(n + 1)}
        expected[f"p{n}"] = [{"id": str(n + 1)}, {"id": str(n + 2)}]
    assert asyncio.run(load()) == [{"data": expected}] * 64


@slow_on_postgresql
def test_200_concurrent_requests_do_not_stall_the_service(api: Client) -> None:
    hero = {"name": "A", "secretName": "B"}

    async def load() -> list[Any]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=api.url, timeout=60, limits=limits) as client:
            requests = [
                {"query": CREATE, "variables": {"input": hero}},
                {"query": "{ heroes { id } }"},
            ]
            answers = await asyncio.gather(
                *(client.post("/graphql", json=requests[n % 2]) for n in range(200))
            )
        return [answer.json() for answer in answers]

    answers = asyncio.run(load())
    assert not [answer for answer in answers if "errors" in answer]
    assert len(api.heroes()) == 100


def test_graphiqls_introspection(api: Client) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True,
        input_value_deprecation=True,
    )  # fmt: skip
    types = {type_["name"]: type_ for type_ in api.data(query)["__schema"]["types"]}
    ours = [
        type_
        for name, type_ in types.items()
        if name in {"Query", "Mutation", "Hero", "CreateHeroInput"}
    ]
    assert len(ours) == 4
    for type_ in ours:
        assert type_["description"]
        for field in [*(type_["fields"] or ()), *(type_["inputFields"] or ())]:
            assert field["description"], field["name"]
            for argument in field.get("args", ()):
                assert argument["description"], argument["name"]


def test_invalid_legacy_rows_are_readable(api: Client, sql: Sql) -> None:
    sql(f"INSERT INTO hero (name, age, secret_name) VALUES ('', -3, '{'x' * 999}')")  # noqa: S608 (a constant)
    assert api.heroes() == [{"id": "1", "name": "", "age": -3, "secretName": "x" * 999}]
