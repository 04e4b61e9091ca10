"""PostgreSQL: round trips, full pools, cancelled statements, conflicts worth a retry."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.support.client import CREATE, Client
from tests.support.databases import WAITING, Sql, on_postgresql, transaction
from tests.support.postgres_proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = on_postgresql

READ = "{ heroes { id name } }"
DELETE = "mutation($id: ID!) { deleteHero(id: $id) { id } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]

Serve = Callable[..., Client]


@pytest.mark.parametrize(
    ("query", "round_trips"),
    [
        ("{ __typename }", 0),
        ('{ hero(id: "1") { id name } }', 1),
        ('{ hero(id: "no-such") { id } }', 0),
        ("{ heroes { id name age secretName } }", 1),
        ("{ heroes { id } hero(id: 1) { name } }", 4),
        ("{ __typename heroes { id } }", 1),
        ("{ hero(id: 1) { id __schema: __typename } }", 1),
        ('mutation { createHero(input: {name: "A", secretName: "B"}) { id } }', 1),
        ('mutation { a: createHero(input: {name: "A", secretName: "B"}) { id } __typename }', 3),
        ("mutation { deleteHero(id: 77) { id } }", 5),
    ],
)
def test_the_number_of_round_trips(
    serve: Serve, proxy: Proxy, database_url: str, query: str, round_trips: int
) -> None:
    api = serve(database_url=proxy.url(database_url))
    api.execute(query)  # open the connection, and prepare the statements
    before = proxy.round_trips
    for _ in range(10):
        api.execute(query)
    assert proxy.round_trips - before == 10 * round_trips


def test_a_query_is_one_round_trip_without_the_fast_path_too(
    serve: Serve, proxy: Proxy, database_url: str
) -> None:
    api = serve(database_url=proxy.url(database_url), fast_execution=False)
    api.execute(READ)
    before = proxy.round_trips
    api.execute(READ)
    assert proxy.round_trips - before == 1


@pytest.mark.slow
def test_a_thousand_connections_share_ten(serve: Serve, sql: Sql) -> None:
    """All connections are open before the first request, and all are answered."""
    api = serve(database_timeout=60, request_timeout=60)
    host, port = api.http.base_url.host, api.http.base_url.port
    body = b'{"query": "{ heroes { id name } hero(id: 1) { id } }"}'
    head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def load() -> list[bytes]:
        opened = [await asyncio.open_connection(host, port) for _ in range(1_000)]
        for _, writer in opened:
            writer.write(request)
        answers = [await reader.readuntil(b"}}") for reader, _ in opened]
        for _, writer in opened:
            writer.close()
        return answers

    api.create()
    expected = b'{"data":{"heroes":[{"id":"1","name":"Deadpond"}],"hero":{"id":"1"}}'
    assert all(answer.endswith(expected) for answer in asyncio.run(load()))
    connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    ((count,),) = sql(connections)
    assert 1 < count <= 10 + 1


@pytest.mark.slow
def test_a_statement_over_its_timeout_is_cancelled(
    serve: Serve, database_url: str, sql: Sql
) -> None:
    api = serve(pool_size=1, database_timeout=1)
    api.create()
    with (
        transaction(database_url, "LOCK TABLE hero IN ACCESS EXCLUSIVE MODE"),
        ThreadPoolExecutor() as threads,
    ):
        waiting: list[Future[list[str]]] = [threads.submit(api.codes, READ) for _ in range(5)]
        waiting.append(threads.submit(api.codes, CREATE, input=HERO))
        wait_until(lambda: sql(WAITING))
        assert api.data("{ __typename }") == {"__typename": "Query"}
        assert api.http.get("/health").status_code == httpx.codes.OK
        assert [codes.result() for codes in waiting] == [UNAVAILABLE] * 6
        assert api.http.get("/ready").status_code == httpx.codes.SERVICE_UNAVAILABLE
        wait_until(lambda: not sql(WAITING))
    wait_until(lambda: api.http.get("/ready").status_code == httpx.codes.OK)
    api.create()
    assert len(api.heroes()) == 2


def test_a_serialization_failure_is_worth_retrying(
    serve: Serve, database_url: str, sql: Sql
) -> None:
    isolation = "-c%20default_transaction_isolation%3Drepeatable%5C%20read"
    api = serve(database_url=f"{database_url}?options={isolation}")
    hero_id = api.create()["id"]
    with ThreadPoolExecutor() as threads:
        with transaction(database_url, "UPDATE hero SET age = 1", end="COMMIT"):
            codes = threads.submit(api.codes, DELETE, id=hero_id)
            wait_until(lambda: sql(WAITING))
        assert codes.result() == UNAVAILABLE
    assert api.data(DELETE, id=hero_id) == {"deleteHero": {"id": hero_id}}


def deletion(*ids: str) -> str:
    """Mutation that deletes heroes in this order."""
    fields = " ".join(f"a{id_}: deleteHero(id: {id_}) {{ id }}" for id_ in ids)
    return f"mutation {{ {fields} }}"


def test_a_deadlock_is_worth_retrying(serve: Serve, database_url: str, sql: Sql) -> None:
    api = serve(database_url=f"{database_url}?options=-c%20deadlock_timeout%3D100ms")
    one, two, three = (api.create()["id"] for _ in range(3))
    with ThreadPoolExecutor() as threads:
        with transaction(database_url, f"UPDATE hero SET age = 1 WHERE id = {two}"):  # noqa: S608 (ours)
            up = threads.submit(api.execute, deletion(one, two, three))
            wait_until(lambda: len(sql(WAITING)) == 1)
            down = threads.submit(api.execute, deletion(three, one))
            wait_until(lambda: len(sql(WAITING)) == 2)
        bodies = up.result(), down.result()
    failed, done = sorted(bodies, key=lambda body: "errors" not in body)
    assert failed["data"] is None
    assert [error["extensions"]["code"] for error in failed["errors"]] == UNAVAILABLE
    assert "errors" not in done
    left = [] if done is bodies[0] else [two]
    assert [hero["id"] for hero in api.heroes()] == left


def test_a_server_with_another_version_string_is_served(
    api: Client, serve: Serve, sql: Sql
) -> None:
    """As with CockroachDB, whose `version()` does not start with PostgreSQL."""
    created = api.create()

    def replace(body: str) -> None:
        version = f"FUNCTION pg_catalog.version() RETURNS text {body}"
        allowed = "SET LOCAL allow_system_table_mods = on"
        sql(f"DO $$ BEGIN {allowed}; CREATE OR REPLACE {version}; END $$")

    replace("RETURN 'NewDB 1'")
    try:
        assert sql("SELECT version()") == [("NewDB 1",)]
        assert serve().heroes() == [created]
    finally:  # other tests use the database, too
        replace("LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'pgsql_version'")
    assert sql("SELECT version()") != [("NewDB 1",)]


def test_a_changed_column_is_seen_at_the_next_attempt(api: Client, sql: Sql) -> None:
    api.create(age=7)
    assert api.heroes()[0]["age"] == 7
    sql("ALTER TABLE hero ALTER age TYPE bigint")
    assert api.heroes()[0]["age"] == 7
    assert api.create(age=8)["age"] == 8
