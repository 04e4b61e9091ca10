"""A retry under the key gets the answer that a crash or a broken connection lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.client import CREATE, Client
from tests.support.cluster import Cluster
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.faulty_disk import Disk
from tests.support.keyed_requests import HERO, codes, send
from tests.support.postgres_proxy import proxy_to
from tests.support.service_process import service
from tests.support.waiting import wait_until


@pytest.mark.slow
@on_postgresql
def test_an_answer_that_is_lost_with_the_service(
    database_url: str, cluster: Cluster, sql: Sql
) -> None:
    """Kill the service after the commit; the proxy drops the answer."""
    with (
        proxy_to(cluster.port) as proxy,
        service(proxy.url(database_url), database_timeout=60, request_timeout=60) as running,
        Client(running.url) as api,
        ThreadPoolExecutor() as threads,
    ):
        api.create("Before")
        proxy.silent_after = b"COMMIT"
        lost = threads.submit(send, api)
        wait_until(lambda: len(sql("SELECT FROM hero")) == 2)
        running.process.kill()
        assert isinstance(lost.exception(), httpx.TransportError)
    with service(database_url) as running, Client(running.url) as api:
        [stored] = [hero for hero in api.heroes() if hero["name"] == "Deadpond"]
        assert send(api).json() == {"data": {"createHero": stored}}
        assert len(api.heroes()) == 2


@on_sqlite
def test_an_answer_that_is_lost_as_the_log_is_written(database_url: str, tmp_path: Path) -> None:
    """Kill the service once the commit is on disk, before its answer."""
    disk = Disk(tmp_path)
    with service(database_url, prefix=disk.prefix) as running, Client(running.url) as api:
        api.create("Before")  # the first commit also syncs the header of the write-ahead log
        disk.kill(at_next_sync=True)
        with pytest.raises(httpx.TransportError):
            send(api)
        disk.kill(at_next_sync=False)
    with service(database_url) as running, Client(running.url) as api:
        [_, stored] = api.heroes()
        assert send(api).json() == {"data": {"createHero": stored}}
        assert len(api.heroes()) == 2


@on_postgresql
def test_a_retry_tells_an_unknown_outcome(
    serve: Callable[..., Client], cluster: Cluster, database_url: str, sql: Sql
) -> None:
    with proxy_to(cluster.port) as proxy:
        api = serve(database_url=proxy.url(database_url))
        api.create("Before")
        proxy.break_at = b"COMMIT"
        assert codes(send(api)) == ["SERVICE_UNAVAILABLE"]
        proxy.break_at = None
        assert len(sql("SELECT FROM hero")) == 1
        first = send(api)
        assert send(api).content == first.content
        assert len(api.heroes()) == 2


@pytest.mark.slow
def test_each_key_is_executed_once_through_kill_9(database_url: str, sql: Sql) -> None:
    """Kill the service during writes; retry each with its key until answered, and once more."""

    def write(api: Client, turn: int) -> bytes | None:
        request = {"query": CREATE, "variables": {"input": {**HERO, "name": f"{turn}"}}}
        with suppress(httpx.TransportError):
            return send(api, request, key=f"{turn}").content
        return None

    answered: dict[int, bytes] = {}
    turns = range(100)
    for enough in (20, 60, None):
        with (
            service(database_url) as running,
            Client(running.url) as api,
            ThreadPoolExecutor(8) as threads,
        ):
            answers = [threads.submit(write, api, turn) for turn in turns]
            if enough is not None:
                wait_until(answers[enough].done)
                running.process.kill()
            for turn, future in enumerate(answers):
                if (answer := future.result()) is not None:
                    assert answered.setdefault(turn, answer) == answer
    assert len(answered) == len(turns)
    assert sorted(int(name) for (name,) in sql("SELECT name FROM hero")) == list(turns)
