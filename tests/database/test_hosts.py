"""Several hosts in PostgreSQL's URL: the service finds one that it can use."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from graph.database import open_database
from graph.database.base import DatabaseError
from graph.database.postgres.connect import Connector, data_source
from graph.errors import ServiceUnavailableError
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.cluster import Cluster, free_port
from tests.support.databases import WAITING, Sql, on_postgresql, transaction
from tests.support.hero_api import MIGRATIONS
from tests.support.postgres_proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = on_postgresql

READ = "{ heroes { id name } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]

Serve = Callable[..., Client]


@contextmanager
def silent_host() -> Iterator[socket.socket]:
    """A host that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


@contextmanager
def full_host() -> Iterator[socket.socket]:
    """A host whose queue of connections is full: it does not answer, like one without power."""
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        listener.settimeout(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        yield listener


END_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def taken(listener: socket.socket) -> int:
    """Number of connections since the last call."""
    for count in range(1_000):
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
    pytest.fail("there is no end of them")


def behind(listener: socket.socket, database_url: str) -> str:
    """The URL with this host before the server's."""
    host, port = listener.getsockname()
    return database_url.replace("@", f"@{host}:{port},")


@pytest.mark.parametrize("host", [silent_host, full_host])
def test_the_next_host_is_asked_if_the_first_does_not_answer(
    serve: Serve, database_url: str, host: Callable[[], AbstractContextManager[socket.socket]]
) -> None:
    with host() as listener:
        api = serve(database_url=behind(listener, database_url), database_timeout=1)
        api.create()
        assert len(api.heroes()) == 1


def test_the_last_good_host_is_asked_first(serve: Serve, database_url: str, sql: Sql) -> None:
    with silent_host() as listener:
        api = serve(database_url=behind(listener, database_url), database_timeout=1)
        api.create()
        assert taken(listener) > 0
        sql(END_OTHERS)
        assert len(api.heroes()) == 1
        assert taken(listener) == 0


def test_a_host_that_did_not_answer_is_asked_last(
    cluster: Cluster, database_url: str, sql: Sql
) -> None:
    [(name,)] = sql("SELECT current_database()")
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with silent_host() as listener:
        url = f"{behind(listener, database_url)}?target_session_attrs=read-write"
        connector = Connector(data_source(url), 2)

        async def connect() -> None:
            await (await connector.connect(None)).close()

        with pytest.raises(ServiceUnavailableError):
            asyncio.run(connect())
        assert taken(listener) == 1
        cluster.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        asyncio.run(connect())
        assert taken(listener) == 0


def test_operations_are_unavailable_while_no_host_is_the_primary(
    serve: Serve, cluster: Cluster, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    """All hosts are standbys during an election."""
    [(name,)] = sql("SELECT current_database()")
    hosts = f"127.0.0.1:{cluster.port},localhost:{cluster.port}"
    api = serve(database_url=f"postgresql://hero@{hosts}/{name}?target_session_attrs=read-write")
    api.create()
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    sql(END_OTHERS)
    assert api.codes(READ) == UNAVAILABLE
    assert api.codes(CREATE, input=HERO) == UNAVAILABLE
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]
    cluster.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    api.create()


@pytest.mark.parametrize("target", ["any", "primary", "read-write", "prefer-standby"])
def test_a_host_of_the_requested_kind_is_used(serve: Serve, database_url: str, target: str) -> None:
    hosts = database_url.replace("@", f"@127.0.0.1:{free_port()},")
    api = serve(database_url=f"{hosts}?target_session_attrs={target}")
    created = api.create()
    assert api.heroes() == [created]


@pytest.mark.parametrize("target", ["standby", "read-only"])
def test_a_start_without_a_usable_host_fails_in_one_line(
    cluster: Cluster, database_url: str, target: str
) -> None:
    url = database_url.replace("@", f"@127.0.0.1:{free_port()},")
    database = open_database(Settings(database_url=f"{url}?target_session_attrs={target}"))
    with pytest.raises(DatabaseError) as raised:
        asyncio.run(MIGRATIONS.prepare(database))
    line = str(raised.value)
    assert "Connect call failed" in line
    assert f"127.0.0.1:{cluster.port}: None of the hosts match" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("postgresql:///heroes", {"the server": "postgresql:/heroes"}),
        ("postgresql:///heroes?service=x", {"the server": "postgresql:/heroes?service=x"}),
        (
            "postgres://me:p%40ss@a,b:6432/heroes?sslmode=require",
            {
                place: f"postgresql://me:p%40ss@{place}/heroes?sslmode=require"
                for place in ("a", "b:6432")
            },
        ),
        (
            "postgresql://[::1]/heroes?port=7432",
            {"[::1]:7432": "postgresql://[::1]:7432/heroes?port=7432"},
        ),
        (
            "postgresql://a,b:6432/heroes?port=7432",
            {place: f"postgresql://{place}/heroes?port=7432" for place in ("a:7432", "b:6432")},
        ),
        (
            "postgresql:///heroes?host=/run/a%20b,b&port=1,2",
            {
                "/run/a b:1": "postgresql:/heroes?host=/run/a%20b&port=1",
                "b:2": "postgresql:/heroes?host=b&port=2",
            },
        ),
        (
            "postgresql:///heroes?host=a,b&port=1",
            {f"{host}:1": f"postgresql:/heroes?host={host}&port=1" for host in ("a", "b")},
        ),
    ],
)
def test_a_url_is_split_into_one_for_each_host(url: str, urls: dict[str, str]) -> None:
    assert data_source(url).rounds == (urls,)


def test_hosts_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "a,b")
    monkeypatch.setenv("PGPORT", "1,2")
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "prefer-standby")
    rounds = data_source("postgresql:///heroes").rounds
    assert [[*urls] for urls in rounds] == [["a:1", "b:2"], ["a:1", "b:2"]]
    assert rounds[0]["a:1"].endswith("?target_session_attrs=standby&host=a&port=1")
    assert rounds[1]["b:2"].endswith("?target_session_attrs=any&host=b&port=2")


@pytest.mark.parametrize(
    "hosts", ["a,,b", "a,", "a,b?port=1,2,3", "?host=a,&port=1", "?host=a&port=1,2"]
)
def test_hosts_and_ports_that_do_not_match_are_refused(hosts: str) -> None:
    with pytest.raises(DatabaseError, match=r"^GRAPH_DATABASE_URL has \d hosts, none of which"):
        data_source(f"postgresql://{hosts}")


def test_only_one_request_waits_for_a_host_that_went_silent(
    serve: Serve, proxy: Proxy, database_url: str, sql: Sql
) -> None:
    """One request waits for the host; the next ones do not."""
    hosts = database_url.replace("@", f"@127.0.0.1:{proxy.port},")
    api = serve(database_url=f"{hosts}?sslmode=disable", database_timeout=2)
    with (
        ThreadPoolExecutor() as threads,
        transaction(database_url, "LOCK TABLE hero IN SHARE MODE"),
    ):
        writes = [threads.submit(api.create) for _ in range(5)]
        wait_until(lambda: len(sql(WAITING)) == len(writes))
    assert all(write.result() for write in writes)
    proxy.silent = True
    assert api.codes(READ) == UNAVAILABLE
    assert len(api.heroes()) == len(writes)
