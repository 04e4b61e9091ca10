"""A running service when SQLite's file is locked, damaged, full or read-only."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile

import pytest

from tests.support.availability import HERO, READ, UNAVAILABLE, assert_works, ready
from tests.support.client import CREATE, Client
from tests.support.components import require
from tests.support.databases import on_sqlite
from tests.support.prepared_database import set_up
from tests.support.service_process import run, service
from tests.support.waiting import wait_until

pytestmark = on_sqlite


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


@contextmanager
def write_lock(file: Path) -> Iterator[None]:
    """Hold the write lock, as another process does."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_held_write_lock_stops_only_writes(
    serve: Callable[..., Client], database_file: Path
) -> None:
    api = serve(database_timeout=0.3)
    api.create("Before")
    with write_lock(database_file), ThreadPoolExecutor() as threads:
        write = threads.submit(api.codes, CREATE, input=HERO)
        reads = 0
        while not write.done():  # if the loop were blocked, the first read would take all the time
            assert [hero["name"] for hero in api.heroes()] == ["Before"]
            reads += 1
        assert write.result() == UNAVAILABLE
        assert reads > 1
        assert ready(api)
    assert_works(api)


def test_a_write_waits_for_the_lock(serve: Callable[..., Client], database_file: Path) -> None:
    api = serve(database_timeout=60)
    with ThreadPoolExecutor() as threads:
        with write_lock(database_file):
            writes = [threads.submit(api.create) for _ in range(3)]
            assert api.heroes() == []
            assert not any(write.done() for write in writes)
        names = [write.result()["name"] for write in writes]
    assert names == ["Deadpond"] * 3
    assert len(api.heroes()) == 3


