"""Messages of HTTP/1.1, as bytes (RFC 9112)."""

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graph.engine.encoding import encode
from graph.errors import Code, PublicError
from graph.http.endpoint import SECURITY_HEADERS
from graph.http.response import JSON

Header = tuple[bytes, bytes]


def head(method: bytes, target: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """The head of a request."""
    line = b"%s %s HTTP/%s\r\n" % (method, target, version.encode())
    return b"".join([line, *_lines(headers), b"\r\n"])


def refusal(status: int, message: str, headers: Iterable[Header]) -> bytes:
    """The response to what never becomes a request for the app, the last one of a connection.

    Args:
        status: its status code.
        message: the message of its only error, which has the code `BAD_REQUEST`.
        headers: further headers.
    """
    body = encode({"errors": [PublicError(Code.BAD_REQUEST, message).formatted]})
    headers = [
        *headers,
        (b"content-type", JSON + b"; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *SECURITY_HEADERS,
    ]
    return b"".join([STATUS_LINE[status], *_lines(headers), b"\r\n", body])


def _lines(headers: Iterable[Header]) -> list[bytes]:
    return [b"%s: %s\r\n" % header for header in headers]
