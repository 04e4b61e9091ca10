"""Pipelined requests, sent before the answers to earlier ones (RFC 9112, section 9.3.2)."""

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from select import select
from time import perf_counter

import pytest

from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.raw_http import HEAD, answers, connected, post, read_to_the_end
from tests.support.service_process import memory, service

pytestmark = on_sqlite

CREATE = post('mutation { createHero(input: {name: "a", secretName: "b"}) { id } }')
CREATED = b'{"data":{"createHero":{"id":"1"}}}'
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEALTHY = b'{"status":"ok"}'


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Hold the write lock, so that no mutation is answered."""
    file = database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def send_until_it_is_not_read(connection: socket.socket, data: bytes, times: int) -> None:
    """Send this as often as the service, and what is in between, take it; fail if all is taken."""
    connection.settimeout(2)
    for _ in range(times):
        try:
            connection.sendall(data)
        except TimeoutError:
            connection.settimeout(30)
            return
    pytest.fail("all of it was read")


@pytest.mark.slow
def test_pipelined_requests_are_not_read_into_memory(database_url: str) -> None:
    with service(database_url) as (url, process), connected(url) as connection:
        used = memory(process.pid)
        send_until_it_is_not_read(connection, HEALTH * 10_000, 100)
        assert memory(process.pid) < used + 10_000_000
        answer = b""
        while answer.count(HEALTHY) < 10_000:
            answer += connection.recv(65536)


@pytest.mark.parametrize("between", [b"", HEALTH], ids=["0", "1"])
def test_an_endless_pipelined_head_is_not_read(
    database_url: str, serve: Callable[..., Client], between: bytes
) -> None:
    api = serve(database_timeout=60)
    with connected(api.url) as connection:
        with locked(database_url):
            connection.sendall(CREATE + between + HEAD)
            send_until_it_is_not_read(connection, b"x: a\r\n" * 100_000, 100)
        answer = read_to_the_end(connection)
    assert CREATED in answer
    assert answer.count(HEALTHY) == between.count(b"GET")
    assert b" 431 " in answer


def test_the_time_of_a_request_begins_once(database_url: str, serve: Callable[..., Client]) -> None:
    timeout = 0.3
    api = serve(request_timeout=timeout, database_timeout=60)
    with connected(api.url) as connection:
        with locked(database_url):
            connection.sendall(CREATE + HEALTH[:-2] + b"x: ")
            began = perf_counter()
            while perf_counter() < began + 3 * timeout:
                if select([connection], [], [], 0.02)[0]:
                    break
                connection.sendall(b"a")
        with suppress(OSError):
            connection.sendall(b"\r\n\r\n")
        received = read_to_the_end(connection)
    assert [answer.status_code for answer in answers(received)] == [200, 408]
    assert b"The operation took too long." in received  # it had the same timeoutoutout


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BEHIND = {
    "nothing that is HTTP": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    "much that is no HTTP": (b"\x00" * 1_000_000, 400),
    "a wrong header": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "a head that is too long": (HEAD + b"x: %s" % (b"a" * 1_000_000), 431),
    "a wrong chunk": (CHUNKED + b"zz\r\n", 400),
    "trailers that are too long": (CHUNKED + b"0\r\nx: %s" % (b"a" * 1_000_000), 431),
    "half a head": (HEAD, 408),
    "half a body": (HEAD + b"Content-Length: 100\r\n\r\n{", 408),
}


@pytest.mark.parametrize(("behind", "status"), BEHIND.values(), ids=BEHIND.keys())
@pytest.mark.parametrize("between", [b"", HEALTH, HEALTH * 200], ids=["0", "1", "200"])
def test_a_refusal_is_sent_in_its_turn(
    database_url: str, serve: Callable[..., Client], between: bytes, behind: bytes, status: int
) -> None:
    api = serve(request_timeout=1, database_timeout=60)
    with connected(api.url) as connection:
        with locked(database_url):
            connection.sendall(CREATE + between + behind)
            assert api.http.get("/health").is_success
        received = read_to_the_end(connection)
    first, *others, last = answers(received)
    assert first.content == CREATED
    assert [answer.content for answer in others] == [HEALTHY] * between.count(b"GET")
    assert last.status_code == status
    assert last.headers["connection"] == "close"
    assert len(api.heroes()) == 1


@pytest.mark.parametrize("before", [b"", HEALTH, HEALTH * 500], ids=["0", "1", "500"])
def test_a_half_closed_connection_is_answered(api: Client, before: bytes) -> None:
    with connected(api.url) as connection:
        connection.sendall(before + CREATE)
        connection.shutdown(socket.SHUT_WR)
        received = answers(read_to_the_end(connection))
    assert [answer.content for answer in received[:-1]] == [HEALTHY] * before.count(b"GET")
    assert received[-1].content == CREATED
    assert len(api.heroes()) == 1


def test_pipelined_requests_of_a_half_closed_connection_are_answered(
    database_url: str, serve: Callable[..., Client]
) -> None:
    api = serve(database_timeout=60)
    with connected(api.url) as connection:
        with locked(database_url):
            connection.sendall(CREATE + HEALTH)
            connection.shutdown(socket.SHUT_WR)
            assert api.http.get("/health").is_success
        received = answers(read_to_the_end(connection))
    assert [answer.content for answer in received] == [CREATED, HEALTHY]


@pytest.mark.parametrize(
    ("part", "statuses"),
    [
        (b"", []),
        (b"\r\n", []),
        (CREATE[:10], [400]),
        (CREATE[:-10], [400]),
        (CHUNKED, [400]),
        (CHUNKED + b"ff\r\n{", [400]),
        (HEALTH + CREATE[:-10], [200, 400]),
        (HEALTH * 200 + CREATE[:-10], [200] * 200 + [400]),
        (HEALTH + b"\x00" * 100, [200, 400]),
    ],
    ids=range(9),
)
def test_a_request_that_ends_early_is_refused(
    api: Client, part: bytes, statuses: list[int]
) -> None:
    with connected(api.url) as connection:
        connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        received = answers(read_to_the_end(connection))
    assert [answer.status_code for answer in received] == statuses
    assert api.heroes() == []


@pytest.mark.parametrize("wrong", [b"zz\r\n", b"0\r\nx: %s" % (b"a" * 1_000_000), b""])
def test_a_request_has_one_answer(serve: Callable[..., Client], wrong: bytes) -> None:
    api = serve(request_timeout=0.5, token="secret")  # noqa: S106 (of a test)
    with connected(api.url) as connection:
        connection.sendall(CHUNKED)
        answer = connection.recv(65536)
        with suppress(ConnectionError):
            connection.sendall(wrong)
        answer += read_to_the_end(connection)
    assert [answer.status_code for answer in answers(answer)] == [401]
