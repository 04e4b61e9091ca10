"""Error responses: HTTP errors, and the HTTP status of each error code."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from graph.errors import Code, PublicError
from graph.http.response import GRAPHQL_JSON

PARTIAL_SUCCESS = 294
"""HTTP status of an executed operation with errors, even if its data is `null`.

It is not a registered status, so it is only used with `application/graphql-response+json`
(GraphQL over HTTP, "Partial success").
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
"""HTTP status of a request that is not executed, by the code of its error.

The first is for `application/graphql-response+json` (GraphQL over HTTP, "Status Codes"). The second
is for `application/json`: its clients expect 200 for each well-formed request, as the specification
once required, and many ignore the body of a response with another status.
"""

OTHERS = (422, 200)
"""HTTP status for all other codes."""


CLIENT_GONE = "The client has closed the connection."
"""Message of the cancellation of a request's task."""

SHUTTING_DOWN = "The service is shutting down."
"""Message of the cancellation of a stream's task."""


class HTTPError(PublicError):
    """An error with its own HTTP status and headers.

    Args:
        status: the HTTP status code.
        message: what is wrong, for the client.
        headers: further headers of the response.
        code: the value of `extensions.code`.
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
    """A document has syntax or validation errors.

    Args:
        errors: these errors, as clients may see them.
        tokens: number of tokens of the document.
    """

    def __init__(self, errors: Sequence[GraphQLError], tokens: int) -> None:
        super().__init__()
        self.errors = errors
        self.tokens = tokens


def too_large(part: str, limit: int, status: int = 413) -> HTTPError:
    """Return the error of a body or URL over `limit` bytes."""
    message = f"The {part} has more than {limit} bytes."
    return HTTPError(status, message, code=Code.OPERATION_TOO_COMPLEX)


def status_of(error: GraphQLError | PublicError, media_type: bytes) -> int:
    """Return the HTTP status of a request that is not executed."""
    if isinstance(error, HTTPError):
        return error.status
    better, legacy = STATUS.get((error.extensions or {})["code"], OTHERS)
    return better if media_type == GRAPHQL_JSON else legacy


def body_of(error: PublicError) -> dict[str, Any]:
    """Return the body of an error response, as a JSON object."""
    return {"errors": [error.formatted]}
