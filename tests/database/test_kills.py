"""`kill -9` during writes loses nothing acknowledged; SIGTERM lets requests finish in time."""

import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.support.client import CREATE, CREATE_TWO, Client
from tests.support.cluster import Cluster
from tests.support.databases import (
    WAITING,
    Sql,
    on_postgresql,
    on_sqlite,
    slow_on_postgresql,
    transaction,
)
from tests.support.postgres_proxy import proxy_to
from tests.support.service_process import service
from tests.support.waiting import wait_until

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
CREATION = {"query": CREATE, "variables": {"input": HERO}}


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


def write_until_killed(url: str, enough: Event) -> tuple[set[str], set[str]]:
    """Create and delete heroes; returns the ids that must exist, and those that must not."""
    kept, deleted = set[str](), set[str]()
    with Client(url) as api:
        try:
            for turn in count():
                created = api.create()["id"]
                if turn % 3:
                    kept.add(created)
                else:
                    api.data(f"mutation {{ deleteHero(id: {created}) {{ id }} }}")
                    deleted.add(created)
                if turn == 10:
                    enough.set()
        except httpx.TransportError:
            pass
    return kept, deleted


@slow_on_postgresql
@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_acknowledged_writes_survive_kill_9(database_url: str, sql: Sql, times: int) -> None:
    kept, deleted = set[str](), set[str]()
    for _ in range(times):
        enough = Event()
        with service(database_url) as (url, process), ThreadPoolExecutor() as threads:
            writers = [threads.submit(write_until_killed, url, enough) for _ in range(4)]
            assert enough.wait(60)
            process.kill()
            for writer in writers:
                kept |= writer.result()[0]
                deleted |= writer.result()[1]
        ids = {str(row[0]) for row in sql("SELECT id FROM hero")}
        assert kept <= ids
        assert not deleted & ids
        if database_url.startswith("sqlite"):
            assert sql("PRAGMA integrity_check") == [("ok",)]
    with service(database_url) as (url, _), Client(url) as api:
        assert {hero["id"] for hero in api.heroes()} <= ids


def refuses_connections(url: str) -> bool:
    try:
        httpx.get(f"{url}/health")
    except httpx.TransportError:
        return True
    return False


@on_sqlite
def test_sigterm_answers_open_requests_and_refuses_new_ones(
    database_url: str, database_file: Path
) -> None:
    with (
        service(database_url, database_timeout=60, shutdown_timeout=60) as (url, process),
        Client(url) as api,
        ThreadPoolExecutor() as threads,
    ):
        other = sqlite3.connect(database_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        write = threads.submit(api.create)
        assert httpx.get(f"{url}/health").is_success  # the service has received the requests before
        process.send_signal(signal.SIGTERM)
        while not refuses_connections(url):
            assert process.poll() is None
        assert not write.done()
        other.execute("ROLLBACK")
        created = write.result()
        assert process.wait(30) in {0, -signal.SIGTERM}
        rows = other.execute("SELECT id FROM hero").fetchall()
        other.close()
        assert [str(row[0]) for row in rows] == [created["id"]]


@on_sqlite
def test_the_grace_time_of_sigterm_ends(database_url: str, database_file: Path) -> None:
    with (
        service(database_url, database_timeout=60, shutdown_timeout=1) as (url, process),
        Client(url) as api,
        ThreadPoolExecutor() as threads,
    ):
        other = sqlite3.connect(database_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        write = threads.submit(api.post, CREATION)
        assert httpx.get(f"{url}/health").is_success
        process.send_signal(signal.SIGTERM)
        answer = write.result()
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert process.wait(30) in {0, -signal.SIGTERM}
        other.execute("ROLLBACK")
        assert other.execute("SELECT id FROM hero").fetchall() == []
        other.close()


@pytest.mark.slow
@on_postgresql
@pytest.mark.parametrize(("query", "at"), [(CREATE, b"Deadpond"), (CREATE_TWO, b"COMMIT")])
def test_the_grace_time_ends_during_a_commit(
    database_url: str, cluster: Cluster, sql: Sql, query: str, at: bytes
) -> None:
    with (
        proxy_to(cluster.port) as proxy,
        service(proxy.url(database_url), database_timeout=2, shutdown_timeout=1) as running,
        Client(running.url) as api,
        ThreadPoolExecutor() as threads,
    ):
        api.create("Before")
        proxy.silent_after = at
        write = threads.submit(api.post, {**CREATION, "query": query})
        wait_until(lambda: len(sql("SELECT FROM hero")) > 1)
        running.process.send_signal(signal.SIGTERM)
        (error,) = write.result().json()["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "not known" in error["message"]
        assert running.process.wait(30) == -signal.SIGTERM


@pytest.mark.slow
@on_postgresql
def test_the_grace_time_ends_during_a_batch(database_url: str, sql: Sql) -> None:
    """Each operation of the batch is answered, the stored ones with their data."""
    with (
        service(database_url, database_timeout=60, shutdown_timeout=1) as running,
        Client(running.url) as api,
        ThreadPoolExecutor() as threads,
    ):
        hero_id = api.create("Before")["id"]
        delete = {"query": f"mutation {{ deleteHero(id: {hero_id}) {{ id }} }}"}
        with transaction(database_url, "SELECT FROM hero FOR UPDATE"):
            batch = threads.submit(api.post, [CREATION, delete, CREATION])
            alone = threads.submit(httpx.post, f"{running.url}/graphql", json=delete, timeout=60)
            wait_until(lambda: len(sql(WAITING)) == 2)
            running.process.send_signal(signal.SIGTERM)
            answer = batch.result()
            assert alone.result().status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.status_code == httpx.codes.OK
        stored, *refused = answer.json()
        for body in refused:
            assert body["data"] is None
            assert [error["message"] for error in body["errors"]] == ["Shutting down."]
        assert running.process.wait(30) == -signal.SIGTERM
        ids = {str(row[0]) for row in sql("SELECT id FROM hero")}
        assert ids == {hero_id, stored["data"]["createHero"]["id"]}
