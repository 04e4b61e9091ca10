"""Slow reads do not hold up other requests, and end at their time limits."""

import logging
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.database.sqlite.slow_reads import AT_ONCE
from graph.database.sqlite.write_ahead_log import LOG_LIMIT, LONGEST_LOG
from graph.database.statement import Statement
from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.settings import Settings
from tests.support.availability import UNAVAILABLE, assert_works
from tests.support.client import Client
from tests.support.databases import Sql, on_postgresql, on_sqlite, slow_on_postgresql
from tests.support.hero_api import app_of
from tests.support.prepared_database import set_up
from tests.support.raw_http import connected, post
from tests.support.served_app import serving
from tests.support.service_process import service, workers
from tests.support.slow_statements import COUNTED, ENDLESS, LONG, counted
from tests.support.sqlite_file import count_open, fill_and_back_up, names
from tests.support.waiting import wait_until

ENDLESS_QUERY = "{ endless }"
SNAPSHOT = "{ endless heroes { id } }"
MUTATION = 'mutation { createHero(input: {name: "x", secretName: "x"}) { id } endless }'
MUTATES = 'mutation { createHero(input: {name: "y", secretName: "y"}) { id } }'
OPERATIONS = [ENDLESS_QUERY, pytest.param(SNAPSHOT, marks=pytest.mark.slow), MUTATION]

began = threading.Event()
"""Set when an endless read begins."""

SCANNING = "{ scanning }"
SCANS = Statement(counted(), scans=True)
waiting = threading.Semaphore(0)
"""Released before each endless read that is known to scan."""


async def endless(info: Info) -> int:
    began.set()
    return int((await info.context.session.fetch(COUNTED, upto=ENDLESS))[0].n)


@strawberry.type
class LongQuery(Query):
    endless: int = strawberry.field(resolver=endless)

    @strawberry.field
    async def scanning(self, info: Info) -> int:
        waiting.release()
        return int((await info.context.session.fetch(SCANS, upto=ENDLESS))[0].n)

    @strawberry.field
    async def scanned(self, info: Info, upto: int) -> int:
        return int((await info.context.session.fetch(SCANS, upto=upto))[0].n)

    @strawberry.field
    async def counted(self, info: Info, upto: int) -> int:
        return int((await info.context.session.fetch(COUNTED, upto=upto))[0].n)


@strawberry.type
class LongMutation(Mutation):
    endless: int = strawberry.mutation(resolver=endless)


class Long:
    """A service with slow fields, and clients that request them on threads."""

    def __init__(self, configure: Callable[..., Settings], threads: ThreadPoolExecutor) -> None:
        self._configure = configure
        self._threads = threads
        self._stack = ExitStack()

    def serve(self, **settings: Any) -> Client:
        config = StrawberryConfig(info_class=Info)
        schema = Schema(query=LongQuery, mutation=LongMutation, config=config)
        configured = self._configure(**settings)
        app = app_of(schema, configured)
        self.url = self._stack.enter_context(serving(app, configured))
        return self._stack.enter_context(Client(self.url))

    def scan(
        self, count: int, query: str = SCANNING, *, arrived: int | None = None, bearer: str = "-"
    ) -> list[Future[list[str]]]:
        """The codes of the errors to come, of so many reads without an end.

        Args:
            count: how many.
            query: what asks for one.
            arrived: how many of them are known to be executed; all, if it is not given.
            bearer: the token that is sent.
        """

        def ask() -> list[str]:
            with Client(self.url) as client:
                client.http.headers["Authorization"] = f"Bearer {bearer}"
                return codes(client.post({"query": query}).json())

        answers = [self._threads.submit(ask) for _ in range(count)]
        for _ in range(count if arrived is None else arrived):
            assert waiting.acquire(timeout=30)
        return answers

    def start(self, query: str = ENDLESS_QUERY) -> Future[dict[str, Any]]:
        """Start a slow request; returns its future answer once it has left the loop."""

        def ask() -> dict[str, Any]:
            with Client(self.url) as client:
                body: dict[str, Any] = client.post({"query": query}).json()
                return body

        began.clear()
        answer = self._threads.submit(ask)
        assert began.wait(30)
        with Client(self.url) as client:
            client.data("{ heroes { id } }")
        return answer

    def stop(self) -> None:
        self._stack.close()


