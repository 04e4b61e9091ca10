"""Schema diff: reads schemas from files and services, and finds breaking changes."""

import json
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    get_introspection_query,
    lexicographic_sort_schema,
    print_schema,
)

from graph.engine.schema import Schema

TIMEOUT = 30
"""Seconds to wait for a service's answer."""


class UnreadableError(Exception):
    """A schema cannot be read; the message is one line for the user."""


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirects, which could send the token to another host."""

    def redirect_request(self, *_args: Any) -> None:
        """Return None, so that a redirect is an error."""


class Changes(NamedTuple):
    """Effects of a schema change on clients, one line each."""

    breaking: list[str]
    dangerous: list[str]


def read(source: str | Schema, token: str | None = None) -> GraphQLSchema:
    """Read the sorted schema of this code, an SDL file or a running service.

    Args:
        source: path of a file, or http(s) URL of a service, including `/graphql`; or this code's.
        token: the service's bearer token.

    Raises:
        UnreadableError: the schema cannot be read.
    """
    try:
        if isinstance(source, Schema):
            schema = build_schema(source.as_str())
        elif source.startswith(("http://", "https://")):
            schema = build_client_schema(_introspect(source, token))
        else:
            schema = build_schema(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, GraphQLError, HTTPException) as error:
        raise UnreadableError(f"cannot read a schema from {source}: {error}") from error
    return lexicographic_sort_schema(schema)


def sdl(schema: GraphQLSchema) -> str:
    """Return the SDL of a schema."""
    return f"{print_schema(schema)}\n"


def changes(old: GraphQLSchema, new: GraphQLSchema) -> Changes:
    """Return the effects on clients of `old`, found by graphql-core."""
    return Changes(
        [change.description for change in find_breaking_changes(old, new)],
        [change.description for change in find_dangerous_changes(old, new)],
    )


def _introspect(url: str, token: str | None) -> Any:
    """Return the data of a service's introspection."""
    query = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(url, json.dumps({"query": query}).encode(), headers)  # noqa: S310 (`read` has checked the scheme)
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as response:
            body = json.load(response)
    except HTTPError as error:
        with error:
            raise OSError(_reason(error)) from error
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        raise TypeError(_message(body) or "the answer is not a GraphQL response")
    return body["data"]


def _reason(error: HTTPError) -> str:
    """Return the status of a failed request, with the service's message if it sent one."""
    status = f"{error.code} {HTTPStatus(error.code).phrase}"
    try:
        message = _message(json.load(error))
    except ValueError:
        message = None
    return f"{status}: {message}" if message else status


def _message(body: Any) -> str | None:
    """Return the message of the first error in an answer."""
    try:
        return str(body["errors"][0]["message"])
    except (KeyError, IndexError, TypeError):
        return None
