"""Mutations that are sent again under their key: executed once, on each kind of database."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.client import CREATE, Client
from tests.cluster import WAITING, Sql, slow_on_postgresql, transaction, wait_until

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
CREATION = {"query": CREATE, "variables": {"input": HERO}}
ANOTHER = {"query": CREATE, "variables": {"input": {**HERO, "age": 28}}}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
KEPT = "SELECT key FROM hero_graph_answer ORDER BY id"
DELETE = "mutation($id: ID!) { deleteHero(id: $id) { id } }"


def send(api: Client, request: Any = CREATION, key: str = KEY, **headers: str) -> httpx.Response:
    return api.post(request, headers={"Idempotency-Key": f'"{key}"', **headers})


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


def entry(request: dict[str, Any], key: object) -> dict[str, Any]:
    return {**request, "extensions": {"idempotencyKey": key}}


def test_the_same_key_gives_the_same_answer(api: Client) -> None:
    first = send(api)
    assert first.json()["data"]["createHero"]["name"] == "Deadpond"
    reordered = {"input": dict(reversed(HERO.items()))}
    for again in (
        send(api),
        send(api, {"variables": reordered, "query": CREATE}),
        api.post(CREATION, headers={"Idempotency-Key": KEY}),
        api.post(entry(CREATION, KEY)),
    ):
        assert (again.status_code, again.content) == (first.status_code, first.content)
    hero_id = first.json()["data"]["createHero"]["id"]
    api.data(DELETE, id=hero_id)
    assert send(api).content == first.content
    assert api.heroes() == []
    assert send(api, key="another").content != first.content
    assert len(api.heroes()) == 1


def test_another_request_under_the_key_is_refused(api: Client) -> None:
    first = send(api)
    named = CREATE.replace("Create", "Other", 1)
    for other in (ANOTHER, {**CREATION, "query": named}, {**CREATION, "query": CREATE + " "}):
        assert codes(send(api, other)) == ["BAD_USER_INPUT"]
    assert send(api).content == first.content
    assert len(api.heroes()) == 1


def test_a_key_belongs_to_its_caller(serve: Callable[..., Client]) -> None:
    api = serve(tokens="ann=s3cret,bob=t0ken")
    ann, bob = ({"authorization": f"Bearer {token}"} for token in ("s3cret", "t0ken"))
    first = send(api, **ann)
    assert send(api, **bob).content != first.content
    assert send(api, **ann).content == first.content
    assert codes(send(api, ANOTHER, **bob)) == ["BAD_USER_INPUT"]


def test_queries_and_whoever_has_no_key_store_nothing(api: Client, sql: Sql) -> None:
    sql("ALTER TABLE hero_graph_answer RENAME TO elsewhere")
    assert "errors" not in send(api, {"query": "{ heroes { id } }"}, key="").json()
    assert "errors" not in api.post(CREATION).json()
    assert codes(send(api)) == ["INTERNAL_SERVER_ERROR"]
    assert len(api.heroes()) == 1


@contextmanager
def held(
    database_url: str, sql: Sql, lock: str = "LOCK TABLE hero IN SHARE MODE"
) -> Iterator[Callable[[int], bool]]:
    """Let no mutation end meanwhile; gives whether this many wait on PostgreSQL for the lock."""
    if database_url.startswith("postgresql"):
        with transaction(database_url, lock):
            yield lambda waiting: len(sql(WAITING)) == waiting
        return
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield lambda _: True
    other.execute("ROLLBACK")
    other.close()


def test_requests_at_once_are_executed_once(
    serve: Callable[..., Client], database_url: str, sql: Sql
) -> None:
    apis = [serve(database_timeout=60) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        with held(database_url, sql) as waiting:
            answers = [threads.submit(send, apis[turn % 2]) for turn in range(8)]
            wait_until(lambda: waiting(8))
            assert not any(answer.done() for answer in answers)
        assert len({answer.result().content for answer in answers}) == 1
    assert answers[0].result().json()["data"]["createHero"]["name"] == "Deadpond"
    assert len(apis[0].heroes()) == 1


def test_what_failed_is_executed_again(api: Client, sql: Sql) -> None:
    new = 'createHero(input: {name: "a", secretName: "b"}) { id }'
    request = {"query": f"mutation {{ {new} deleteHero(id: 1000) {{ id }} }}"}
    assert codes(send(api, request)) == ["NOT_FOUND"]
    assert sql(KEPT) == sql("SELECT id FROM hero") == []
    sql("INSERT INTO hero (id, name, secret_name) VALUES (1000, 'a', 'b')")
    first = send(api, request)
    assert first.json()["data"]["deleteHero"] == {"id": "1000"}
    assert send(api, request).content == first.content
    assert len(api.heroes()) == 1


def test_the_entries_of_a_batch(api: Client, sql: Sql) -> None:
    batch = [entry(CREATION, "a"), entry(CREATION, "a"), entry(CREATION, "b"), CREATION]
    first = api.post(batch)
    a, again, b, without = first.json()
    assert a == again
    assert len({body["data"]["createHero"]["id"] for body in (a, b, without)}) == 3
    *kept, new = api.post(batch).json()
    assert kept == [a, again, b]
    assert new != without
    assert sql(KEPT) == [("a",), ("b",)]
    mixed = api.post([entry(ANOTHER, "a"), entry(CREATION, "b"), entry(CREATION, 7)]).json()
    refused = [body["errors"][0]["extensions"]["code"] for body in (mixed[0], mixed[2])]
    assert refused == ["BAD_USER_INPUT", "BAD_REQUEST"]
    assert mixed[1] == b
    assert codes(send(api, batch)) == ["BAD_REQUEST"]


def test_a_key_expires(serve: Callable[..., Client], sql: Sql) -> None:
    api = serve(idempotency_hours=2)
    first = send(api)
    sql("UPDATE hero_graph_answer SET created = created - 7100")
    assert send(api).content == first.content
    sql("UPDATE hero_graph_answer SET created = created - 100")
    second = send(api, ANOTHER)
    assert second.json()["data"]["createHero"]["age"] == 28
    assert send(api, ANOTHER).content == second.content
    assert len(sql(KEPT)) == 1


def test_old_keys_are_forgotten(serve: Callable[..., Client], sql: Sql) -> None:
    api = serve(idempotency_keys=6)
    for turn in range(9):
        send(api, key=f"{turn}")
    assert sql(KEPT) == [(f"{turn}",) for turn in range(3, 9)]
    sql("UPDATE hero_graph_answer SET created = created - 24 * 3600")
    for turn in range(2):
        send(api, key=f"new {turn}")
    assert sql(KEPT) == [("new 0",), ("new 1",)]


@slow_on_postgresql
@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"a"', "a"),
        ("a", "a"),
        (r'"a \"b\" \\"', r'a "b" \ '.strip()),
        ("é", None),
        ('"', None),
        ('"a', None),
        ('a"', None),
        ("a b", None),
        ('"a", "b"', None),
        ("a,b", None),
        ('""', None),
        (f'"{"k" * 255}"', "k" * 255),
        (f'"{"k" * 256}"', None),
        ("k" * 256, None),
    ],
)
def test_what_a_key_may_be(api: Client, sql: Sql, header: str, key: str | None) -> None:
    response = api.http.post(
        "/graphql", json=CREATION, headers=[(b"idempotency-key", header.encode())]
    )
    if key is None:
        assert codes(response) == ["BAD_REQUEST"]
        assert api.heroes() == []
    else:
        assert sql(KEPT) == [(key,)]
    for extension in ("", "k" * 256, "a\0", "é", 1, ["a"]):
        assert codes(api.post(entry(CREATION, extension))) == ["BAD_REQUEST"]
