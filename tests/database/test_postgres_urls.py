"""PostgreSQL URLs as libpq has them; one that does not work is explained in one line."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from graph.database import open_database
from graph.database.base import DatabaseError
from graph.database.postgres.database import PostgresDatabase
from graph.hero.model import HERO
from graph.settings import Settings
from tests.support.cluster import Cluster, free_port, running_cluster, unprivileged
from tests.support.components import require
from tests.support.hero_api import MIGRATIONS

PASSWORD = "p@ss:w/rd?#%[ü] +"  # noqa: S105 (of a cluster that is thrown away)
CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hero "
    "-addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.crt"
)
VERIFIED = "postgresql://hero@127.0.0.1:{port}/heroes?sslrootcert={certificate}&sslmode="

NO_SSL = "PostgreSQL's server was built without SSL"

ENCODED = "p%40ss%3Aw%2Frd%3F%23%25%5B%C3%BC%5D%20%2B"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server with a certificate, and a user `locked` with a password."""
    with running_cluster() as cluster:
        data = cluster.directory / "data"
        require(which("openssl") is not None, "openssl is not installed")
        subprocess.run(
            CERTIFICATE.split(),
            check=True,
            cwd=data,
            stderr=subprocess.DEVNULL,
            **unprivileged(),
        )
        hba = data / "pg_hba.conf"
        hba.write_text(f"host all locked 127.0.0.1/32 scram-sha-256\n{hba.read_text()}")
        cluster.sql(f"CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        cluster.sql("CREATE DATABASE heroes")
        if cluster.has_ssl:
            cluster.sql("ALTER SYSTEM SET ssl = on")
        cluster.sql("SELECT pg_reload_conf()")
        yield cluster


def filled(cluster: Cluster, url: str) -> str:
    """The URL with the cluster's values filled in."""
    return url.format(
        port=cluster.port,
        directory=cluster.directory,
        encoded=ENCODED,
        certificate=cluster.directory / "data/server.crt",
        free_port=free_port(),
    )


async def use(url: str) -> tuple[str, bool]:
    """Prepare the database; returns its name, and whether the connection is encrypted."""
    database = open_database(Settings(database_url=url))
    assert isinstance(database, PostgresDatabase)
    try:
        await MIGRATIONS.prepare(database)
        assert await database.is_empty(HERO)
        asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        pooled, encrypted = await database.transactions.acquire_and_run(
            lambda pooled: pooled.raw.fetchval(asked)
        )
        database.transactions.pool.release(pooled)
        return database.name, encrypted
    finally:
        await database.dispose()


@pytest.mark.parametrize(
    ("url", "encrypted"),
    [
        ("postgresql://hero@127.0.0.1:{port}/heroes", True),
        ("postgres://hero@127.0.0.1:{port}/heroes", True),
        ("postgresql+asyncpg://hero@127.0.0.1:{port}/heroes", True),
        ("postgresql://hero@/heroes?host={directory}&port={port}", False),
        ("postgresql:///heroes?host={directory}&port={port}&user=hero", False),
        ("postgresql://locked:{encoded}@127.0.0.1:{port}/heroes", True),
        ("postgresql://127.0.0.1:{port}/heroes?user=locked&password={encoded}", True),
        ("postgresql://hero@127.0.0.1:{port}/heroes?application_name=my%20heroes", True),
        ("postgresql://hero@127.0.0.1:{port}/heroes?options=-c%20work_mem%3D8MB", True),
        ("postgresql://hero@127.0.0.1:{free_port},127.0.0.1:{port}/heroes", True),
        ("postgresql://hero@127.0.0.1:{port}/heroes?sslmode=disable", False),
        ("postgresql://hero@127.0.0.1:{port}/heroes?sslmode=allow", False),
        ("postgresql://hero@127.0.0.1:{port}/heroes?sslmode=prefer", True),
        ("postgresql://hero@127.0.0.1:{port}/heroes?sslmode=require", True),
        (f"{VERIFIED}verify-ca", True),
        (f"{VERIFIED}verify-full", True),
    ],
)
def test_a_url_that_works(cluster: Cluster, url: str, encrypted: bool) -> None:  # noqa: FBT001 (of a table)
    if "sslmode=require" in url or url.startswith(VERIFIED):
        require(cluster.has_ssl, NO_SSL)
    name, is_encrypted = asyncio.run(use(filled(cluster, url)))
    assert name.startswith("postgresql://")
    assert name.endswith("/heroes")
    assert ENCODED not in name
    assert is_encrypted == (encrypted and cluster.has_ssl)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://hero@127.0.0.1:{free_port}/heroes", "127.0.0.1"),
        ("postgresql://hero@127.0.0.1:{port}/nothing?sslmode=disable", "nothing"),
        ("postgresql://nobody@127.0.0.1:{port}/heroes?sslmode=disable", "nobody"),
        ("postgresql://locked:secret-word@127.0.0.1:{port}/heroes?sslmode=disable", "password"),
        ("postgresql://hero:secret-word@127.0.0.1:{port}/heroes?pgbouncer=true", "pgbouncer"),
        ("postgresql://hero:secret-word@127.0.0.1:{port}/heroes?sslmode=maybe", "sslmode"),
        ("postgresql://hero@127.0.0.1:{port}/heroes?target_session_attrs=best", "prefer-standby"),
        ("postgresql://hero:secret-word@localhost:{port}/heroes?sslmode=verify-full", "root.crt"),
        (f"{VERIFIED.replace('127.0.0.1', 'localhost')}verify-full", "localhost"),
        ("postgresql://hero:secret@word@127.0.0.1:{port}/heroes", "percent-encoded"),
        ("postgresql://hero:secret-word/@127.0.0.1:{port}/heroes", "percent-encoded"),
        ("postgresql://hero:secret-word#@127.0.0.1:{port}/heroes", "percent-encoded"),
        ("postgresql://hero:secret-word?@127.0.0.1:{port}/heroes", "percent-encoded"),
        ("postgresql://hero:secret-word[@127.0.0.1:{port}/heroes", "percent-encoded"),
        ("postgresql://hero:secret-word@127.0.0.1:port/heroes", "port"),
        ("postgresql://hero:secret-word@127.0.0.1:{port}/heroes?sslmode", "GRAPH_DATABASE_URL"),
    ],
)
def test_a_url_that_does_not_work_is_one_line(
    cluster: Cluster, url: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if says == "localhost":
        require(cluster.has_ssl, NO_SSL)
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(DatabaseError) as raised:
        asyncio.run(use(filled(cluster, url)))
    line = str(raised.value)
    assert says in line
    assert "secret" not in line
    assert "\n" not in line


def test_each_host_has_its_own_password(cluster: Cluster, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    other = free_port()
    passwords.touch(0o600)
    passwords.write_text(f"*:{other}:*:*:another\n*:{cluster.port}:*:*:plain\n")
    cluster.sql("ALTER ROLE locked PASSWORD 'plain'")
    hosts = f"127.0.0.1:{other},127.0.0.1:{cluster.port}"
    try:
        asyncio.run(use(f"postgresql://locked@{hosts}/heroes?passfile={passwords}"))
    finally:
        cluster.sql(f"ALTER ROLE locked PASSWORD '{PASSWORD}'")


def test_without_asyncpg_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", "postgresql://hero@127.0.0.1/heroes")
    hidden = "import sys; sys.modules['asyncpg'] = None; from graph.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "serve"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "hero-graph: PostgreSQL needs asyncpg: pip install '.[postgres]'\n"


def test_a_server_that_does_not_answer_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://hero@127.0.0.1:{silent.getsockname()[1]}/heroes"
        database = open_database(Settings(database_url=url, database_timeout=0.2))
        with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:\d+/heroes: no answer in time"):
            asyncio.run(MIGRATIONS.prepare(database))


def test_a_url_needs_a_user_if_the_process_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 61234")

    monkeypatch.setattr("graph.database.postgres.connect.getuser", nobody)
    monkeypatch.delenv("PGUSER", raising=False)
    for url in ("postgresql://host/heroes", "postgres://:password@host", "postgresql:///heroes"):
        with pytest.raises(DatabaseError, match="has no user"):
            open_database(Settings(database_url=url))
    for url in ("postgresql://ann@host/heroes", "postgresql://host/heroes?user=ann"):
        open_database(Settings(database_url=url))
