"""A mutation with an idempotency key is executed once; retries get the saved answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from json import dumps
from typing import Any

import pytest

from graph.app import limits_of
from graph.database import open_database
from graph.database.base import Database
from graph.database.sqlite.database import SQLiteSession
from graph.engine import saved_answers
from graph.engine.service import Service
from graph.hero.schema import schema
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.databases import Sql, held, on_sqlite, slow_on_postgresql
from tests.support.keyed_requests import CREATION, HERO, KEY, codes, send
from tests.support.prepared_database import prepared
from tests.support.waiting import wait_until

ANOTHER = {"query": CREATE, "variables": {"input": {**HERO, "age": 28}}}
KEPT = "SELECT key FROM hero_graph_answer ORDER BY id"
SIZE = 200
"""Approximate size of a saved answer to `CREATION`, in bytes as they are counted."""

DELETE = "mutation($id: ID!) { deleteHero(id: $id) { id } }"


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


def test_queries_and_mutations_without_a_key_save_no_answer(api: Client, sql: Sql) -> None:
    sql("ALTER TABLE hero_graph_answer RENAME TO elsewhere")
    assert "errors" not in send(api, {"query": "{ heroes { id } }"}, key="").json()
    assert "errors" not in api.post(CREATION).json()
    assert codes(send(api)) == ["INTERNAL_SERVER_ERROR"]
    assert len(api.heroes()) == 1


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


def test_a_failed_mutation_is_executed_again(api: Client, sql: Sql) -> None:
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


def test_the_oldest_of_a_caller_are_forgotten(serve: Callable[..., Client], sql: Sql) -> None:
    api = serve(idempotency_bytes=6 * SIZE, tokens="ann=s3cret,bob=t0ken")
    ann, bob = ({"authorization": f"Bearer {token}"} for token in ("s3cret", "t0ken"))
    first = send(api, key="0", **bob)
    for turn in range(9):
        send(api, key=f"{turn}", **ann)
    wait_until(lambda: sql(KEPT) == [("0",), *[(f"{turn}",) for turn in range(3, 9)]])
    assert send(api, key="0", **bob).content == first.content


def test_only_saved_answers_count(serve: Callable[..., Client], sql: Sql) -> None:
    """Failed and repeated mutations use up ids, but delete no saved answer."""
    api = serve(idempotency_bytes=3 * SIZE)
    first = send(api)
    second = send(api, ANOTHER, "another")
    failing = {"query": DELETE, "variables": {"id": 1_000}}
    for turn in range(5):
        assert codes(send(api, failing, f"failing {turn}")) == ["NOT_FOUND"]
        assert send(api, ANOTHER, "another").content == second.content
    send(api, key="the last")  # starts a search for surplus answers
    assert send(api).content == first.content
    wait_until(lambda: sql(KEPT) == [(KEY,), ("another",), ("the last",)])
    assert send(api).content == first.content


LONG_NAMES: dict[str, Any] = {
    "query": """mutation($inputs: [CreateHeroInput!]!) {
        createHeroes(inputs: $inputs) { name secretName } }""",
    "variables": {"inputs": [{"name": "n" * 200, "secretName": "s" * 200}] * 100},
}
"""Its answer has 43 kB."""


def test_answers_have_an_upper_bound_in_bytes(serve: Callable[..., Client], sql: Sql) -> None:
    api = serve(idempotency_bytes=1_000_000)
    for turn in range(40):
        assert "errors" not in send(api, LONG_NAMES, f"{turn}").json()
    wait_until(
        lambda: len(sql(KEPT)) <= 23 + 3
    )  # plus the tenth that may be saved between searches
    assert sql(KEPT)[-1] == ("39",)


def test_an_answer_that_is_too_large_is_refused(
    serve: Callable[..., Client], sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_answers, "MAX_SAVED_BYTES", 40_000)
    api = serve()
    refused = send(api, LONG_NAMES)
    assert codes(refused) == ["OPERATION_TOO_COMPLEX"]
    assert sql(KEPT) == sql("SELECT id FROM hero") == []
    assert "errors" not in api.post(LONG_NAMES).json()
    smaller = {**LONG_NAMES, "query": LONG_NAMES["query"].replace("secretName", "")}
    assert send(api, smaller).content == send(api, smaller).content


def test_a_batch_of_saved_answers_has_an_upper_bound(serve: Callable[..., Client]) -> None:
    api = serve(max_answer_bytes=100_000, max_body_bytes=1_000_000)
    batch = [entry(LONG_NAMES, f"{turn}") for turn in range(3)]
    alone = [api.post(each).json() for each in batch]
    together = api.post(batch)
    *fitting, last = together.json()
    assert fitting == alone[:2]
    assert [error["extensions"]["code"] for error in last["errors"]] == ["OPERATION_TOO_COMPLEX"]
    assert len(together.content) < 100_000
    assert api.post(batch[2]).json() == alone[2]


def test_expired_answers_are_forgotten_without_another_mutation(
    serve: Callable[..., Client], sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_answers, "PERIOD", 0.05)
    apis = [serve() for _ in range(2)]
    for turn in range(3):
        send(apis[0], key=f"{turn}")
    sql("UPDATE hero_graph_answer SET created = created - 24 * 3600 WHERE key <> '1'")
    wait_until(lambda: sql(KEPT) == [("1",)])


@on_sqlite
def test_forgetting_ends_when_it_is_cancelled_in_a_commit(
    configure: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_answers, "PERIOD", 0)
    settings = configure()

    async def work(database: Database) -> None:
        service = Service(schema, database, limits_of(settings))
        forgetting = asyncio.create_task(service.keep_answers_within_bounds())
        commit, begun = SQLiteSession.commit, asyncio.Event()

        async def slow(session: SQLiteSession) -> None:
            begun.set()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            await commit(session)

        monkeypatch.setattr(SQLiteSession, "commit", slow)
        await begun.wait()
        forgetting.cancel()
        done, _ = await asyncio.wait([forgetting], timeout=10)
        assert done
        assert forgetting.cancelled()

    async def main() -> None:
        async with prepared(settings) as database:
            row = {"caller": "", "key": "k", "digest": b"", "created": 0, "data": b""}
            await database.insert(saved_answers.ANSWERS, [row])
            await work(database)

    asyncio.run(main())


@on_sqlite
@pytest.mark.parametrize("ticks", range(4))
def test_forgetting_ends_when_it_is_cancelled_as_it_becomes_due(
    configure: Callable[..., Settings], ticks: int
) -> None:
    async def main() -> None:
        async with prepared(configure()) as database:
            answers = saved_answers.SavedAnswers(database, limits_of(configure()))
            forgetting = asyncio.create_task(answers.keep_within_bounds())
            await asyncio.sleep(0)  # it begins to wait
            answers._due.set()  # noqa: SLF001 (`save` does so at its very end)
            for _ in range(ticks):
                await asyncio.sleep(0)
            forgetting.cancel()
            done, _ = await asyncio.wait([forgetting], timeout=10)
            assert done
            assert forgetting.cancelled()

    asyncio.run(main())


def test_a_read_only_service_deletes_no_saved_answer(configure: Callable[..., Settings]) -> None:
    settings = configure(read_only=True)

    async def keep() -> None:
        service = Service(schema, open_database(settings), limits_of(settings))
        await asyncio.wait_for(service.keep_answers_within_bounds(), 30)

    asyncio.run(keep())  # comes to its end


def test_more_answers_than_one_search_reads(
    serve: Callable[..., Client], sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_answers, "PERIOD", 0.05)
    serve(idempotency_bytes=700 * (saved_answers.OVERHEAD + len("1000")))
    sql(
        """INSERT INTO hero_graph_answer (caller, key, digest, created, data)
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
        SELECT CASE WHEN n % 4 = 0 THEN 'ann' ELSE 'bob' END, n, '', 4000000000, ''
        FROM numbers ORDER BY n"""
    )
    wait_until(lambda: len(sql(KEPT)) == 700 + 500)
    kept = [int(key) for (key,) in sql("SELECT key FROM hero_graph_answer WHERE caller = 'bob'")]
    assert min(kept) == [n for n in range(1, 2001) if n % 4][-700]


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
def test_which_keys_are_valid(api: Client, sql: Sql, header: str, key: str | None) -> None:
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


@slow_on_postgresql
@pytest.mark.parametrize("variable", ["input", "unused"])
def test_deep_variables_are_no_internal_error(api: Client, variable: str) -> None:
    refused = {"BAD_USER_INPUT", "BAD_REQUEST", "OPERATION_TOO_COMPLEX"}
    for depth in (50, 300, 950, 1_000, 2_000):
        variables = {"input": dumps(HERO), variable: "[" * depth + "]" * depth}
        members = ", ".join(f'"{name}": {text}' for name, text in variables.items())
        text = f'{{"query": {dumps(CREATE)}, "variables": {{{members}}}}}'
        for key in ({}, {"Idempotency-Key": f"{depth}"}):
            headers = {"content-type": "application/json", **key}
            body = api.http.post("/graphql", content=text, headers=headers).json()
            assert {error["extensions"]["code"] for error in body.get("errors", [])} <= refused
