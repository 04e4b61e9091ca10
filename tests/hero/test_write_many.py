"""`updateHeroes` and `deleteHeroes` write all heroes that match, or none."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from time import time
from typing import Any

import pytest
from sqlalchemy import Engine, event

from graph.engine.saved_answers import digest
from tests.support.client import HERO_FIELDS, Client
from tests.support.databases import WAITING, Sql, held, on_postgresql, transaction
from tests.support.keyed_requests import send
from tests.support.waiting import wait_until

UPDATE = f"""
mutation Update($where: HeroFilter!, $input: UpdateHeroInput!, $atMost: Int! = 1) {{
  updateHeroes(where: $where, input: $input, atMost: $atMost) {{ {HERO_FIELDS} }}
}}
"""

DELETE = f"""
mutation Delete($where: HeroFilter!, $atMost: Int! = 1) {{
  deleteHeroes(where: $where, atMost: $atMost) {{ {HERO_FIELDS} }}
}}
"""


@pytest.fixture
def heroes(api: Client) -> list[dict[str, Any]]:
    """Heroes of ages 0 to 2 in `api`."""
    return [api.create(f"Hero {n}", age=n % 3) for n in range(6)]


def write(api: Client, query: str, key: str | None = None, **variables: Any) -> Any:
    if query is UPDATE:
        variables = {"input": {"age": 7}, **variables}
    request = {"query": query, "variables": variables}
    (written,) = (send(api, request, key) if key else api.post(request)).json()["data"].values()
    return written


def refused(api: Client, query: str, **variables: Any) -> str:
    """Check that the mutation fails and changes nothing; return the message."""
    before = api.heroes()
    if query is UPDATE:
        variables = {"input": {"age": 7}, **variables}
    body = api.execute(query, **variables)
    (error,) = body["errors"]
    assert (body["data"], error["extensions"]["code"]) == (None, "BAD_USER_INPUT")
    assert api.heroes() == before
    return str(error["message"])


def test_matching_heroes_are_changed(api: Client, heroes: list[dict[str, Any]]) -> None:
    change = {"age": 7, "secretName": "New"}
    changed = write(api, UPDATE, where={"age": {"eq": 1}}, input=change, atMost=2)
    assert changed == [{**heroes[1], **change}, {**heroes[4], **change}]
    assert api.heroes() == [{**hero, **change} if hero["age"] == 1 else hero for hero in heroes]
    assert write(api, UPDATE, where={"age": {"eq": 7}}, input={}, atMost=100) == changed
    cleared = write(api, UPDATE, where={"id": {"in": ["5", "2"]}}, input={"age": None}, atMost=2)
    assert cleared == [{**hero, "age": None} for hero in changed]


def test_matching_heroes_are_deleted(api: Client, heroes: list[dict[str, Any]]) -> None:
    assert write(api, DELETE, where={"age": {"gte": 1}}, atMost=4) == [
        hero for hero in heroes if hero["age"]
    ]
    assert api.heroes() == [heroes[0], heroes[3]]
    assert write(api, DELETE, where={"id": {"eq": "1"}}) == heroes[:1]


@pytest.mark.parametrize("query", [UPDATE, DELETE])
def test_more_matches_than_allowed_change_nothing(
    api: Client, heroes: list[dict[str, Any]], query: str
) -> None:
    for message in (
        refused(api, query, where={"age": {"eq": 1}}),
        refused(api, query, where={"age": {"eq": 1}}, atMost=1),
    ):
        assert message == "where matches more heroes than atMost allows (1)"
    refused(api, query, where={"age": {"isNull": False}}, atMost=5)
    for limit in (0, -1, 101):
        message = refused(api, query, where={"id": {"eq": "1"}}, atMost=limit)
        assert message == f"atMost must be from 1 to 100, not {limit}"
    assert len(write(api, query, where={"age": {"isNull": False}}, atMost=6)) == len(heroes)


@pytest.mark.parametrize("query", [UPDATE, DELETE])
def test_a_filter_must_compare_something(
    api: Client, heroes: list[dict[str, Any]], query: str
) -> None:
    nothing: Any = [{}, {"and": []}, {"and": [{}, {"and": []}]}, {"or": [{}]}, {"not": {"or": []}}]
    for where in nothing:
        assert refused(api, query, where=where, atMost=100) == "where must compare something"
    assert refused(api, query, where={"id": None}) == "where.id must not be null"
    none: Any = [{"or": []}, {"id": {"in": []}}, {"id": {"eq": "abc"}}, {"age": {"eq": 9}}]
    for where in none:
        assert write(api, query, where=where) == []
    assert api.heroes() == heroes


@pytest.mark.usefixtures("heroes")
def test_invalid_values_are_refused(api: Client) -> None:
    for where in ({"id": {"eq": "1"}}, {"id": {"eq": "9"}}):
        message = refused(api, UPDATE, where=where, input={"name": " "})
        assert message == "Invalid input: input.name: must not be blank"
        message = refused(api, UPDATE, where=where, input={"secretName": None})
        assert message == "Invalid input: input.secretName: must not be null"


@pytest.mark.usefixtures("heroes")
def test_it_commits_with_the_other_mutations(api: Client) -> None:
    query = """mutation($id: ID!) {
      a: updateHeroes(where: {age: {eq: 0}}, input: {age: 1}, atMost: 2) { id }
      b: deleteHeroes(where: {age: {eq: 1}}, atMost: 4) { id }
      c: deleteHero(id: $id) { id }
    }"""
    before = api.heroes()
    assert api.codes(query, id="no-such") == ["NOT_FOUND"]
    assert api.heroes() == before
    data = api.data(query, id="3")
    assert [hero["id"] for hero in data["a"]] == ["1", "4"]
    assert [hero["id"] for hero in data["b"]] == ["1", "2", "4", "5"]
    assert [hero["id"] for hero in api.heroes()] == ["6"]


@pytest.mark.usefixtures("heroes")
def test_the_same_key_gives_the_same_answer(api: Client) -> None:
    request = {"query": DELETE, "variables": {"where": {"age": {"eq": 1}}, "atMost": 2}}
    first = send(api, request)
    assert [hero["id"] for hero in first.json()["data"]["deleteHeroes"]] == ["2", "5"]
    assert send(api, request).content == first.content


@pytest.mark.usefixtures("heroes")
def test_at_most_counts_as_rows(serve: Callable[..., Client]) -> None:
    api = serve(max_rows=5)
    for query in (UPDATE, DELETE):
        variables = {"where": {"id": {"eq": "1"}}, "input": {}}
        assert api.codes(query, **variables, atMost=6) == ["OPERATION_TOO_COMPLEX"]
        write(api, query, where={"id": {"eq": "1"}}, atMost=5)


@pytest.mark.usefixtures("heroes")
def test_each_row_is_written_by_one_of_concurrent_updates(
    serve: Callable[..., Client], database_url: str, sql: Sql
) -> None:
    """Concurrent updates by age: the later one finds no matching hero."""
    apis = [serve(database_timeout=60) for _ in range(2)]

    def take(age: int) -> Any:
        where = {"age": {"eq": 1}}
        return write(apis[age % 2], UPDATE, where=where, input={"age": age}, atMost=2)

    with ThreadPoolExecutor(6) as threads:
        with held(database_url, sql, "SELECT id FROM hero FOR UPDATE") as waiting:
            answers = [threads.submit(take, age) for age in range(3, 9)]
            wait_until(lambda: waiting(6))
        taken = [[hero["id"] for hero in answer.result()] for answer in answers]
    assert sorted(taken) == [[]] * 5 + [["2", "5"]]


@pytest.fixture
def begins() -> Iterator[threading.Event]:
    """Set when a service that is started later begins a transaction on SQLite, or waits for it."""
    begins = threading.Event()

    def trace(raw: Any, _record: object) -> None:
        if isinstance(raw, sqlite3.Connection):
            raw.set_trace_callback(lambda text: begins.set() if text == "BEGIN IMMEDIATE" else None)

    event.listen(Engine, "connect", trace)
    yield begins
    event.remove(Engine, "connect", trace)


@pytest.fixture
def meanwhile(
    database_url: str, sql: Sql, begins: threading.Event
) -> Callable[..., AbstractContextManager[None]]:
    """Runs statements in a transaction that commits once a mutation waits for it."""

    @contextmanager
    def changed(*statements: str) -> Iterator[None]:
        if database_url.startswith("postgresql"):
            with transaction(database_url, "; ".join(statements), end="COMMIT"):
                yield
                wait_until(lambda: sql(WAITING))
            return
        file = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            for statement in ("BEGIN IMMEDIATE", *statements):
                other.execute(statement)
            begins.clear()
            yield
            assert begins.wait(30)
            other.execute("COMMIT")

    return changed


BEGINS = "UPDATE hero SET age = 1 WHERE id = 1"


@pytest.mark.parametrize("key", [None, "a"])
@pytest.mark.parametrize("query", [UPDATE, DELETE])
@pytest.mark.parametrize(
    "change",
    [
        (["UPDATE hero SET age = 9 WHERE id = 2", BEGINS], ["5"]),
        (["UPDATE hero SET secret_name = 'New' WHERE id = 2", BEGINS], ["2", "5"]),
        (["DELETE FROM hero WHERE id = 2"], ["5"]),
    ],
)
def test_rows_are_written_that_match_in_the_search_and_when_locked(
    serve: Callable[..., Client],
    meanwhile: Callable[..., AbstractContextManager[None]],
    query: str,
    key: str | None,
    change: tuple[list[str], list[str]],
) -> None:
    statements, written = change
    api = serve(database_timeout=60)
    for n in range(6):
        api.create(f"Hero {n}", age=n % 3)
    with ThreadPoolExecutor(1) as threads:
        with meanwhile(*statements):
            answer = threads.submit(write, api, query, key, where={"age": {"eq": 1}}, atMost=2)
        assert [hero["id"] for hero in answer.result()] == written
    left = {hero["id"]: hero["age"] for hero in api.heroes()}
    assert left["1"] == (1 if BEGINS in statements else 0)
    assert [left.get(each) for each in written] == [7 if query is UPDATE else None] * len(written)


@pytest.mark.parametrize(
    "variables",
    [{"where": {"age": {"eq": age}}, "atMost": limit} for age, limit in ((1, 2), (1, 1), (9, 1))],
    ids=["matching", "too many", "none"],
)
@pytest.mark.parametrize("used_for", [DELETE, UPDATE], ids=["this", "another"])
def test_a_search_during_the_first_execution_gets_the_saved_answer(
    serve: Callable[..., Client],
    meanwhile: Callable[..., AbstractContextManager[None]],
    database_url: str,
    variables: dict[str, Any],
    used_for: str,
) -> None:
    api = serve(database_timeout=60)
    for n in range(6):
        api.create(f"Hero {n}", age=n % 3)
    prefix = r"'\x" if database_url.startswith("postgresql") else "x'"
    used, data = digest(used_for, "Delete", variables), b'{"deleteHeroes":[]}'
    answered = f"""INSERT INTO hero_graph_answer (caller, key, digest, created, data)
    VALUES ('', 'a', {prefix}{used.hex()}', {int(time())}, {prefix}{data.hex()}')"""  # noqa: S608 (a constant)
    with ThreadPoolExecutor(1) as threads:
        with meanwhile("DELETE FROM hero WHERE id = 2", answered):
            answer = threads.submit(send, api, {"query": DELETE, "variables": variables}, "a")
        body = answer.result().json()
    if used_for is DELETE:
        assert body == {"data": {"deleteHeroes": []}}
    else:
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert [hero["id"] for hero in api.heroes()] == ["1", "3", "4", "5", "6"]


@pytest.mark.usefixtures("heroes")
@pytest.mark.parametrize("query", [UPDATE, DELETE])
def test_no_transaction_begins_without_a_match(
    api: Client, database_url: str, sql: Sql, query: str
) -> None:
    with held(database_url, sql, "LOCK TABLE hero IN EXCLUSIVE MODE"):
        assert write(api, query, where={"age": {"eq": 9}}) == []


@pytest.mark.usefixtures("heroes")
def test_the_answers_have_the_same_bytes(serve: Callable[..., Client]) -> None:
    apis = [serve(fast_execution=fast) for fast in (True, False)]
    requests: list[tuple[str, Any]] = [
        (UPDATE, {"where": {"age": {"eq": 1}}, "input": {"name": "A"}, "atMost": 2}),
        (UPDATE, {"where": {"age": {"eq": 1}}, "input": {}, "atMost": 1}),
        (UPDATE, {"where": {"id": {"eq": "x"}}, "input": {}}),
        (DELETE, {"where": {"age": {"eq": 9}}}),
        (DELETE, {"where": {}}),
        (DELETE, {"where": None}),
    ]
    for query, variables in requests:
        for selection in (HERO_FIELDS, "name", "__typename"):
            request = {"query": query.replace(HERO_FIELDS, selection), "variables": variables}
            fast, thorough = [api.post(request).content for api in apis]
            assert fast == thorough


@on_postgresql
def test_quick_requests_do_not_wait_for_a_document_that_has_not_searched_before(
    serve: Callable[..., Client], database_url: str, sql: Sql
) -> None:
    api = serve(pool_size=2)
    hero = api.create("Slow")
    query = """mutation Second($where: HeroFilter!) {
      createHero(input: { name: "A", secretName: "a" }) { id }
      updateHeroes(where: $where, input: { age: 1 }) { id }
    }"""
    api.data(query, where={"id": {"eq": "no-such"}})
    with ThreadPoolExecutor(3) as threads:
        with transaction(database_url, "SELECT id FROM hero FOR UPDATE"):
            where = {"name": {"contains": "low"}}
            answers = [threads.submit(api.execute, query, where=where) for _ in range(3)]
            wait_until(lambda: sql(WAITING))
            found = api.data("query Find($id: ID!) { hero(id: $id) { name } }", id=hero["id"])
            assert found == {"hero": {"name": "Slow"}}
        assert all("errors" not in answer.result() for answer in answers)


@on_postgresql
@pytest.mark.parametrize("keyed", [True, False])
def test_quick_requests_do_not_wait_for_searches_in_transactions(
    serve: Callable[..., Client], database_url: str, sql: Sql, *, keyed: bool
) -> None:
    api = serve(pool_size=2)
    hero = api.create("Slow")
    create = 'createHero(input: { name: "A", secretName: "a" }) { id }'
    search = 'updateHeroes(where: { name: { contains: "low" } }, input: { age: 1 }) { age }'
    query = f"mutation {{ {'' if keyed else create} {search} }}"

    def write(number: int) -> Any:
        key = {"extensions": {"idempotencyKey": str(number)}} if keyed else {}
        return api.post({"query": query, **key}).json()

    with ThreadPoolExecutor(3) as threads:
        with transaction(database_url, "SELECT id FROM hero FOR UPDATE"):
            answers = [threads.submit(write, number) for number in range(3)]
            wait_until(lambda: sql(WAITING))
            found = api.data("query Find($id: ID!) { hero(id: $id) { name } }", id=hero["id"])
            assert found == {"hero": {"name": "Slow"}}
        assert all("errors" not in answer.result() for answer in answers)
