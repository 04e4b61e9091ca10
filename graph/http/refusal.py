"""How a request is refused: its error says why, and the error's code gives the HTTP status."""

from typing import Any

from graph.errors import Code, PublicError

STATUS = {
    Code.PERSISTED_QUERY_NOT_FOUND: 200,  # as Apollo's clients expect it
    Code.PERSISTED_QUERY_NOT_SUPPORTED: 200,
    Code.UNAUTHENTICATED: 401,
    Code.QUERY_NOT_IN_SAFELIST: 403,
    Code.INTERNAL_SERVER_ERROR: 500,
    Code.SERVICE_UNAVAILABLE: 503,
}
"""The HTTP status of what an error of this code refuses; of all others it is 400."""


class Refused(PublicError):  # noqa: N818 (an answer, not an error of ours)
    """A request that is answered without being executed, with a status or headers of its own.

    Args:
        status: the HTTP status code.
        code: what kind of error it is.
        message: what the body says.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, code: Code, message: str, *headers: tuple[bytes, bytes]
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = headers


def bad_request(message: str, status: int = 400, *headers: tuple[bytes, bytes]) -> Refused:
    """The refusal of something that is no usable GraphQL request."""
    return Refused(status, Code.BAD_REQUEST, message, *headers)


def too_large(part: str, limit: int, status: int = 413) -> Refused:
    """The refusal of a body or URL over `limit` bytes; what follows of a body is not read."""
    message = f"The {part} has more than {limit} bytes."
    return Refused(status, Code.OPERATION_TOO_COMPLEX, message)


def status_of(error: PublicError) -> int:
    """The HTTP status of a request that this error refuses."""
    return error.status if isinstance(error, Refused) else STATUS.get(error.code, 400)


def body_of(error: PublicError) -> dict[str, Any]:
    """The body of the answer, as a JSON object."""
    return {"errors": [error.formatted]}
