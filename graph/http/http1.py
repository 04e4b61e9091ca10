"""Request heads and error responses of HTTP/1.1, as bytes (RFC 9112)."""

import re
from collections.abc import Iterable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graph.engine.encoding import encode
from graph.errors import Code, PublicError
from graph.http.response import JSON, SECURITY_HEADERS

Header = tuple[bytes, bytes]

VERSIONS = {"1.1", "1.0"}

SINGLE = (b"host", b"authorization", b"transfer-encoding")
"""Headers that must not be repeated, because servers differ in which line they use."""


ABSOLUTE = re.compile(rb"https?://([^/?#@]+)([/?#].*)?", re.IGNORECASE)
"""A target in absolute form without user information: host, and path with query."""


class UnacceptableError(Exception):
    """A request head that servers understand differently."""


def check(version: str, headers: Sequence[Header]) -> None:
    """Reject a request head that a server in front may understand differently.

    Args:
        version: the HTTP version of the request line.
        headers: lower-case names, and values.

    Raises:
        UnacceptableError: says what is wrong (RFC 9110, section 11.6.2; RFC 9112, sections 2.3, 3.2
            and 6.1).
    """
    if version not in VERSIONS:
        raise UnacceptableError("The version must be HTTP/1.1 or HTTP/1.0.")
    values = dict(headers)
    if len(values) < len(headers):
        names = [name for name, _ in headers]
        for name in SINGLE:
            if names.count(name) > 1:
                raise UnacceptableError(f"The header {name.decode()} is repeated.")
    if b"host" not in values and version == "1.1":
        raise UnacceptableError("The header host is missing.")
    if b"transfer-encoding" in values:
        coding = values[b"transfer-encoding"].strip().lower()
        if coding != b"chunked":
            raise UnacceptableError("The transfer coding must be chunked.")


def origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """Return the path and query of a request target, and its host if it is absolute.

    That host replaces the header `Host` (RFC 9112, section 3.2.2).

    Raises:
        UnacceptableError: the target is neither a path nor an HTTP URL.
    """
    if target.startswith(b"/") or target == b"*":
        return target, None
    found = ABSOLUTE.fullmatch(target)
    if found is None:
        raise UnacceptableError("The request's target must be a path or a URL.")
    host, rest = found[1], found[2] or b""
    return rest if rest.startswith(b"/") else b"/" + rest, host


def head(method: bytes, target: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """Return the head of a request."""
    line = b"%s %s HTTP/%s\r\n" % (method, target, version.encode())
    return b"".join([line, *_lines(headers), b"\r\n"])


def error_response(status: int, message: str, headers: Iterable[Header]) -> bytes:
    """Return the last response of a connection, to a request that does not reach the app.

    Args:
        status: the status code.
        message: the message of its error, which has the code `BAD_REQUEST`.
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
