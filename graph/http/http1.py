"""Messages of HTTP/1.1, as bytes (RFC 9112)."""

import re
from collections.abc import Iterable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graph.engine.encoding import encode
from graph.errors import Code, PublicError
from graph.http.endpoint import SECURITY_HEADERS
from graph.http.response import JSON

Header = tuple[bytes, bytes]

VERSIONS = {"1.1", "1.0"}

SINGLE = (b"host", b"authorization", b"transfer-encoding")
"""Headers of which one server may use the first line, and another the last."""


ABSOLUTE = re.compile(rb"https?://([^/?#@]+)([/?#].*)?", re.IGNORECASE)
"""A target in absolute form, without a user: its host, and its path and query."""


class UnacceptableError(Exception):
    """A head that parses, but means different things to different servers."""


def check(version: str, headers: Sequence[Header]) -> None:
    """Let no request pass that another server, in front of us, may understand in another way.

    Args:
        version: HTTP's, of the request line.
        headers: names in lower case, and values.

    Raises:
        UnacceptableError: says what is wrong with them (RFC 9110, section 11.6.2; RFC 9112,
            sections 2.3, 3.2 and 6.1).
    """
    if version not in VERSIONS:
        raise UnacceptableError("HTTP/1.1 is spoken here.")
    values = dict(headers)
    if len(values) < len(headers):
        names = [name for name, _ in headers]
        for name in SINGLE:
            if names.count(name) > 1:
                raise UnacceptableError(f"There is a second header {name.decode()}.")
    if b"host" not in values and version == "1.1":
        raise UnacceptableError("There is no header host.")
    if b"transfer-encoding" in values:
        coding = values[b"transfer-encoding"].strip().lower()
        if coding != b"chunked":
            raise UnacceptableError("The transfer coding must be chunked.")


def origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """The target of a request as a path and query, and the host that it names.

    The host of an absolute target takes the place of the header `Host` (RFC 9112, section 3.2.2).

    Raises:
        UnacceptableError: the target is neither a path nor a URL of HTTP.
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
