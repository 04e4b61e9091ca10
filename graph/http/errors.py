"""Error responses: HTTP errors, and the HTTP status of each error code."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from graph.errors import Code, PublicError
from graph.http.response import GRAPHQL_JSON

PARTIAL_SUCCESS = 294
"""The HTTP status of an answer that has errors beside its data, be that `null`.

It is not a registered one, so it goes with `application/graphql-response+json` alone, as that
explains it (GraphQL over HTTP, "Partial success").
"""

STATUS = {
    Code.GRAPHQL_PARSE_FAILED: (400, 200),
    Code.BAD_REQUEST: (422, 400),
    Code.PERSISTED_QUERY_NOT_FOUND: (404, 200),
    Code.UNAUTHENTICATED: (401, 401),
    Code.FORBIDDEN: (403, 200),
    Code.QUERY_NOT_IN_SAFELIST: (403, 403),
    Code.INTERNAL_SERVER_ERROR: (500, 500),
    Code.SERVICE_UNAVAILABLE: (503, 503),
}
"""The HTTP status of a request that an error of this code refuses before it is executed.

First as `application/graphql-response+json` (GraphQL over HTTP, "Status Codes"); then as
`application/json`, which the text has no word on any more but that clients of it should be
answered in the other type. Those that there are were written when it said 200 for every
well-formed request, and often do not read an answer of another status.
"""

OTHERS = (422, 200)
"""HTTP status for all other codes."""


CLIENT_GONE = "The client has closed the connection."
"""Message of the cancellation of a request's task."""


class HTTPError(PublicError):
    """A request that is answered without being executed, with a status or headers of its own.

    Args:
        status: the HTTP status code.
        message: what the body says.
        headers: further headers of the answer.
        code: what kind of error it is; no usable GraphQL request, if nothing else.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *headers: tuple[bytes, bytes],
        code: Code = Code.BAD_REQUEST,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = headers


class InvalidDocumentError(Exception):
    """A document cannot be executed.

    Args:
        errors: of parsing or validation, as clients may see them.
        tokens: number of tokens of the document.
    """

    def __init__(self, errors: Sequence[GraphQLError], tokens: int) -> None:
        super().__init__()
        self.errors = errors
        self.tokens = tokens


def too_large(part: str, limit: int, status: int = 413) -> HTTPError:
    """Return the error of a body or URL over `limit` bytes; the rest of a body is not read."""
    message = f"The {part} has more than {limit} bytes."
    return HTTPError(status, message, code=Code.OPERATION_TOO_COMPLEX)


def status_of(error: GraphQLError | PublicError, media_type: bytes) -> int:
    """Return the HTTP status of an answer of this media type without data."""
    if isinstance(error, HTTPError):
        return error.status
    better, legacy = STATUS.get((error.extensions or {})["code"], OTHERS)
    return better if media_type == GRAPHQL_JSON else legacy


def body_of(error: PublicError) -> dict[str, Any]:
    """Return the body of the answer, as a JSON object."""
    return {"errors": [error.formatted]}
