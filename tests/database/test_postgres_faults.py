"""Lost PostgreSQL connections, backends, networks and servers fail single requests only."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.client import CREATE, CREATE_TWO, Client
from tests.support.cluster import running_cluster
from tests.support.databases import WAITING, Sql, on_postgresql, transaction
from tests.support.postgres_proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = on_postgresql

READ = "{ heroes { id name } }"
DELETE = "mutation($id: ID!) { deleteHero(id: $id) { id } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]

Serve = Callable[..., Client]


def test_a_backend_killed_within_a_transaction_fails_its_request_alone(
    api: Client, database_url: str, sql: Sql
) -> None:
    with (
        transaction(database_url, "LOCK TABLE hero IN SHARE MODE"),
        ThreadPoolExecutor() as threads,
    ):
        answer = threads.submit(api.execute, CREATE, input=HERO)
        wait_until(lambda: sql(WAITING))
        sql(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")  # noqa: S608 (ours)
        body = answer.result()
        assert body["data"] is None
        assert [error["extensions"]["code"] for error in body["errors"]] == UNAVAILABLE
        assert api.heroes() == []
    created = api.create("Next")
    assert api.heroes() == [created]


def test_idle_connections_that_were_closed_are_not_noticed(api: Client, sql: Sql) -> None:
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    for turn in range(20):
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(lambda _: len(api.heroes()), range(8))) == [turn] * 8
        sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608 (ours)
        assert len(api.heroes()) == turn
        sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608 (ours)
        api.create()


def test_a_network_that_drops_everything(serve: Serve, proxy: Proxy, database_url: str) -> None:
    api = serve(database_url=proxy.url(database_url), database_timeout=0.5)
    api.create()
    proxy.silent = True
    assert api.codes(READ) == UNAVAILABLE
    assert api.codes(CREATE, input=HERO) == UNAVAILABLE
    proxy.silent = False
    wait_until(lambda: api.http.get("/ready").status_code == httpx.codes.OK)
    assert len(api.heroes()) == 1


def test_readiness_does_not_wait_as_long_as_a_request_may(
    serve: Serve, proxy: Proxy, database_url: str
) -> None:
    api = serve(database_url=proxy.url(database_url), database_timeout=60)
    proxy.silent = True
    assert api.http.get("/ready").status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert api.http.get("/health").status_code == httpx.codes.OK
    proxy.close()


def test_a_commit_with_an_unknown_outcome_is_not_retried(
    serve: Serve, proxy: Proxy, database_url: str, sql: Sql
) -> None:
    api = serve(database_url=proxy.url(database_url))
    api.create("Before")
    proxy.break_at = b"COMMIT"
    body = api.execute(CREATE_TWO, input=HERO)
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "not known" in body["errors"][0]["message"]
    proxy.break_at = None
    assert sql("SELECT name FROM hero") == [("Before",)]
    api.create("After")


@pytest.mark.slow
def test_the_server_crashes_and_comes_back(serve: Serve) -> None:
    """Acknowledged heroes are found, and the service reconnects without a restart."""
    with running_cluster() as cluster, ThreadPoolExecutor() as threads:
        api = serve(database_url=cluster.url(cluster.create_database()), database_timeout=60)
        acknowledged: list[str] = []
        enough = threading.Event()

        def write() -> None:
            while not enough.is_set():
                body = api.execute(CREATE, input=HERO)
                if body["data"]:
                    acknowledged.append(body["data"]["createHero"]["id"])
                else:
                    assert [e["extensions"]["code"] for e in body["errors"]] == UNAVAILABLE

        writers = [threads.submit(write) for _ in range(4)]
        try:
            for _ in range(2):
                before = len(acknowledged)
                wait_until(lambda: len(acknowledged) > before + 20)  # noqa: B023 (called at once)
                cluster.stop("immediate")
                assert api.http.get("/ready").status_code == httpx.codes.SERVICE_UNAVAILABLE
                assert api.http.get("/health").status_code == httpx.codes.OK
                assert api.codes(READ) == UNAVAILABLE
                cluster.start()
                wait_until(lambda: api.http.get("/ready").status_code == httpx.codes.OK)
                api.create()
        finally:
            enough.set()
        for writer in writers:
            writer.result()
        stored = [
            hero["id"]
            for offset in range(0, 2 * len(acknowledged) + 100, 100)
            for hero in api.heroes(offset=offset)
        ]
        assert set(acknowledged) <= set(stored)
