"""The pool drops unusable PostgreSQL connections, and `/ready` does not wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from graph.database import open_database
from graph.hero import model
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.cluster import Cluster
from tests.support.databases import WAITING, Sql, on_postgresql, transaction
from tests.support.waiting import wait_until

pytestmark = on_postgresql

READ = "{ heroes { id name } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]

Serve = Callable[..., Client]


def ready(api: Client) -> bool:
    return api.http.get("/ready").status_code == httpx.codes.OK


def test_connections_of_a_former_standby_are_replaced(
    serve: Serve, cluster: Cluster, sql: Sql
) -> None:
    """After a failover, a session stays read-only although the server is not."""
    [(name,)] = sql("SELECT current_database()")
    api = serve(pool_size=3)
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608 (ours)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: api.heroes(), range(50))) == [[]] * 50
    assert api.codes(CREATE, input=HERO) == UNAVAILABLE
    assert not ready(api)
    cluster.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    bodies = [api.execute(CREATE, input=HERO) for _ in range(10)]
    failed = [body for body in bodies if "errors" in body]
    assert len(failed) <= 3
    assert bodies[len(failed) :] == [body for body in bodies if "errors" not in body]
    assert ready(api)


def test_readiness_does_not_wait_for_the_pool(serve: Serve, database_url: str, sql: Sql) -> None:
    api = serve(pool_size=1, database_timeout=30)
    with (
        ThreadPoolExecutor() as threads,
        transaction(database_url, "LOCK TABLE hero IN SHARE MODE"),
    ):
        write = threads.submit(api.create)
        wait_until(lambda: sql(WAITING))
        assert ready(api)
        assert not write.done()


@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_a_cancelled_first_probe_leaves_no_connection(
    configure: Callable[..., Settings], sql: Sql, times: int
) -> None:
    async def probe(seconds: float) -> None:
        database = open_database(configure())
        probing = asyncio.create_task(database.ping([model.HERO]))
        await asyncio.wait([probing], timeout=seconds)
        probing.cancel()
        await asyncio.wait([probing])
        await database.dispose()

    async def main() -> None:
        for turn in range(times):  # the probe takes some 20 ms, and may be cancelled at any point
            await probe(0.04 * turn / times)
        found = "datname = current_database() AND backend_type = 'client backend'"
        others = f"SELECT count(*) - 1 FROM pg_stat_activity WHERE {found}"  # noqa: S608 (ours)
        assert await asyncio.to_thread(sql, others) == [(0,)]

    asyncio.run(main())
