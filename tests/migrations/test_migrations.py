"""Databases are created, adopted, upgraded and checked, on each kind of database."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from graph.migrations import HERE
from graph.product import LOCK
from tests.support.client import Client
from tests.support.databases import (
    WAITING,
    Sql,
    on_postgresql,
    on_sqlite,
    slow_on_postgresql,
    transaction,
)
from tests.support.hero_api import MIGRATIONS, REVISIONS
from tests.support.service_process import run, service
from tests.support.waiting import wait_until

KEYS = {"sqlite": "id INTEGER NOT NULL", "postgresql": "id SERIAL NOT NULL"}
"""By database, the key of the FastAPI tutorial's table as SQLModel creates it."""

MADE_BEFOREHAND = {
    "sqlite": "CREATE INDEX ix_hero_name_and_id ON hero (name, id)",
    "postgresql": 'CREATE INDEX CONCURRENTLY ix_hero_name_and_id ON hero (name COLLATE "C", id)',
}
"""One of the keyset indexes, as an operator may create it before the upgrade."""

NEWEST = MIGRATIONS.newest

NEXT = f"{int(NEWEST) + 1:04}"
"""The revision that `db revision` generates for a changed model."""

IMPORT = "import asyncio, sys; from graph.app import app"
START = (
    "runner, lifespan = asyncio.Runner(), app.lifespan(); "
    "runner.run(lifespan.__aenter__()); runner.run(lifespan.__aexit__(None, None, None)); "
    "runner.close()"
)
"""The start of a service, and its end, without its server, in a process."""

FIELD = '    team: str | None = Field(default=None, index=True, description="Its team.")\n'


@pytest.fixture
def tutorial_table(database_url: str, sql: Sql) -> None:
    """Create the tutorial's table, with one hero."""
    key = KEYS[database_url.partition(":")[0]]
    columns = "name VARCHAR NOT NULL, age INTEGER, secret_name VARCHAR NOT NULL"
    sql(f"CREATE TABLE hero ({key}, {columns}, PRIMARY KEY (id))")
    sql("CREATE INDEX ix_hero_name ON hero (name)")
    sql("CREATE INDEX ix_hero_age ON hero (age)")
    sql("INSERT INTO hero (name, age, secret_name) VALUES ('Rusty-Man', 48, 'Tommy Sharp')")


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the test's commands use its database."""
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)


@pytest.fixture
def newer_code(
    tmp_path: Path,
    environment: None,  # noqa: ARG001 (for the commands)
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Makes the commands run a copy of the code whose heroes have a team, with its revision."""
    copy = tmp_path / "newer"
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    shutil.copytree(REVISIONS.parents[1], copy / "graph", ignore=ignored)
    models = copy / "graph" / "hero" / "model.py"
    text, count = re.subn(r"(    secret_name: str = .*\n)", rf"\1{FIELD}", models.read_text())
    assert count == 1
    models.write_text(text)
    monkeypatch.chdir(copy)
    written = run("db", "revision", "-m", "add team")
    assert written.returncode == 0, written.stderr
    assert f"{NEXT}_add_team.py" in written.stdout


def check() -> tuple[int, str]:
    """Exit code and output of `db check`."""
    done = run("db", "check")
    assert len(done.stdout.splitlines()) + len(done.stderr.splitlines()) == 1, done
    return done.returncode, done.stdout + done.stderr


def test_alembic_sees_one_line_of_revisions() -> None:
    script = ScriptDirectory(str(HERE), version_locations=[str(REVISIONS)])
    assert [entry.revision for entry in script.walk_revisions()] == MIGRATIONS.revisions[::-1]
    assert script.get_heads() == [NEWEST]


@pytest.mark.slow
@pytest.mark.usefixtures("environment")
def test_a_new_database_matches_the_models(sql: Sql) -> None:
    made = run("db", "upgrade")
    assert made.returncode == 0, made.stderr
    assert f"revision {NEWEST}" in made.stdout
    sql("CREATE TABLE other (id INTEGER)")
    assert check()[0] == 0
    sql("DROP INDEX ix_hero_age")
    code, says = check()
    assert code == 4
    assert "ix_hero_age" in says


@pytest.mark.slow
@on_sqlite
@pytest.mark.usefixtures("environment")
def test_db_check_creates_no_file(tmp_path: Path) -> None:
    code, says = check()
    assert code == 1
    assert "cannot open" in says
    assert not (tmp_path / "database.db").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("tutorial_table", "environment")
def test_the_tutorials_table_is_adopted(
    database_url: str, sql: Sql, serve: Callable[..., Client]
) -> None:
    identity = (
        "SELECT type, name, sql FROM sqlite_master "
        "WHERE tbl_name = 'hero' AND name NOT LIKE 'hero_graph%'"
        if database_url.startswith("sqlite")
        else "SELECT oid, relname, relfilenode FROM pg_class "
        "WHERE relname LIKE '%hero%' AND relname NOT LIKE 'hero_graph%'"
    )
    sql(MADE_BEFOREHAND[database_url.partition(":")[0]])
    before = set(sql(identity))
    assert len(before) >= 4
    code, says = check()
    assert (code, "no revision" in says) == (3, True)
    if database_url.startswith("postgresql"):
        assert "hero-graph db upgrade" in run("serve").stderr
        assert run("db", "upgrade").returncode == 0
    api = serve()
    rusty = {"id": "1", "name": "Rusty-Man", "age": 48, "secretName": "Tommy Sharp"}
    assert api.heroes() == [rusty]
    assert api.create()["id"] == "2"
    added = set(sql(identity)) ^ before
    assert [row[1] for row in added] == ["ix_hero_age_and_id"]
    assert check()[0] == 0


@slow_on_postgresql
@pytest.mark.usefixtures("tutorial_table", "environment")
def test_an_upgrade_prints_what_it_does() -> None:
    done = run("db", "upgrade")
    assert done.returncode == 0
    before, after = done.stderr.splitlines()
    assert f"from revision 0001 to {NEWEST}, with 1 rows" in before
    assert re.search(f"to revision {NEWEST} in [0-9.]+ seconds", after)


@contextmanager
def upgrading(*options: str) -> Iterator[subprocess.Popen[str]]:
    """A running `db upgrade`."""
    command = [sys.executable, "-m", "graph", "db", "upgrade", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def assert_says(process: subprocess.Popen[str], words: str) -> None:
    """Wait until the process prints this."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it ended without saying {words!r}")


