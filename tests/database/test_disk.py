"""Failing and slow syncs of SQLite's write-ahead log."""

import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from graph.database.sqlite.write_ahead_log import LOG_LIMIT
from tests.support.client import CREATE, Client
from tests.support.databases import Sql, on_sqlite
from tests.support.faulty_disk import ALL, Disk
from tests.support.service_process import service
from tests.support.waiting import wait_until

pytestmark = on_sqlite


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def outcome(api: Client, name: str) -> str:
    """Create a hero; returns "stored" or the error's message."""
    body = api.execute(CREATE, input={"name": name, "secretName": "Dive Wilson"})
    if "errors" not in body:
        return "stored"
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    return str(error["message"])


def test_a_commit_whose_sync_failed_is_stored_or_not_as_answered(
    database_url: str, sql: Sql, disk: Disk
) -> None:
    with service(database_url, prefix=disk.prefix) as (url, process), Client(url) as api:

        def write(writer: int) -> dict[str, str]:
            outcomes = {}
            for turn in range(20):
                if turn % 5 == writer:
                    disk.fail(1)
                outcomes[f"{writer} {turn}"] = outcome(api, f"{writer} {turn}")
            return outcomes

        with ThreadPoolExecutor() as threads:
            outcomes = {k: v for some in threads.map(write, range(4)) for k, v in some.items()}
        disk.fail(1)
        outcomes["last"] = outcome(api, "last")
        process.kill()  # opening the file now recovers all complete commits of the log
        process.wait()
    stored = {str(name) for (name,) in sql("SELECT name FROM hero")}
    assert "Try again" in outcomes["last"]
    for name, said in outcomes.items():
        if "not known" not in said:
            assert (name in stored) == (said == "stored"), (name, said)


def test_a_commit_whose_syncs_keep_failing_has_an_unknown_outcome(
    database_url: str, disk: Disk
) -> None:
    with service(database_url, prefix=disk.prefix) as (url, _), Client(url) as api:
        disk.fail(ALL)
        assert "not known" in outcome(api, "One")
        assert "not known" in outcome(api, "Two")
        disk.fail(0)
        wait_until(lambda: api.http.get("/ready").is_success)
        assert outcome(api, "Three") == "stored"
        assert "Three" in {hero["name"] for hero in api.heroes()}


@pytest.mark.slow
def test_a_slow_disk_holds_up_no_reads(database_url: str, disk: Disk) -> None:
    with (
        service(database_url, prefix=disk.prefix) as (url, _),
        Client(url) as api,
        Client(url) as reader,
        ThreadPoolExecutor() as threads,
    ):
        disk.slow_down(1)
        api.create()
        api.create()  # these show that the disk is slow
        syncs = disk.syncs
        write = threads.submit(api.create)
        wait_until(lambda: disk.syncs > syncs)
        reads = 0
        while not write.done():  # if the loop were blocked, the first read would take all the time
            assert len(reader.heroes()) >= 2
            reads += 1
        assert reads > 2


@pytest.mark.slow
def test_the_grace_time_ends_before_a_commit_does(database_url: str, disk: Disk) -> None:
    settings = {"database_timeout": 1, "shutdown_timeout": 1}
    with (
        service(database_url, prefix=disk.prefix, **settings) as (url, process),
        Client(url) as api,
        ThreadPoolExecutor() as threads,
    ):
        disk.slow_down(0.05)
        for _ in range(3):
            api.create()
        disk.slow_down(30)
        syncs = disk.syncs
        write = threads.submit(outcome, api, "Late")
        wait_until(lambda: disk.syncs > syncs)
        process.terminate()
        assert "not known" in write.result()
        assert process.wait(20) == -signal.SIGTERM


@pytest.mark.slow
def test_the_log_is_bounded_during_writes(
    database_url: str, database_file: Path, disk: Disk
) -> None:
    """Without a bound, writes during a checkpoint would keep it from ending."""
    log = database_file.with_name("database.db-wal")
    with (
        service(database_url, prefix=disk.prefix) as (url, _),
        Client(url) as api,
        ThreadPoolExecutor() as threads,
        closing(sqlite3.connect(database_file, timeout=30, isolation_level=None)) as other,
    ):
        api.create()
        other.execute("CREATE TABLE other (content BLOB)")
        other.execute("PRAGMA synchronous = OFF")
        other.execute("PRAGMA wal_autocheckpoint = 0")
        disk.slow_down(0.01)
        enough = Event()

        def write() -> None:
            while not enough.is_set():
                api.create()

        def grow() -> int:
            syncs = disk.syncs
            other.execute("INSERT INTO other VALUES (zeroblob(1000000))")
            other.execute("DELETE FROM other")
            wait_until(lambda: disk.syncs > syncs)
            return log.stat().st_size

        writer = threads.submit(write)
        try:
            for _ in range(5):
                wait_until(lambda: grow() > LOG_LIMIT)
                # One checkpoint may fail as the other program writes just then, but not each.
                assert any(grow() <= LOG_LIMIT for _ in range(50))
        finally:
            enough.set()
        writer.result()