def test_a_missing_table_is_an_error_of_the_service(
    api: Client, database_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connection = sqlite3.connect(database_file, isolation_level=None)
    connection.execute("ALTER TABLE hero RENAME TO elsewhere")
    for query, variables in ((READ, {}), (CREATE, {"input": HERO})):
        error = api.execute(query, **variables)["errors"][0]
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "hero" not in error["message"]
        assert error["extensions"]["errorId"] in caplog.text
    assert not ready(api)
    connection.execute("ALTER TABLE elsewhere RENAME TO hero")
    connection.close()
    assert_works(api)


def test_a_file_that_is_no_database_makes_the_service_unavailable(
    api: Client, database_file: Path
) -> None:
    good = database_file.with_suffix(".good")
    api.create()
    with sqlite3.connect(database_file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    copyfile(database_file, good)
    bad = database_file.with_suffix(".bad")
    bad.write_bytes(b"no database" * 1000)
    bad.replace(database_file)
    assert api.codes(CREATE, input=HERO) == UNAVAILABLE
    assert api.codes(READ) == UNAVAILABLE
    assert not ready(api)
    good.replace(database_file)
    assert_works(api)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    require(subprocess.run(mount, check=False).returncode == 0, "root may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_only_writes(small_disk: Path) -> None:
    with service(f"sqlite:///{small_disk / 'database.db'}") as (url, _), Client(url) as api:
        acknowledged = 0
        while "errors" not in api.execute(CREATE, input={**HERO, "name": "x" * 200}):
            acknowledged += 1
            assert acknowledged < 5_000
        assert api.codes(CREATE, input={**HERO, "name": "x" * 200}) == UNAVAILABLE
        assert len(api.heroes()) == min(acknowledged, 100)
        assert not ready(api)
        subprocess.run(["mount", "-o", "remount,size=6m", str(small_disk)], check=True)
        assert ready(api)
        assert_works(api)
        assert len(api.heroes(offset=acknowledged)) == 1


def test_a_file_that_may_not_grow_stops_only_writes(database_url: str, database_file: Path) -> None:
    with service(database_url) as (url, process), Client(url) as api:
        limit = database_file.stat().st_size + 100_000
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        acknowledged = tries = 0
        while ready(api):  # a full log begins again as long as the file may grow
            tries += 1
            assert tries < 3_000
            body = api.execute(CREATE, input={**HERO, "name": "x" * 200})
            if "errors" in body:
                assert [error["extensions"]["code"] for error in body["errors"]] == UNAVAILABLE
            else:
                acknowledged += 1
        assert api.codes(CREATE, input=HERO) == UNAVAILABLE
        assert api.heroes() != []
        limit = resource.RLIM_INFINITY
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        assert ready(api)
        assert_works(api)
        assert len(api.heroes(offset=acknowledged)) == 1


@pytest.fixture
def without_privileges() -> Sequence[str]:
    """Command prefix that drops root's right to write any file."""
    if os.geteuid() != 0:
        return []
    require(shutil.which("setpriv") is not None, "setpriv, from util-linux, is not installed")
    capabilities = "-dac_override,-dac_read_search,-fowner"
    return ["setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities]


def test_a_read_only_file_stops_only_writes(
    database_url: str, database_file: Path, without_privileges: Sequence[str]
) -> None:
    with service(database_url, prefix=without_privileges) as (url, _), Client(url) as api:
        api.create()
    database_file.chmod(0o444)
    with service(database_url, prefix=without_privileges) as (url, _), Client(url) as api:
        assert len(api.heroes()) == 1
        assert api.codes(CREATE, input=HERO) == UNAVAILABLE
        assert not ready(api)
        assert len(api.heroes()) == 1
        database_file.chmod(0o644)
        assert ready(api)
        assert_works(api)


@pytest.mark.parametrize("command", [("db", "check"), ("db", "upgrade"), ("seed", "--count", "1")])
def test_a_folder_that_is_read_only(
    database_url: str,
    database_file: Path,
    without_privileges: Sequence[str],
    command: Sequence[str],
) -> None:
    set_up(database_url)
    database_file.chmod(0o444)
    database_file.parent.chmod(0o555)
    try:
        done = run(*command, prefix=without_privileges)
    finally:
        database_file.parent.chmod(0o755)
    assert done.returncode == 1
    *_, line = done.stderr.splitlines()
    folder = f"{database_file.parent} is not writable"
    assert line.endswith(f"SQLite needs to create files beside it, and {folder}")


@pytest.mark.parametrize(
    "made_by", [pytest.param("the tutorial", marks=pytest.mark.slow), "this service"]
)
def test_a_file_of_another_user_is_read(
    database_url: str, database_file: Path, without_privileges: Sequence[str], made_by: str
) -> None:
    require(os.geteuid() == 0, "only root may give a file away")
    adopted = made_by == "the tutorial"
    if not adopted:
        set_up(database_url)
    with closing(sqlite3.connect(database_file)) as connection, connection:
        if adopted:
            columns = "name VARCHAR NOT NULL, age INTEGER, secret_name VARCHAR NOT NULL"
            connection.execute(f"CREATE TABLE hero (id INTEGER PRIMARY KEY, {columns})")
        connection.execute("INSERT INTO hero VALUES (1, 'Rusty-Man', 48, 'Tommy Sharp')")
    os.chown(database_file, 1, 1)
    if adopted:
        database_file.parent.chmod(0o755)
        os.chown(database_file.parent, 1, 1)
    with service(database_url, prefix=without_privileges) as (url, _), Client(url) as api:
        assert [hero["name"] for hero in api.heroes()] == ["Rusty-Man"]
        assert api.codes(CREATE, input=HERO) == UNAVAILABLE
        assert [hero["name"] for hero in api.heroes()] == ["Rusty-Man"]


def test_readiness_does_not_wait_as_long_as_a_request_may(
    serve: Callable[..., Client], database_file: Path
) -> None:
    api = serve(database_timeout=60)
    away = database_file.with_suffix(".away")
    database_file.rename(away)
    wait_until(lambda: not ready(api))
    away.rename(database_file)
    with write_lock(database_file):
        assert not ready(api)
    assert_works(api)