@pytest.fixture
def long(configure: Callable[..., Settings]) -> Iterator[Long]:
    with ThreadPoolExecutor() as threads:
        service = Long(configure, threads)
        yield service
        service.stop()


def codes(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body["errors"]]


@slow_on_postgresql
@pytest.mark.parametrize("query", OPERATIONS)
def test_others_are_answered_during_a_slow_read_which_ends_with_the_service(
    long: Long, query: str
) -> None:
    api = long.serve(database_timeout=60, request_timeout=60, shutdown_timeout=1)
    hero = None if query == MUTATION else api.create()
    answer = long.start(query)
    for _ in range(10):
        assert len(api.heroes()) == (hero is not None)
    if hero is not None:
        api.create()
    assert not answer.done()
    long.stop()
    with suppress(httpx.HTTPError):
        assert codes(answer.result()) == UNAVAILABLE


@on_sqlite
@pytest.mark.parametrize("query", OPERATIONS)
def test_a_service_that_stops_during_a_slow_read_closes_its_file(
    long: Long, tmp_path: Path, query: str
) -> None:
    long.serve(database_timeout=60, request_timeout=60, shutdown_timeout=1).heroes()
    long.start(query)
    long.stop()
    assert not [*tmp_path.glob("database.db-*")]  # the last connection to close removes it
    assert names(tmp_path / "database.db") == []


@slow_on_postgresql
@pytest.mark.parametrize("query", OPERATIONS)
def test_a_slow_read_ends_at_the_database_timeout(long: Long, query: str, sql: Sql) -> None:
    api = long.serve(database_timeout=0.5, pool_size=1)
    for _ in range(AT_ONCE + 1):
        body = api.execute(query)
        assert body["data"] is None
        assert codes(body) == UNAVAILABLE
        assert "database is not available" in body["errors"][0]["message"]
    assert sql("SELECT name FROM hero") == []
    assert_works(api)


@slow_on_postgresql
@pytest.mark.parametrize("query", OPERATIONS)
def test_a_slow_read_ends_at_the_request_timeout(long: Long, query: str, sql: Sql) -> None:
    api = long.serve(database_timeout=60, request_timeout=0.5, pool_size=1)
    for _ in range(AT_ONCE + 1):
        body = api.execute(query)
        assert codes(body) == UNAVAILABLE
        assert "too long" in body["errors"][0]["message"]
    assert sql("SELECT name FROM hero") == []
    assert_works(api)


@pytest.mark.parametrize("way", ["closed", "reset"])
@pytest.mark.parametrize(
    ("query", "after"),
    [(SCANNING, "{ scanned(upto: 1) }"), (SNAPSHOT, "{ scanned(upto: 1) }"), (MUTATION, MUTATES)],
    ids=["scan", "snapshot", "mutation"],
)
def test_a_slow_read_ends_when_its_client_disconnects(
    long: Long, caplog: pytest.LogCaptureFixture, query: str, after: str, way: str
) -> None:
    caplog.set_level(logging.INFO, "graph")
    api = long.serve(database_timeout=60, request_timeout=60, pool_size=2)
    began.clear()
    count = 1 if query == MUTATION else AT_ONCE + 1  # others end a mutation that searches
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(long.url)) for _ in range(count)]
        for client in clients:
            client.sendall(post(query))
            if way == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for _ in range(count if query == SCANNING else 0):
            assert waiting.acquire(timeout=30)
        assert query == SCANNING or began.wait(30)
    wait_until(lambda: [fields["status"] for fields in logged(caplog)].count(499) == count)
    assert "errors" not in api.execute(after)


