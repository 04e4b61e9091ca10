"""Exit codes and output of `hero-graph`, run as a process."""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.prepared_database import set_up
from tests.support.service_process import run


def assert_one_line(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """Check that a command failed with one line that contains these words."""
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for words in says:
        assert words in done.stderr


def test_serve_prints_its_urls_and_its_database(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "graph", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert lines[0].startswith("API       http://127.0.0.1:")
    assert "/graphql" in lines[1]
    assert str(tmp_path / "database.db") in lines[2]
    assert "hero-graph seed" in lines[3]


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_one_line(run("serve", "--port", port), f"127.0.0.1:{port}", "in use")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "seed"])
def test_a_database_that_cannot_be_opened_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", f"sqlite:///{tmp_path}/no/such/place.db")
    assert_one_line(run(command), "no/such/place.db")
    other = tmp_path / "text.db"
    other.write_text("This is no database, though it is long enough to be taken for one." * 99)
    monkeypatch.setenv("GRAPH_DATABASE_URL", f"sqlite:///{other}")
    assert_one_line(run(command), str(other), "not a database")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRAPH_MAX_TOKENS", "many"),
        pytest.param("GRAPH_MAX_TOKENS", "0", marks=pytest.mark.slow),
        pytest.param("GRAPH_DATABASE_URL", "no url", marks=pytest.mark.slow),
        pytest.param("GRAPH_DATABASE_URL", "sqlite:///a?b.db", marks=pytest.mark.slow),
        pytest.param("GRAPH_DATABASE_URL", "oracle://there", marks=pytest.mark.slow),
        pytest.param("GRAPH_SQLITE_SYNCHRONOUS", "OFF", marks=pytest.mark.slow),
    ],
)
def test_a_bad_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert_one_line(run("serve"), name)


@on_sqlite
def test_seed_fills_the_table_with_believable_heroes(
    serve: Callable[..., Client], tmp_path: Path
) -> None:
    done = run("seed", "--count", "12345")
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "database.db")) as connection:
        count, names, oldest, unknown = connection.execute(
            "SELECT count(*), count(DISTINCT name), max(age), sum(age IS NULL) FROM hero"
        ).fetchone()
        assert count == 12_345
        assert names > 100
        assert oldest <= 90
        assert 0 < unknown < count
    assert len(serve().heroes(offset=12_300)) == 45


def test_seed_stops_at_a_unique_constraint(tmp_path: Path) -> None:
    set_up(f"sqlite:///{tmp_path}/database.db")
    with closing(sqlite3.connect(tmp_path / "database.db")) as connection:
        connection.execute("CREATE UNIQUE INDEX one_of_each ON hero (name)")
    done = run("seed", "--count", "20000")
    assert_one_line(done, "0 rows were added", "must be unique")


@pytest.mark.parametrize("command", ["seed", "serve"])
def test_a_locked_database_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    set_up(f"sqlite:///{tmp_path}/database.db")
    monkeypatch.setenv("GRAPH_DATABASE_TIMEOUT", "0.1")
    with closing(sqlite3.connect(tmp_path / "database.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        assert_one_line(run(command), "locked")


@pytest.mark.slow
def test_schema_prints_the_snapshot() -> None:
    snapshot = Path(__file__).parents[2] / "schema.graphql"
    assert run("schema").stdout.encode() == snapshot.read_bytes()
    assert run("schema", "--check", str(snapshot)).returncode == 0


@pytest.mark.slow
def test_schema_check_names_what_breaks_clients(tmp_path: Path) -> None:
    changed = tmp_path / "schema.graphql"
    committed = run("schema").stdout
    changed.write_text(committed.replace("secretName: String!\n}", "alias: String!\n}"))
    done = run("schema", "--check", str(changed))
    assert done.returncode == 1
    assert "-  alias: String!" in done.stdout
    assert "+  secretName: String!" in done.stdout
    assert "Hero.alias was removed" in done.stdout
    assert "hero-graph schema >" in done.stderr
    missing = run("schema", "--check", str(tmp_path / "none.graphql"))
    assert "none.graphql" in missing.stderr
    assert missing.returncode != 0


@pytest.mark.slow
def test_the_module_and_the_script_are_the_same() -> None:
    script = Path(sys.executable).with_name("hero-graph")
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    assert "serve" in shown
    assert "seed" in shown
