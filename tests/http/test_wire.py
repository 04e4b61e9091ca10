"""HTTP as bytes: invalid and ambiguous requests, chunks, and sizes of heads and bodies."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from graph.http.uvicorn_protocol import CHUNKS_AT_ONCE, Protocol
from tests.support.client import Client
from tests.support.databases import on_sqlite, slow_on_postgresql
from tests.support.raw_http import answers, connected, exchange, read_answer, read_to_the_end
from tests.support.response_shape import code, labelled

HEAD = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
KEY = "secret"
TYPENAME = '{"query": "{ __typename }"}'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 100001", b""),
        ("Content-Length: 100001", b" " * 100_001),
        ("Content-Length: 50000000", b" " * 300_000),
        ("Content-Length: 100001\r\nExpect: 100-continue", b""),
        ("Content-Length: 100001\r\nContent-Encoding: gzip", b""),
        ("Transfer-Encoding: chunked", b"4000\r\n" + b" " * 0x4000 + b"\r\n"),
    ],
    ids=["declared", "sent", "much", "expecting", "compressed", "chunked"],
)
def test_a_body_over_the_limit_is_not_read_to_the_end(
    shared: Client, head: str, body: bytes
) -> None:
    times = 7 if "chunked" in head else 1
    response = exchange(shared.url, f"{HEAD}{head}\r\n\r\n".encode() + body * times)
    assert response.status_code == 413
    assert response.headers.get_list("connection") == ["close"]
    assert code(response) == "OPERATION_TOO_COMPLEX"


def test_a_client_that_expects_100_continue_gets_it(shared: Client) -> None:
    head = f"{HEAD}Connection: close\r\nExpect: 100-continue\r\nContent-Length: {len(TYPENAME)}"
    response = exchange(shared.url, f"{head}\r\n\r\n{TYPENAME}".encode())
    assert response.status_code == 100
    assert b'{"data":{"__typename":"Query"}}' in response.content


def test_a_refusal_of_a_body_that_is_not_sent_closes_the_connection(shared: Client) -> None:
    head = HEAD.replace("json", "xml") + "Content-Length: 24\r\nExpect: 100-continue\r\n\r\n"
    response = exchange(shared.url, head.encode())
    assert response.status_code == 415
    assert response.headers["connection"] == "close"
    assert code(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /gr\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nx: \x00\r\n\r\n", 400),
        (f"{HEAD}Content-Length: -1\r\n\r\n".encode(), 400),
        (f"{HEAD}Content-Length: 24\r\nContent-Length: 24\r\n\r\n".encode(), 400),
        (f"{HEAD}Content-Length: 24\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), 400),
        (f"{HEAD}Content-Length: {'9' * 30}\r\n\r\n".encode(), 400),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(), 400),
        (b"GET /graphql?query=" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (f"{HEAD}x: {'a' * 1_000_000}\r\n\r\n".encode(), 431),
        (f"{HEAD}{'x: a' * 100_000}".encode().replace(b"x: a", b"x: a\r\n"), 431),
    ],
    ids=lambda value: repr(value[:50]) if isinstance(value, bytes) else str(value),
)
def test_a_request_that_is_not_http_gets_a_graphql_error(
    shared: Client, request_: bytes, status: int
) -> None:
    response = exchange(shared.url, request_)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert code(response) == "BAD_REQUEST"


WHOLE = f"{HEAD}Content-Length: {len(TYPENAME)}\r\n\r\n{TYPENAME}"
CHUNKED = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n"
CHUNK = f"{len(TYPENAME):x}\r\n{TYPENAME}\r\n"

ENDLESS = {
    "a header": (f"{HEAD}x: ", "a"),
    "a head": (HEAD, "x: a\r\n"),
    "a second head": (f"{WHOLE}{HEAD}", "x: a\r\n"),
    "a third head": (f"{WHOLE}{WHOLE}{HEAD}", "x: a\r\n"),
    "blanks before a header": (f"{HEAD}x:", " "),
    "lines before a request": ("", "\r\n"),
    "a trailer": (f"{CHUNKED}{CHUNK}0\r\nx: ", "a"),
    "trailers": (f"{CHUNKED}{CHUNK}0\r\n", "x: a\r\n"),
    "trailers of a second request": (f"{WHOLE}{CHUNKED}{CHUNK}0\r\n", "x: a\r\n"),
    "an extension of a chunk": (f"{CHUNKED}1;", "a"),
    "an extension of each chunk": (CHUNKED, f"1;{'a' * 1000}\r\n \r\n"),
    "a chunk's size": (CHUNKED, "0"),
}


@on_sqlite
@pytest.mark.parametrize("token", [None, KEY])
@pytest.mark.parametrize(("begin", "more"), ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_head_or_body_is_refused(
    serve: Callable[..., Client], begin: str, more: str, token: str | None
) -> None:
    api = serve(token=token)
    with connected(api.url) as connection:
        connection.sendall(begin.encode())
        with pytest.raises(ConnectionError):
            connection.sendall(more.encode() * (20_000_000 // len(more)))
        answer = read_to_the_end(connection)
    # A request that needs a token is answered before its body.
    assert b" 431 " in answer or (token is not None and b" 401 " in answer)


@on_sqlite
@pytest.mark.parametrize(
    ("head", "trailer", "status"),
    [
        ("", f"Authorization: Bearer {KEY}", 401),
        ("Authorization: Bearer wrong\r\n", f"Authorization: Bearer {KEY}", 401),
        (f"Authorization: Bearer {KEY}\r\n", "Authorization: Bearer wrong", 200),
        (f"Authorization: Bearer {KEY}\r\n", "Content-Type: text/plain", 200),
        (f"Authorization: Bearer {KEY}\r\n", "Connection: Upgrade\r\nUpgrade: h2c", 200),
    ],
)
def test_trailers_are_ignored(
    serve: Callable[..., Client], head: str, trailer: str, status: int
) -> None:
    api = serve(token=KEY)
    request = CHUNKED.replace("Host", f"{head}Host") + f"{CHUNK}0\r\n{trailer}\r\n\r\n"
    with connected(api.url) as connection:
        for _ in range(2):
            connection.sendall(request.encode())
            assert read_answer(connection).status_code == status


@slow_on_postgresql
@pytest.mark.parametrize("size", [1, 10])
def test_chunks_of_any_size_are_accepted(serve: Callable[..., Client], size: int) -> None:
    api = serve()
    body = TYPENAME.ljust(100_000)
    chunks = [f"{size:x}\r\n{body[at : at + size]}\r\n" for at in range(0, len(body), size)]
    head = CHUNKED.replace("Host", "Connection: close\r\nHost")
    response = exchange(api.url, f"{head}{''.join(chunks)}0\r\n\r\n".encode())
    assert labelled(response) == {"data": {"__typename": "Query"}}


@on_sqlite
def test_chunks_of_a_byte_do_not_hold_the_loop(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [0]  # of each turn of the loop of the loop of the loop
    answered = Event()

    def begin_turn() -> None:
        chunks.append(0)
        if not answered.is_set():
            asyncio.get_running_loop().call_soon(begin_turn)

    def count(protocol: Protocol) -> None:
        if len(chunks) == 1:
            begin_turn()
        chunks[-1] += 1
        on_chunk_header(protocol)

    on_chunk_header = Protocol.on_chunk_header
    monkeypatch.setattr(Protocol, "on_chunk_header", count)
    body = TYPENAME.ljust(90_000)
    sent = "".join([f"1\r\n{byte}\r\n" for byte in body])
    with connected(serve().url) as connection:
        connection.sendall(f"{CHUNKED}{sent}0\r\n\r\n".encode())
        assert read_answer(connection).status_code == 200
        answered.set()
    assert sum(chunks) == len(body) + 1
    assert max(chunks) < 3 * CHUNKS_AT_ONCE  # of one packet, and of the rest


def test_many_requests_in_one_packet_are_answered(shared: Client) -> None:
    last = WHOLE.replace("Host", "Connection: close\r\nHost")
    with connected(shared.url) as connection:
        connection.sendall((WHOLE * 999 + last).encode())
        assert read_to_the_end(connection).count(b'{"data":{"__typename":"Query"}}') == 1000


GET = "GET /graphql?query={__typename} HTTP/1.1"
AMBIGUOUS = {
    "no host": f"{GET}\r\n\r\n",
    "two hosts": f"{GET}\r\nHost: a\r\nHOST: a\r\n\r\n",
    "two hosts of old": f"{GET[:-1]}0\r\nHost: a\r\nHost: b\r\n\r\n",
    "two authorizations": f"{GET}\r\nHost: a\r\nAuthorization: b\r\nauthorization: b\r\n\r\n",
    "two codings": f"{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n{CHUNK}0\r\n\r\n",
    "one coding twice": f"{HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n{CHUNK}0\r\n\r\n",
    "another coding": f"{HEAD}Transfer-Encoding: identity\r\n\r\n{TYPENAME}",
    "two headers of codings": CHUNKED.replace("Host", "Transfer-Encoding: gzip\r\nHost"),
    "another version": f"{GET[:-3]}2.0\r\nHost: a\r\n\r\n",
    "an old version": f"{GET[:-3]}0.9\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
@pytest.mark.parametrize("upgrade", ["", "Connection: upgrade\r\nUpgrade: h2c\r\n"])
def test_an_ambiguous_request_is_refused(shared: Client, request_: str, upgrade: str) -> None:
    line, _, rest = request_.partition("\r\n")
    response = exchange(shared.url, f"{line}\r\n{upgrade}{rest}".encode())
    assert response.status_code == 400
    assert code(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "request_",
    [
        f"{GET[:-1]}0\r\n\r\n",
        f"{GET}\r\nhost:\r\nConnection: close\r\n\r\n",
        f"{HEAD}TRANSFER-ENCODING:  Chunked \r\nConnection: close\r\n\r\n{CHUNK}0\r\n\r\n",
    ],
)
def test_a_valid_request_is_accepted(shared: Client, request_: str) -> None:
    response = exchange(shared.url, request_.encode())
    assert labelled(response) == {"data": {"__typename": "Query"}}


def test_headers_of_the_usual_size_are_accepted(shared: Client) -> None:
    response = shared.http.get(
        "/graphql", params={"query": "{ __typename }"}, headers={"cookie": "a" * 30_000}
    )
    assert labelled(response) == {"data": {"__typename": "Query"}}


@slow_on_postgresql
def test_a_url_over_the_body_limit_is_refused(serve: Any) -> None:
    api = serve(max_body_bytes=100)
    query = "{__typename}"
    for length, status in ((100, 200), (101, 414)):
        filled = f"query={query}&x=".ljust(length, "x")
        response = api.http.get(f"/graphql?{filled}")
        assert response.status_code == status
        labelled(response)


@pytest.mark.parametrize("size", range(60_000, 78_000, 1_500))
def test_a_head_near_the_limit_has_one_answer(shared: Client, size: int) -> None:
    head = "GET /health HTTP/1.1\r\nHost: localhost\r\n"
    filled = f"{head}x: ".ljust(size - 4, "a") + "\r\n\r\n"
    with connected(shared.url) as connection:
        connection.sendall(filled.encode())
        status = read_answer(connection).status_code
        assert status == 200 if size < 65_536 else status in (200, 431)
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        received = answers(read_to_the_end(connection))
    assert [answer.status_code for answer in received] == [200] * (status == 200)


def test_http_1_0_gets_no_interim_response(shared: Client) -> None:
    head = f"{HEAD.replace('1.1', '1.0')}Expect: 100-continue\r\nContent-Length: {len(TYPENAME)}"
    response = exchange(shared.url, f"{head}\r\n\r\n{TYPENAME}".encode())
    assert labelled(response) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-websocket-version": "8"}, 200),
        ({"sec-websocket-key": "short"}, 200),
        ({"content-length": "0"}, 200),
        ({"x": "a" * 30_000}, 431),
        ({f"x-{number}": "a" for number in range(200)}, 431),
    ],
)
def test_a_wrong_websocket_handshake(shared: Client, headers: dict[str, str], status: int) -> None:
    handshake = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        **headers,
    }
    if not headers:
        del handshake["sec-websocket-key"]
    answer = shared.http.get("/graphql?query={__typename}", headers=handshake)
    assert answer.status_code == status
    assert set(answer.json()) == {"data" if status == 200 else "errors"}
    assert shared.http.get("/health").status_code == 200
