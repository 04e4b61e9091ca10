"""Requests that no HTTP library sends, on a plain socket."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

HEAD = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def post(*queries: str) -> bytes:
    """A complete request; several queries are a batch."""
    operations = [{"query": query} for query in queries]
    body = json.dumps(operations if len(operations) > 1 else operations[0]).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def connected(url: str, *, narrow: bool = False) -> Iterator[socket.socket]:
    """A connection to the service at this base URL.

    Args:
        url: the base URL.
        narrow: have the system take some kilobytes only of what is not read, not megabytes.
    """
    parts = httpx.URL(url)
    with socket.socket() as connection:
        if narrow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.settimeout(30)
        connection.connect((parts.host, parts.port or 80))
        yield connection


def read_to_the_end(connection: socket.socket) -> bytes:
    """All bytes until the service closes the connection."""
    answer = b""
    with suppress(ConnectionResetError):  # if it did not read all bytes
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def read_answer(connection: socket.socket) -> httpx.Response:
    """The next response, which has a `Content-Length`, on an open connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, "the connection was closed"
        head += byte
    length = int(_response(head[:-4]).headers["content-length"])
    body = connection.recv(length, socket.MSG_WAITALL)
    return _response(head[:-4], body)


def answers(received: bytes) -> list[httpx.Response]:
    """The responses in these bytes, without interim ones."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        answer = _response(head)
        length = int(answer.headers.get("content-length", 0))
        if not answer.is_informational:
            found.append(_response(head, received[:length]))
        received = received[length:]
    return found


def exchange(url: str, request: bytes) -> httpx.Response:
    """The response to these bytes; the service must close the connection after it."""
    with connected(url) as connection:
        with suppress(OSError):  # it may answer and close before it has read all
            connection.sendall(request)
        answer = read_to_the_end(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    return _response(head, body)


def _response(head: bytes, body: bytes = b"") -> httpx.Response:
    status, *lines = head.decode("ascii").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)  # type: ignore[arg-type] # (each is a pair)
