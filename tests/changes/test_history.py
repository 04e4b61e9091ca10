"""When changes are no longer known, the cursor has expired: nothing is left out in silence."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from graph.database import changes
from tests.support.client import Client
from tests.support.cluster import Cluster
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.follower import cursor_of, following, told
from tests.support.service_process import environment, run
from tests.support.waiting import wait_until

Serve = Callable[..., Client]

EXPIRED = ["CURSOR_EXPIRED"]

LOG = "hero_graph_hero_change"

AN_HOUR_LATER = "UPDATE hero_graph_hero_change SET at = at - 3700 * 1000"

END_OTHERS = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""

SETTLED = """SELECT 1 WHERE CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)
> (SELECT max(transaction) FROM hero_graph_hero_change)"""

COUNT = "SELECT count(*) FROM hero_graph_hero_change"

MANY = f"INSERT INTO hero (name, secret_name) VALUES {', '.join(['(1, 2)'] * 600)}"  # noqa: S608 (numbers)


@pytest.fixture(autouse=True)
def _searched_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for old changes when a service starts."""
    monkeypatch.setattr(changes, "DELAY", 0.0)


def is_served(api: Client, cursor: str) -> bool:
    """Whether the changes after a cursor are known; if not, it has expired."""
    with following(api, cursor) as follower:
        result = follower.result()
    codes = [error["extensions"]["code"] for error in result.get("errors", [])]
    assert codes in ([], EXPIRED)
    return not codes


def settled_cursor(api: Client, sql: Sql, database_url: str) -> str:
    """A cursor of now, when no transaction runs that is older than a change.

    Other tests use the same server. A cursor expires when changes are deleted that are later than a
    transaction which ran at its time, as this one could have written changes, too.
    """
    if database_url.startswith("postgresql"):
        wait_until(lambda: sql(SETTLED))
    return cursor_of(api)


def drop_trigger(sql: Sql, database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    sql(f"DROP TRIGGER {LOG}_created" if is_sqlite else f'DROP TRIGGER "!{LOG}" ON hero')


def test_a_log_that_is_not_written_any_more_is_noticed(
    serve: Serve, sql: Sql, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = serve()
    cursor = cursor_of(api)
    assert api.http.get("/ready").status_code == 200
    for name, value in environment({"database_url": database_url}).items():
        monkeypatch.setenv(name, value)
    assert run("db", "check").returncode == 0
    drop_trigger(sql, database_url)
    assert api.http.get("/ready").status_code == 503
    checked = run("db", "check")
    assert checked.returncode == 4
    assert "the triggers that log the changes of hero are missing" in checked.stderr
    api.create("Unseen")
    again = serve()
    assert again.http.get("/ready").status_code == 200
    assert not is_served(again, cursor)
    with following(again) as follower:
        follower.event()
        again.create("Seen")
        assert told(follower.changes(1)) == [("CREATED", None, "Seen")]


def test_a_log_goes_on_after_a_start(serve: Serve) -> None:
    api = serve()
    cursor = cursor_of(api)
    api.create("First")
    with following(serve(changes_rows=5), cursor) as follower:
        assert told(follower.rest()) == [("CREATED", None, "First")]


@on_postgresql
def test_another_type_of_a_column_ends_the_history(serve: Serve, sql: Sql) -> None:
    cursor = cursor_of(serve())
    sql("ALTER TABLE hero ALTER COLUMN age TYPE bigint")
    api = serve()
    assert not is_served(api, cursor)
    cursor = cursor_of(api)
    sql("INSERT INTO hero (name, age, secret_name) VALUES ('Old', 5000000000, 's')")
    with following(api, cursor) as follower:
        assert follower.result()["errors"][0]["path"] == ["heroChanges", "changes", 0, "new", "age"]


def test_only_the_newest_changes_are_kept(serve: Serve, sql: Sql, database_url: str) -> None:
    api = serve(changes_rows=10)
    cursor = cursor_of(api)
    for _ in range(2):
        sql(MANY)
    newest = settled_cursor(api, sql, database_url)
    again = serve(changes_rows=10)
    wait_until(lambda: not is_served(again, cursor))
    assert is_served(again, newest)
    wait_until(lambda: sql(COUNT)[0][0] < 300)


def test_changes_are_forgotten_after_some_hours(serve: Serve, sql: Sql, database_url: str) -> None:
    api = serve(changes_hours=1)
    cursor = cursor_of(api)
    sql(MANY)
    sql(AN_HOUR_LATER)
    sql(MANY)
    middle = settled_cursor(api, sql, database_url)
    sql("DELETE FROM hero WHERE id > 1198")
    assert is_served(api, cursor)
    again = serve(changes_hours=1)
    wait_until(lambda: not is_served(again, cursor))
    with following(again, middle) as follower:
        assert len(follower.rest()) == 2


def test_the_newest_change_is_never_forgotten(serve: Serve, sql: Sql, database_url: str) -> None:
    api = serve(changes_hours=1)
    sql(MANY)
    sql(AN_HOUR_LATER)
    cursor = settled_cursor(api, sql, database_url)
    old = sql(COUNT)
    again = serve(changes_hours=1)
    wait_until(lambda: sql(COUNT) < old)
    api.create("Later")
    with following(again, cursor) as follower:
        assert told(follower.rest()) == [("CREATED", None, "Later")]


@on_sqlite
def test_a_restored_backup_has_another_history(api: Client, tmp_path: Path) -> None:
    file = tmp_path / "database.db"
    api.create("Old")
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    old = cursor_of(api)
    api.create("Lost")
    new = cursor_of(api)
    with following(api, new) as follower:
        follower.event()
        backup.replace(file)
        wait_until(lambda: len(api.heroes()) == 1)
        assert follower.codes() == EXPIRED
    api.create("Another")
    assert not is_served(api, new)
    with following(api, old) as follower:  # it is of the same history
        assert told(follower.rest()) == [("CREATED", None, "Another")]


@on_sqlite
def test_another_file_has_another_history(serve: Serve, tmp_path: Path) -> None:
    api = serve()
    api.create()
    cursor = cursor_of(api)
    other = tmp_path / "other.db"
    copyfile(tmp_path / "database.db", other)
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("UPDATE hero_graph_hero_change SET nonce = randomblob(8)")
    assert not is_served(serve(database_url=f"sqlite:///{other}"), cursor)


@on_postgresql
def test_a_copy_of_a_database_has_another_history(serve: Serve, cluster: Cluster, sql: Sql) -> None:
    api = serve()
    api.create()
    cursor = cursor_of(api)
    ((name,),) = sql("SELECT current_database()")
    sql(END_OTHERS)
    cluster.sql(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    copy = serve(database_url=cluster.url(f"{name}_copy"))
    assert len(copy.heroes()) == 1
    assert not is_served(copy, cursor)
    assert is_served(api, cursor)
    copy.http.close()
