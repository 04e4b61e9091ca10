"""The parameters of a request, out of a body or a URL."""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from graph.http.persisted import Queries
from graph.http.refusal import bad_request


class Request(NamedTuple):
    """The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters")."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


def decode(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        Refused: it is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:  # a lone surrogate is JSON, which orjson does not take: the field's own error is better
        text = text.decode() if isinstance(text, bytes) else text  # `json` takes UTF-16, too
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad_request("The request is not valid JSON.") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def from_query_string(query_string: bytes) -> dict[str, Any]:
    """The parameters in a GET's URL, where variables and extensions are JSON texts."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise bad_request("The query string is not valid UTF-8.") from None
    fields: dict[str, Any] = dict(pairs)
    if len(fields) < len(pairs):
        raise bad_request("The query string has a parameter twice.")
    for name in ("variables", "extensions"):
        if fields.get(name):
            fields[name] = decode(fields[name])
        else:
            fields.pop(name, None)
    return fields


def is_request(query_string: bytes) -> bool:
    """Whether a URL gives or names a query, and not only the page that shows queries."""
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    return any(name in {"query", "documentId", "id", "extensions"} for name, _ in pairs)


def request_of(fields: Any, queries: Queries) -> Request:
    """The request that these parameters make.

    Raises:
        PublicError: they make none, or one that may not be executed.
    """
    if not isinstance(fields, dict):
        raise bad_request("The request must be a JSON object.")
    operation_name = fields.get("operationName")
    variables = fields.get("variables")
    extensions = fields.get("extensions")
    if operation_name is not None and not isinstance(operation_name, str):
        raise bad_request("operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise bad_request("variables must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise bad_request("extensions must be an object.")
    return Request(queries.find(fields), operation_name or None, variables or {})
