"""`serve --workers`: several processes with one socket and one database."""

import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from graph.http.server import ServerConfig
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.cluster import running_cluster
from tests.support.databases import WAITING, Sql, on_postgresql, on_sqlite, transaction
from tests.support.raw_http import connected, post, read_answer
from tests.support.service_process import service, workers
from tests.support.waiting import wait_until

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}


def connect(url: str) -> socket.socket:
    """A connection to the service on which nothing was sent."""
    base = httpx.URL(url)
    return socket.create_connection((base.host, base.port or 80), timeout=60)


def is_answered(url: str) -> bool:
    """Whether a request on a new connection is answered with 200."""
    try:
        return httpx.get(url, timeout=30).status_code == httpx.codes.OK
    except httpx.TransportError:  # the killed worker had accepted it
        return False


def test_an_app_that_cannot_be_made_says_why() -> None:
    def fail() -> ASGIApp:
        raise TypeError("why")

    config = ServerConfig(fail, Settings(), factory=True)
    with ThreadPoolExecutor(1) as thread:  # signals are handled in the main thread
        assert str(thread.submit(config.load).exception()) == "why"


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(database_url: str) -> None:
    with service(database_url, "--workers", "2") as running:
        wait_until(lambda: len(workers(running)) == 2)
        wait_until(lambda: is_answered(f"{running.url}/ready"))
        victim = min(workers(running))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(workers(running) - {victim}) == 2)
        wait_until(lambda: is_answered(f"{running.url}/ready"))
        with Client(running.url) as api:
            created = api.create()
            assert api.heroes() == [created]


def is_running(pid: int) -> bool:
    """Whether this process exists and is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@on_sqlite
def test_workers_end_when_their_supervisor_is_gone(database_url: str) -> None:
    with service(database_url, "--workers", "2") as running:
        wait_until(lambda: len(workers(running)) == 2)
        wait_until(lambda: is_answered(f"{running.url}/ready"))
        orphans = workers(running)
        running.process.kill()
        running.process.wait()
        wait_until(lambda: not any(is_running(pid) for pid in orphans))
        assert not is_answered(f"{running.url}/health")


@pytest.mark.slow
@on_postgresql
@pytest.mark.parametrize(("count", "exit_code"), [("1", -signal.SIGTERM), ("2", 0)])
def test_sigterm_lets_open_requests_end(
    database_url: str, sql: Sql, count: str, exit_code: int
) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(
            service(database_url, "--workers", count, database_timeout=60, request_timeout=600)
        )
        clients = [stack.enter_context(Client(running.url)) for _ in range(10)]
        for client in clients:
            assert client.heroes() == []
        idle = [stack.enter_context(connect(running.url)) for _ in range(20)]
        threads = stack.enter_context(ThreadPoolExecutor(len(clients)))
        with transaction(database_url, "LOCK TABLE hero IN SHARE MODE"):
            answers = [threads.submit(client.create) for client in clients]
            wait_until(lambda: len(sql(WAITING)) == len(clients))
            running.process.send_signal(signal.SIGTERM)
            for connection in idle:
                assert connection.recv(1) == b""  # all workers have begun to stop
            assert not any(answer.done() for answer in answers)
        created = {answer.result()["id"] for answer in answers}
        assert running.process.wait(60) == exit_code
    assert created == {str(row[0]) for row in sql("SELECT id FROM hero")}


@pytest.fixture
def _not_ignored() -> Iterator[None]:
    """Processes are started as without `nohup`, with which they would ignore a hangup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_not_ignored")
@on_sqlite
def test_a_hangup_lets_open_requests_end(database_url: str) -> None:
    create = post('mutation { createHero(input: {name: "a", secretName: "b"}) { id } }')
    with (
        service(database_url, database_timeout=60) as running,
        closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other,
        connected(running.url) as idle,
        connected(running.url) as busy,
    ):
        other.execute("BEGIN IMMEDIATE")
        busy.sendall(create)
        assert is_answered(f"{running.url}/health")  # the other request has arrived
        running.process.send_signal(signal.SIGHUP)
        assert idle.recv(1) == b""  # it is stopping
        other.execute("ROLLBACK")
        assert read_answer(busy).json() == {"data": {"createHero": {"id": "1"}}}
        assert running.process.wait(60) == -signal.SIGTERM


@pytest.mark.slow
@on_sqlite
def test_a_change_of_the_code_replaces_the_process(database_url: str, tmp_path: Path) -> None:
    with service(database_url, "--reload") as running:
        first = workers(running)
        assert len(first) == 1
        # Before the reloader has begun to watch, it sees no change.
        wait_until(lambda: (tmp_path / "code.py").write_text("") or not workers(running) & first)
        wait_until(lambda: is_answered(f"{running.url}/ready"))


@pytest.mark.slow
@pytest.mark.usefixtures("_not_ignored")
@on_sqlite
def test_a_hangup_replaces_the_workers(database_url: str) -> None:
    with service(database_url, "--workers", "2") as running:
        wait_until(lambda: len(workers(running)) == 2)
        wait_until(lambda: is_answered(f"{running.url}/ready"))
        first = workers(running)
        for pid in first:
            os.kill(pid, signal.SIGHUP)  # as a closed terminal does
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers(running) - first) == 2 and not workers(running) & first)
        assert is_answered(f"{running.url}/health")


@pytest.mark.slow
def test_a_worker_dies_while_the_database_is_away() -> None:
    with running_cluster() as cluster:
        url = cluster.url(cluster.create_database())
        with service(url, "--workers", "2") as running, Client(running.url) as api:
            created = api.create()
            cluster.stop()
            first = workers(running)
            for pid in first:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(workers(running) - first) == 2)
            wait_until(lambda: is_answered(f"{running.url}/health"))
            cluster.start()
            wait_until(lambda: is_answered(f"{running.url}/ready"))
            with Client(running.url) as again:
                assert again.heroes() == [created]


@on_sqlite
def test_writes_of_several_processes_wait_for_one_another(database_url: str, sql: Sql) -> None:
    with (
        service(database_url, "--workers", "2") as running,
        ThreadPoolExecutor(16) as threads,
        ExitStack() as stack,
    ):
        wait_until(lambda: len(workers(running)) == 2)
        wait_until(lambda: is_answered(f"{running.url}/ready"))
        clients = [stack.enter_context(Client(running.url)) for _ in range(16)]
        bodies = [
            body
            for some in threads.map(
                lambda client: [client.execute(CREATE, input=HERO) for _ in range(20)], clients
            )
            for body in some
        ]
        assert [body for body in bodies if "errors" in body] == []
        ids = {body["data"]["createHero"]["id"] for body in bodies}
        assert ids == {str(row[0]) for row in sql("SELECT id FROM hero")}
        assert len(ids) == 16 * 20
