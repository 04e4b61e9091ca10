"""`Upgrade` to other protocols is ignored (RFC 9110, section 7.8)."""

import socket
from collections.abc import Callable

import pytest

from tests.support.client import Client
from tests.support.raw_http import HEAD, answers, connected, exchange, read_to_the_end

TYPENAME = b'{"query": "{ __typename }"}'
TYPENAME_ANSWER = {"data": {"__typename": "Query"}}
SMUGGLED = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"

# As java.net.http.HttpClient of Java 17 sends them.
JAVA = (
    b"%s HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %d\r\n"
    b"Host: 127.0.0.1:8000\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    b"Upgrade: h2c\r\nUser-Agent: Java-http-client/17.0.15\r\n%s\r\n"
)
JAVA_POST = JAVA % (b"POST /graphql", len(TYPENAME), b"Content-Type: application/json\r\n")
JAVA_GET = JAVA % (b"GET /graphql?query=%7B__typename%7D", 0, b"")


def length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def chunked(body: bytes) -> bytes:
    return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "request_",
    [
        JAVA_POST + TYPENAME,
        JAVA_GET,
        HEAD + H2C + length(TYPENAME),
        HEAD + H2C + chunked(TYPENAME),
        HEAD + H2C + length(TYPENAME.ljust(99_999)),
        HEAD + H2C + b"x: %s\r\n" % (b"a" * 30_000) + length(TYPENAME),
        HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + length(TYPENAME),
        HEAD
        + b"Upgrade: a, b/1\r\nUPGRADE: c\r\nconnection: keep-alive\r\nConnection: upgrade\r\n"
        + length(TYPENAME),
    ],
    ids=["Java", "Java's GET", "length", "chunked", "long", "long head", "websocket", "several"],
)
@pytest.mark.parametrize("size", [1, 100, 1_000_000])
def test_an_upgrade_is_ignored(shared: Client, request_: bytes, size: int) -> None:
    size = max(size, len(request_) // 1000)
    requests = request_ * 3 + LAST
    with connected(shared.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(requests), size):
            connection.sendall(requests[at : at + size])
        *first, last = answers(read_to_the_end(connection))
    assert [answer.json() for answer in first] == [TYPENAME_ANSWER] * 3
    assert last.json() == {"status": "ok"}


@pytest.mark.parametrize("framed", [length, chunked])
@pytest.mark.parametrize("body", [SMUGGLED, TYPENAME + b"\n" + SMUGGLED])
def test_a_body_behind_an_upgrade_is_no_request(
    shared: Client, framed: Callable[[bytes], bytes], body: bytes
) -> None:
    with connected(shared.url) as connection:
        connection.sendall(HEAD + H2C + framed(body) + LAST)
        answer, last = answers(read_to_the_end(connection))
    assert answer.status_code == 400
    assert last.json() == {"status": "ok"}


def test_a_body_behind_an_upgrade_is_waited_for(shared: Client) -> None:
    with connected(shared.url) as connection:
        connection.sendall(
            HEAD + H2C + b"Expect: 100-continue\r\n" + length(TYPENAME)[: -len(TYPENAME)]
        )
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(TYPENAME + LAST)
        answer, _ = answers(read_to_the_end(connection))
    assert answer.json() == TYPENAME_ANSWER


def test_an_upgrade_with_connection_close(shared: Client) -> None:
    close = HEAD + b"Connection: close, upgrade\r\nUpgrade: h2c\r\n" + length(TYPENAME)
    assert exchange(shared.url, close + SMUGGLED).json() == TYPENAME_ANSWER
    old = close.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"close, ", b"")
    assert exchange(shared.url, old + SMUGGLED).json() == TYPENAME_ANSWER


@pytest.mark.parametrize("target", [b"example.org:443", b"/graphql"])
def test_connect_is_refused(shared: Client, target: bytes) -> None:
    request = b"CONNECT %s HTTP/1.1\r\nHost: localhost\r\n" % target + length(SMUGGLED)
    answer = exchange(shared.url, request)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
