"""The schema as a contract: read from where it is published, and compared."""

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

from graph.hero.schema import schema as current

TIMEOUT = 30
"""Seconds for a service to answer."""


class UnreadableError(Exception):
    """There is no schema where one was to be; one line for whoever asked."""


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, which might take the token elsewhere."""

    def redirect_request(self, *_args: Any) -> None:
        """None: the redirect is an error."""


class Changes(NamedTuple):
    """What a change of the schema does to clients, a line each."""

    breaking: list[str]
    dangerous: list[str]


def read(source: str | None, token: str | None = None) -> GraphQLSchema:
    """The schema, sorted, of this code, or that a file of SDL or a running service has.

    Args:
        source: the file's path, or the service's http or https URL, `/graphql` included; None for
            this code.
        token: the bearer token that the service asks for.

    Raises:
        UnreadableError: there is none.
    """
    try:
        if source is None:
            schema = build_schema(current.as_str())
        elif source.startswith(("http://", "https://")):
            schema = build_client_schema(_introspect(source, token))
        else:
            schema = build_schema(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, GraphQLError, HTTPException) as error:
        raise UnreadableError(f"cannot read a schema from {source}: {error}") from error
    return lexicographic_sort_schema(schema)


def sdl(schema: GraphQLSchema) -> str:
    """The text of a schema."""
    return f"{print_schema(schema)}\n"


def changes(old: GraphQLSchema, new: GraphQLSchema) -> Changes:
    """What becomes of the clients of `old`, as graphql-core sees it."""
    return Changes(
        [change.description for change in find_breaking_changes(old, new)],
        [change.description for change in find_dangerous_changes(old, new)],
    )


def _introspect(url: str, token: str | None) -> Any:
    """The data of the answer to an introspection query."""
    query = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(url, json.dumps({"query": query}).encode(), headers)  # noqa: S310 (`read` has seen to the scheme)
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as response:
            body = json.load(response)
    except HTTPError as refused:
        with refused:
            raise OSError(_reason(refused)) from refused
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        raise TypeError(_message(body) or "the answer is not one of GraphQL")
    return body["data"]


def _reason(refused: HTTPError) -> str:
    """Why a request was refused, in the service's words where it has some."""
    status = f"{refused.code} {HTTPStatus(refused.code).phrase}"
    try:
        message = _message(json.load(refused))
    except ValueError:
        message = None
    return f"{status}: {message}" if message else status


def _message(body: Any) -> str | None:
    """The first error's message in an answer."""
    try:
        return str(body["errors"][0]["message"])
    except (KeyError, IndexError, TypeError):
        return None