@on_sqlite
@pytest.mark.usefixtures("tutorial_table", "environment")
def test_a_start_waits_for_an_upgrade_by_another_process(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_TIMEOUT", "0.1")
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        with upgrading() as process:
            assert_says(process, "Waiting for another process")
            other.execute("ROLLBACK")
            assert process.wait(60) == 0


@on_postgresql
@pytest.mark.usefixtures("tutorial_table", "environment")
def test_requests_do_not_wait_for_an_upgrade_that_waits(database_url: str, sql: Sql) -> None:
    write = "INSERT INTO hero (name, secret_name) VALUES ('a', 'b')"
    with transaction(database_url, write), upgrading() as process:
        assert_says(process, "Upgrading the database")
        wait_until(lambda: sql(WAITING) != [])
        for _ in range(3):
            with transaction(database_url, f"SET LOCAL lock_timeout = '20s'; {write}", "COMMIT"):
                pass
        assert_says(process, "Waiting for a lock")
    with upgrading() as process:
        assert process.wait(60) == 0
    assert sql("SELECT count(*) FROM hero") == [(4,)]


@on_postgresql
@pytest.mark.usefixtures("tutorial_table", "environment")
def test_upgrades_wait_for_one_another(database_url: str) -> None:
    with (
        transaction(database_url, f"SELECT pg_advisory_xact_lock({LOCK})"),
        upgrading() as process,
    ):
        assert_says(process, "Waiting for a lock")
        assert process.poll() is None


@slow_on_postgresql
@pytest.mark.usefixtures("environment")
def test_another_table_of_this_name_is_refused(sql: Sql) -> None:
    sql("CREATE TABLE hero (id INTEGER, nickname VARCHAR)")
    sql("INSERT INTO hero VALUES (1, 'Rusty')")
    done = run("serve")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no column age, name, secret_name" in done.stderr
    assert sql("SELECT * FROM hero") == [(1, "Rusty")]


@pytest.mark.slow
@pytest.mark.usefixtures("environment")
def test_processes_that_start_at_once_create_the_tables_once(sql: Sql) -> None:
    command = [sys.executable, "-c", f"{IMPORT}; print(flush=True); input(); {START}"]
    pipe = subprocess.PIPE
    machines = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)
    ]
    try:
        for machine in machines:
            assert machine.stdout is not None
            machine.stdout.readline()  # the imports are done
        for machine in machines:
            assert machine.stdin is not None
            machine.stdin.write("\n")
            machine.stdin.flush()
        for machine in machines:
            _, says = machine.communicate(timeout=60)
            assert (machine.returncode, says) == (0, "")
    finally:
        for machine in machines:
            machine.kill()
    assert sql("SELECT version_num FROM hero_graph_version") == [(NEWEST,)]


@slow_on_postgresql
@pytest.mark.usefixtures("api", "environment")
def test_a_database_at_the_newest_revision_needs_no_alembic() -> None:
    command = [sys.executable, "-c", f"{IMPORT}; {START}; sys.exit('alembic' in sys.modules)"]
    subprocess.run(command, check=True, timeout=60)


@pytest.mark.slow
@on_sqlite
@pytest.mark.usefixtures("newer_code")
def test_an_older_sqlite_database_is_upgraded_by_serve(api: Client, database_url: str) -> None:
    old = api.create()
    assert check()[0] == 3
    with service(database_url) as newer:
        use_team(Client(newer.url), old)
    assert check()[0] == 0
    assert len(api.heroes()) == 2


@pytest.mark.slow
@on_postgresql
@pytest.mark.usefixtures("newer_code")
@pytest.mark.parametrize("how", ["db upgrade", "serve --upgrade"])
def test_an_older_postgresql_database_is_upgraded_when_told_to(
    api: Client, database_url: str, how: str
) -> None:
    old = api.create()
    refused = run("serve")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "hero-graph db upgrade" in refused.stderr
    assert "serve --upgrade" in refused.stderr
    if how == "db upgrade":
        assert run("db", "upgrade").returncode == 0
    with service(database_url, *how.split()[1:] * (how != "db upgrade")) as newer:
        use_team(Client(newer.url), old)
    assert len(api.heroes()) == 2


def use_team(newer: Client, old: dict[str, object]) -> None:
    """Write and read the field that only the newer code has."""
    with newer.http:
        assert newer.data("{ heroes { id team } }") == {"heroes": [{"id": old["id"], "team": None}]}
        create = "mutation($input: CreateHeroInput!) { createHero(input: $input) { team } }"
        hero = {"name": "Spider-Boy", "secretName": "Pedro Parqueador", "team": "Preventers"}
        assert newer.data(create, input=hero) == {"createHero": {"team": "Preventers"}}


@pytest.mark.slow
@pytest.mark.usefixtures("newer_code")
def test_older_code_goes_on_with_a_newer_database(
    serve: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    assert run("db", "upgrade").returncode == 0
    api = serve()
    assert [api.create()] == api.heroes()
    assert f"revision {NEXT}" in caplog.text
