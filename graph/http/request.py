"""The parameters of a request, from its body or its URL."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from starlette.types import Receive, Scope

from graph.errors import BadRequestError
from graph.http.errors import HTTPError, too_large
from graph.http.persisted_queries import DocumentStore
from graph.http.response import JSON

SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
"""An escaped surrogate: half of a character beyond U+FFFF."""

VALUE_BYTES = 80
"""Memory of a JSON value, besides its text."""

SHORT = 500
"""Bytes of a JSON text from which on its value takes much memory."""

MAX_PARAMETERS = 100
"""Maximum parameters of a query string; GraphQL has six."""


class Request(NamedTuple):
    """The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters")."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]
    hash: str | None = None
    """Hash under which to store the query once it is found valid."""
    idempotency_key: object = None
    """The key in `extensions`."""


def headers_by_name(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name; several lines of one name become one list (RFC 9110, section 5.3)."""
    headers = dict(lines)
    if len(headers) == len(lines):
        return headers
    values: dict[bytes, list[bytes]] = {name: [] for name in headers}
    for name, value in lines:
        values[name].append(value)
    return {name: b", ".join(values[name]) for name in values}


async def parameters_of(
    scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, limit: int
) -> tuple[Any, int]:
    """Return the JSON value in the body of a POST, or the parameters in the URL of a GET.

    Args:
        scope: the ASGI scope of the request.
        headers: the headers, by lower-case name.
        receive: receives the body.
        limit: maximum bytes of a body or query string.

    Returns:
        The value, and the bytes of memory that it may take; 0 if they are few.

    Raises:
        PublicError: the method, body or query string is invalid, or too large.
    """
    if scope["method"] == "POST":
        text = await _read(headers, receive, limit)
        return decode(text), 0 if len(text) < SHORT else _bytes_of(text)
    if scope["method"] == "GET":
        text = scope["query_string"]
        if len(text) > limit:
            raise too_large("URL", limit, 414)
        return from_query_string(text), _bytes_of(unquote_to_bytes(text))
    raise HTTPError(405, "Only POST and GET are allowed.", (b"allow", b"GET, POST"))


def _bytes_of(text: bytes) -> int:
    """Return how many bytes the value of a JSON text may take."""
    values = len(text) - len(text.translate(None, b",[{"))  # faster than `count`
    return 2 * len(text) + VALUE_BYTES * values


async def _read(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """Read the body of a POST, up to the limit."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > limit:
        raise too_large("body", limit)
    if not is_json(headers.get(b"content-type", b"")):
        raise HTTPError(415, "The content type must be application/json, in UTF-8.")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise HTTPError(415, "The body must not be compressed.")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPError(400, "The body ended early.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large("body", limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def is_json(content_type: bytes) -> bool:
    """Whether a body of this content type is JSON in UTF-8."""
    if content_type == JSON:
        return True
    media_type, *parameters = content_type.lower().split(b";")
    pairs = [parameter.partition(b"=") for parameter in parameters]
    charsets = {value.strip(b' "') for name, _, value in pairs if name.strip() == b"charset"}
    return media_type.strip() == JSON and charsets <= {b"utf-8"}


def decode(text: bytes | str) -> Any:
    """Parse a JSON text.

    Raises:
        HTTPError: the text is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    # orjson rejects a lone surrogate, which is valid JSON: the error of its field tells more. But
    # `json` alone would accept UTF-16, NaN, and a nesting that depends on Python's version.
    try:
        text = text.decode() if isinstance(text, bytes) else text
        orjson.loads(SURROGATE.sub(r"\\ufffd", text))
        return json.loads(text)
    except (ValueError, RecursionError):
        raise HTTPError(400, "The request is not valid JSON.") from None


def from_query_string(query_string: bytes) -> dict[str, Any]:
    """Return the parameters in a GET's URL; variables and extensions are JSON texts."""
    if _has_too_many(query_string):
        raise BadRequestError(f"The query string has more than {MAX_PARAMETERS} parameters.")
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise HTTPError(400, "The query string is not valid UTF-8.") from None
    fields: dict[str, Any] = dict(pairs)
    if len(fields) < len(pairs):
        raise BadRequestError("The query string has a parameter twice.")
    for name in ("variables", "extensions"):
        if fields.get(name):
            fields[name] = decode(fields[name])
        else:
            fields.pop(name, None)
    return fields


def is_request(query_string: bytes) -> bool:
    """Whether a URL contains a query or its id, so that it is not a request for GraphiQL.

    A URL with too many parameters counts as a request, which is then rejected.
    """
    if _has_too_many(query_string):
        return True
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    return any(name in {"query", "documentId", "id", "extensions"} for name, _ in pairs)


def _has_too_many(query_string: bytes) -> bool:
    return query_string.count(b"&") >= MAX_PARAMETERS


def request_of(fields: Any, store: DocumentStore) -> Request:
    """Return the GraphQL request with these parameters.

    Raises:
        PublicError: a parameter is invalid, or the query text is unknown or not allowed.
    """
    if not isinstance(fields, dict):
        raise BadRequestError("The request must be a JSON object.")
    operation_name = fields.get("operationName")
    variables = fields.get("variables")
    extensions = fields.get("extensions")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadRequestError("operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequestError("variables must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequestError("extensions must be an object.")
    key = extensions.get("idempotencyKey") if extensions else None
    query, name = store.find(fields)
    return Request(query, operation_name or None, variables or {}, name, key)