@on_sqlite
def test_a_batch_ends_when_its_client_disconnects(
    long: Long, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "graph")
    api = long.serve(database_timeout=60, request_timeout=60)
    began.clear()
    with connected(long.url) as client:
        client.sendall(post(ENDLESS_QUERY, MUTATES))
        assert began.wait(30)
    wait_until(lambda: [fields["status"] for fields in logged(caplog)] == [499])
    assert api.heroes() == []


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Fields of the log lines of requests."""
    return [vars(record)["fields"] for record in caplog.records if record.msg == "request"]


@on_postgresql
def test_a_cancelled_statement_ends_on_the_server(long: Long, sql: Sql) -> None:
    api = long.serve(database_timeout=0.5)
    assert api.codes(ENDLESS_QUERY) == UNAVAILABLE
    running = (
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'WITH RECURSIVE%'"
    )
    wait_until(lambda: not sql(running))


def test_a_slow_read_has_the_right_answer(long: Long) -> None:
    api = long.serve(database_timeout=60, request_timeout=60)
    upto = {"one": 1, "many": LONG, "more": LONG + 1}
    fields = " ".join(f"{name}: counted(upto: {count})" for name, count in upto.items())
    assert api.data(f"{{ {fields} }}") == upto
    assert api.data(f"{{ counted(upto: {LONG}) }}") == {"counted": LONG}


@slow_on_postgresql
def test_a_page_far_from_the_start(long: Long, database_url: str, sql: Sql) -> None:
    api = long.serve(database_timeout=60, request_timeout=60, max_cost=100_000)
    sql(
        "INSERT INTO hero (name, secret_name) WITH RECURSIVE numbers(n) AS "
        "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000) SELECT n, n FROM numbers"
        if database_url.startswith("sqlite")
        else "INSERT INTO hero (name, secret_name) SELECT n, n FROM generate_series(1, 200000) n"
    )
    expected = [str(number) for number in range(199_999, 200_001)]
    assert [hero["name"] for hero in api.heroes(offset=199_998)] == expected


@on_sqlite
@pytest.mark.parametrize("query", OPERATIONS)
def test_a_slow_read_ends_when_its_file_is_replaced(long: Long, tmp_path: Path, query: str) -> None:
    file = tmp_path / "database.db"
    api = long.serve(database_timeout=60, request_timeout=60)
    backup, old = fill_and_back_up(api, file)
    answer = long.start(query)
    backup.replace(file)
    wait_until(lambda: [hero["name"] for hero in api.heroes()] == ["Backed up"] * 5)
    assert codes(answer.result()) == UNAVAILABLE
    assert_works(api)
    assert names(file) == ["Backed up"] * 5 + ["Back again"]
    assert names(old) == ["Backed up"] * 5 + ["Too late"] * 30


@pytest.mark.slow
@on_sqlite
def test_the_log_begins_again_while_every_worker_reads(database_url: str, tmp_path: Path) -> None:
    file, log = tmp_path / "database.db", tmp_path / "database.db-wal"
    filters = ", ".join(f'{{name: {{contains: "none {number}"}}}}' for number in range(15))
    long = f"{{ heroesConnection(where: {{or: [{filters}]}}) {{ totalCount }} }}"
    stopped = threading.Event()

    def read(url: str) -> None:
        with Client(url) as api:
            while not stopped.is_set():
                api.execute(long)

    set_up(database_url, heroes=30_000)
    with (
        service(database_url, "--workers", "2") as running,
        ThreadPoolExecutor() as threads,
        closing(sqlite3.connect(file)) as other,
        Client(running.url) as api,
    ):
        try:
            wait_until(lambda: len(workers(running)) == 2)
            wait_until(lambda: all(count_open(file, pid) for pid in workers(running)))
            for _ in range(8):
                threads.submit(read, running.url)
            other.execute("PRAGMA wal_autocheckpoint = 0")
            with other:
                other.execute("CREATE TABLE other (text)")
                other.execute("INSERT INTO other VALUES (zeroblob(?))", (LONGEST_LOG,))
            assert log.stat().st_size > LONGEST_LOG
            wait_until(lambda: bool(api.create()) and log.stat().st_size <= LOG_LIMIT)
        finally:
            stopped.set()


@pytest.mark.parametrize(
    ("query", "arrived"),
    [(SCANNING, 6), ("{ scanning heroes { id } }", 1), ("{ heroes { id } scanning }", 1)],
)
def test_scans_leave_room_for_quick_reads(long: Long, query: str, arrived: int) -> None:
    api = long.serve(database_timeout=60, request_timeout=60, shutdown_timeout=1, pool_size=2)
    hero = api.create()
    scans = long.scan(6, query, arrived=arrived)
    for _ in range(20):
        assert api.data("{ hero(id: 1) { id } }") == {"hero": {"id": hero["id"]}}
        assert api.heroes()[0] == hero
        api.create()
    assert not any(scan.done() for scan in scans)
    long.stop()


@on_sqlite
def test_a_search_in_a_transaction_ends_when_others_wait_to_write(long: Long) -> None:
    api = long.serve(database_timeout=2, request_timeout=60)
    answer = long.start(MUTATION)
    created = api.create("Quick")
    body = answer.result()
    assert codes(body) == UNAVAILABLE
    assert "Make the search its first field" in body["errors"][0]["message"]
    assert api.heroes() == [created]


@on_sqlite
def test_what_waits_for_its_turn_among_scans_has_no_connection(long: Long, tmp_path: Path) -> None:
    file = tmp_path / "database.db"
    api = long.serve(database_timeout=60, request_timeout=60, shutdown_timeout=1)
    long.scan(AT_ONCE)
    assert api.heroes() == []
    opened = 1 + AT_ONCE  # one for quick reads, and one for each scan
    wait_until(lambda: count_open(file) == opened)
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connected(long.url)).sendall(post("{ heroes { id } scanning }"))
        for _ in range(20):
            assert api.heroes() == []
        assert count_open(file) == opened
        long.stop()


@on_sqlite
def test_a_filtered_write_that_waits_to_search_does_not_block_writes(long: Long, sql: Sql) -> None:
    api = long.serve(database_timeout=60, request_timeout=60, shutdown_timeout=1)
    sql(
        "INSERT INTO hero (name, secret_name) WITH RECURSIVE numbers(n) AS "
        "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 50000) SELECT n, n FROM numbers"
    )
    scans = long.scan(AT_ONCE)
    with ThreadPoolExecutor(1) as threads:
        none = ", ".join(f'{{name: {{contains: "none {number}"}}}}' for number in range(20))
        query = f"mutation {{ deleteHeroes(where: {{or: [{none}]}}) {{ id }} }}"

        def delete() -> list[str]:
            with Client(long.url) as client:
                return client.codes(query)

        deleting = threads.submit(delete)
        for _ in range(5):
            api.create()
        assert not any(scan.done() for scan in [*scans, deleting])
        long.stop()


@on_sqlite
def test_callers_take_turns(long: Long) -> None:
    api = long.serve(database_timeout=0.5, request_timeout=60, tokens="ann=1,bob=2")
    api.http.headers["Authorization"] = "Bearer 2"
    scans = long.scan(3 * AT_ONCE, bearer="1")
    assert api.data("{ scanned(upto: 10) }") == {"scanned": 10}
    assert not all(scan.done() for scan in scans)


@on_sqlite
def test_a_waiting_read_has_the_request_timeout(long: Long) -> None:
    api = long.serve(database_timeout=0.5, request_timeout=60)
    long.scan(2 * AT_ONCE)
    assert api.data("{ scanned(upto: 10) }") == {"scanned": 10}
