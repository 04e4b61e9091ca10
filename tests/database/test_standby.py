"""A PostgreSQL standby: it serves reads, and saved answers wait until it has them."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.client import CREATE, Client
from tests.support.cluster import Cluster, find, running_cluster, unprivileged
from tests.support.databases import on_postgresql
from tests.support.waiting import wait_until

pytestmark = [on_postgresql, pytest.mark.slow]

READ = "{ heroes { id name } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]

FOLLOWING = "SELECT 1 FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"
SYNCHRONOUS = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"

Serve = Callable[..., Client]


def ready(api: Client) -> bool:
    return api.http.get("/ready").status_code == httpx.codes.OK


@pytest.fixture
def standby() -> Iterator[tuple[Cluster, Cluster]]:
    """A server and its synchronous standby."""
    with running_cluster() as primary, TemporaryDirectory(prefix="hero-graph-") as directory:
        follower = Cluster(Path(directory))
        data = follower.directory / "data"
        rmtree(data)
        copy = [str(find("pg_basebackup")), "--pgdata", str(data), "--write-recovery-conf"]
        way = ["--host", "127.0.0.1", "--port", str(primary.port), "--username", "hero"]
        subprocess.run([*copy, *way, "--checkpoint=fast"], check=True, **unprivileged())
        follower.start()
        yield primary, follower
        with suppress(subprocess.CalledProcessError):  # a test has stopped it
            follower.stop("immediate")


def test_a_standby_serves_reads(serve: Serve, standby: tuple[Cluster, Cluster]) -> None:
    primary, follower = standby
    primary.sql("CREATE DATABASE heroes")
    hosts = f"hero@127.0.0.1:{primary.port},127.0.0.1:{follower.port}"
    url = f"postgresql://{hosts}/heroes?target_session_attrs="
    writer = serve(database_url=f"{url}read-write")
    writer.create()
    wait_until(lambda: primary.sql(FOLLOWING))
    for target in ("standby", "prefer-standby", "read-only"):
        reader = serve(database_url=f"{url}{target}", read_only=True)
        assert ready(reader)
        assert len(reader.heroes()) == 1
        assert reader.codes(CREATE, input=HERO) == ["FORBIDDEN"]
    follower.stop("immediate")
    assert reader.codes(READ) == UNAVAILABLE
    follower.start()
    wait_until(lambda: ready(reader))


def test_a_saved_answer_waits_until_both_have_it(
    serve: Serve, standby: tuple[Cluster, Cluster]
) -> None:
    """A retry gets no saved answer that only a cut-off primary has."""
    primary, follower = standby
    primary.sql("CREATE DATABASE heroes")
    api = serve(database_url=primary.url("heroes"), database_timeout=1)
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.sql("SELECT pg_reload_conf()")
    wait_until(lambda: primary.sql(SYNCHRONOUS))
    follower.stop("immediate")
    request = {"query": CREATE, "variables": {"input": HERO}}
    headers = {"Idempotency-Key": '"one"'}
    for _ in range(2):
        body = api.post(request, headers=headers).json()
        assert [error["extensions"]["code"] for error in body["errors"]] == UNAVAILABLE
    follower.start()
    wait_until(lambda: primary.sql(SYNCHRONOUS))
    created = api.post(request, headers=headers).json()["data"]["createHero"]
    assert api.heroes() == [created]
