"""The service behind PgBouncer in transaction mode, where a session is shared by transactions."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from itertools import combinations
from random import Random
from shutil import which
from typing import Any

import httpx
import pytest

from tests.support.client import CREATE, HERO_FIELDS, Client
from tests.support.cluster import Cluster, free_port, unprivileged
from tests.support.components import require
from tests.support.databases import on_postgresql

pytestmark = on_postgresql

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port} user=hero
[pgbouncer]
pool_mode = transaction
default_pool_size = 3
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
"""

FIELDS = HERO_FIELDS.split()
SELECTIONS = [" ".join(some) for size in (1, 2, 3, 4) for some in combinations(FIELDS, size)]


@pytest.fixture
def pooled_url(cluster: Cluster, database_url: str) -> Iterator[str]:
    """URL of the test's database through PgBouncer."""
    program = which("pgbouncer", path="/usr/sbin:/usr/local/bin:/usr/bin")
    require(program is not None, "PgBouncer is not installed")
    port = free_port()
    configuration = cluster.directory / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(server_port=cluster.port, port=port))
    with subprocess.Popen(
        [str(program), configuration],
        stderr=subprocess.PIPE,
        text=True,
        **unprivileged(),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "process up" in line:
                break
        else:
            pytest.fail("PgBouncer did not start")
        try:
            yield database_url.replace(f":{cluster.port}/", f":{port}/")
        finally:
            process.kill()


def test_statements_of_many_clients_are_not_mixed_up(
    serve: Callable[..., Client], pooled_url: str
) -> None:
    """Two services use 20 connections over 3 sessions; they prepare in different orders."""
    apis = [serve(database_url=pooled_url) for _ in range(2)]
    heroes = [apis[0].create(f"Hero {number}", age=number) for number in range(20)]

    async def ask(client: httpx.AsyncClient, random: Random) -> None:
        for _ in range(8):
            fields = random.choice(SELECTIONS)
            hero = random.choice(heroes)
            query = f"query($id: ID!) {{ hero(id: $id) {{ {fields} }} }}"
            answer = await client.post(
                "/graphql", json={"query": query, "variables": {"id": hero["id"]}}
            )
            expected = {field: hero[field] for field in fields.split()}
            assert answer.json() == {"data": {"hero": expected}}
            new: dict[str, Any] = {"name": f"New {random.random()}", "secretName": "x", "age": 5}
            answer = await client.post(
                "/graphql", json={"query": CREATE, "variables": {"input": new}}
            )
            assert answer.json()["data"]["createHero"]["name"] == new["name"], answer.text

    async def load() -> None:
        async with (
            httpx.AsyncClient(base_url=apis[0].url, timeout=60) as one,
            httpx.AsyncClient(base_url=apis[1].url, timeout=60) as other,
        ):
            await asyncio.gather(
                *(ask(client, Random(seed)) for seed in range(10) for client in (one, other))  # noqa: S311 (repeatable)
            )

    asyncio.run(load())
