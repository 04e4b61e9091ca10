"""A running service when SQLite's file is deleted or replaced."""

import sqlite3
from pathlib import Path
from shutil import copyfile

import pytest

from tests.support.availability import HERO, READ, UNAVAILABLE, assert_works, ready
from tests.support.client import CREATE, Client
from tests.support.databases import on_sqlite
from tests.support.service_process import service, workers
from tests.support.sqlite_file import count_open, fill_and_back_up, names
from tests.support.waiting import wait_until

pytestmark = on_sqlite


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


def served(api: Client) -> list[str]:
    """The names that the service reads."""
    return [hero["name"] for hero in api.heroes()]


def test_a_deleted_file_is_not_recreated(api: Client, database_file: Path) -> None:
    api.create()
    away = database_file.with_suffix(".away")
    database_file.rename(away)
    assert api.codes(CREATE, input=HERO) == UNAVAILABLE
    assert api.codes(READ) == UNAVAILABLE
    assert not ready(api)
    assert not database_file.exists()
    away.rename(database_file)
    assert_works(api)


def test_a_replaced_file_is_served(api: Client, database_file: Path) -> None:
    api.create("Old")
    assert served(api) == ["Old"]
    with sqlite3.connect(database_file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    other = database_file.with_suffix(".new")
    copyfile(database_file, other)
    with sqlite3.connect(other) as connection:
        connection.execute("UPDATE hero SET name = 'New'")
    connection.close()
    other.replace(database_file)
    wait_until(lambda: served(api) == ["New"])
    assert_works(api)
    with sqlite3.connect(database_file) as connection:
        assert connection.execute("SELECT count(*) FROM hero").fetchone() == (2,)
    connection.close()


def test_a_backup_is_served_without_the_former_log(api: Client, database_file: Path) -> None:
    backup, old = fill_and_back_up(api, database_file)
    backup.replace(database_file)
    wait_until(lambda: served(api) == ["Backed up"] * 5)
    assert_works(api)
    assert names(database_file) == ["Backed up"] * 5 + ["Back again"]
    assert names(old) == ["Backed up"] * 5 + ["Too late"] * 30


@pytest.mark.slow
def test_a_backup_is_served_by_every_worker(database_url: str, database_file: Path) -> None:
    with service(database_url, "--workers", "2") as running:
        wait_until(lambda: len(workers(running)) == 2)
        wait_until(lambda: all(count_open(database_file, pid) for pid in workers(running)))
        with Client(running.url) as api:
            backup, old = fill_and_back_up(api, database_file)
        backup.replace(database_file)

        def is_served_by_all() -> bool:
            with Client(running.url) as api:
                served(api)
            former = Path(f"{database_file} (deleted)")
            return not any(count_open(former, pid) for pid in workers(running))

        wait_until(is_served_by_all)
        for turn in range(20):  # any worker may accept the connection
            with Client(running.url) as api:
                assert served(api) == ["Backed up"] * 5 + ["Back again"] * turn
                assert_works(api)
    assert names(database_file) == ["Backed up"] * 5 + ["Back again"] * 20
    assert names(old) == ["Backed up"] * 5 + ["Too late"] * 30


def test_a_service_that_stops_does_not_apply_its_log_to_a_new_file(
    database_url: str, database_file: Path
) -> None:
    with service(database_url) as (url, process), Client(url) as api:
        backup, old = fill_and_back_up(api, database_file)
        backup.replace(database_file)
        process.terminate()
        process.wait(30)
    assert names(database_file) == ["Backed up"] * 5
    assert names(old) == ["Backed up"] * 5 + ["Too late"] * 30


def test_the_log_of_a_deleted_file_is_not_applied_to_the_next(
    api: Client, database_file: Path
) -> None:
    backup, _ = fill_and_back_up(api, database_file)
    database_file.unlink()
    wait_until(lambda: "errors" in api.execute(READ))
    backup.replace(database_file)
    assert served(api) == ["Backed up"] * 5
    assert_works(api)


def test_writes_to_the_new_file_can_be_read_at_once(api: Client, database_file: Path) -> None:
    backup, _ = fill_and_back_up(api, database_file)
    assert len(served(api)) == 35
    backup.replace(database_file)
    api.create("Stored")
    assert served(api) == ["Backed up"] * 5 + ["Stored"]
