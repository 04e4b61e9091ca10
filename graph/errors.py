"""Public errors and their codes; masking of all others."""

import logging
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any
from uuid import uuid4

from graphql import GraphQLError
from graphql.language import ValueNode
from strawberry.exceptions import StrawberryGraphQLError, StrawberryInputCoercionError

logger = logging.getLogger("graph")


class Code(StrEnum):
    """The values of `extensions.code`, which every error carries.

    The names are those of Apollo's servers where they have one
    (https://www.apollographql.com/docs/apollo-server/data/errors).
    """

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    BAD_REQUEST = "BAD_REQUEST"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    QUERY_NOT_IN_SAFELIST = "QUERY_NOT_IN_SAFELIST"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    OPERATION_TOO_COMPLEX = "OPERATION_TOO_COMPLEX"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


MAX_MESSAGE_LENGTH = 500
"""Characters of a message; graphql-core quotes what the client sent, however long it is."""


MAX_ERRORS = 10
"""Errors of one document, one set of variables or one execution that are worth reporting."""


def brief(message: str) -> str:
    """A message, cut off where it is too long."""
    if len(message) > MAX_MESSAGE_LENGTH:
        return f"{message[:MAX_MESSAGE_LENGTH]}…"
    return message


class PublicError(GraphQLError):
    """An error whose message is made for clients, with its code."""

    def __init__(self, code: Code, message: str, **details: Any) -> None:
        super().__init__(brief(message), extensions={"code": code, **details})
        self.code = code


class BadRequestError(PublicError):
    """There is no usable GraphQL request; the message says what is wrong with it."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.BAD_REQUEST, message)


class BadUserInputError(PublicError):
    """A value is out of bounds or unusable; the message says which and why."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.BAD_USER_INPUT, message)


class Constraint(StrEnum):
    """What a value that is to be stored may break, in words for clients."""

    FOREIGN_KEY = "A reference would lead to a row that is not there."
    NOT_NULL = "A value that is required is missing."
    UNIQUE = "A value that must be unique is there already."
    CHECK = "A value breaks a rule of the table."
    RANGE = "A value is too long or out of range."


class ConstraintError(BadUserInputError):
    """The database refuses what was to be stored; every engine says so in the same words."""


class NotFoundError(PublicError):
    """A mutation names a row that is not there."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.NOT_FOUND, message)


class ConflictError(PublicError):
    """A row no longer has the values that a mutation expected; nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.CONFLICT, message)


class ServiceUnavailableError(PublicError):
    """The database cannot be reached or has no connection free in time; worth retrying."""

    def __init__(self, message: str = "The database is not available. Try again later.") -> None:
        super().__init__(Code.SERVICE_UNAVAILABLE, message)


class ShuttingDownError(ServiceUnavailableError):
    """The grace time of a shutdown is over: what was not executed will not be."""

    def __init__(self) -> None:
        super().__init__("Shutting down.")


class DeadlineError(ServiceUnavailableError):
    """An operation took longer than it may, and was undone."""

    def __init__(self) -> None:
        super().__init__("The operation took too long. Nothing was stored.")


class UnknownOutcomeError(ServiceUnavailableError):
    """A commit was begun whose end is not known: worth another try, under the same key."""

    def __init__(self) -> None:
        super().__init__(
            "The commit was interrupted. Whether the operation was stored is not known."
        )


def with_code(errors: Iterable[GraphQLError], code: Code) -> list[GraphQLError]:
    """Give every error that has none yet this code, and a message that clients may see."""
    errors = list(errors)
    for error in errors:
        error.extensions = {"code": code, **(error.extensions or {})}
        # graphql-core quotes Python's own exceptions, such as `int`'s at thousands of digits.
        error.message = brief(error.message.partition(", but encountered error")[0])
    return errors


def log_unexpected(error: Exception) -> str:
    """Log an error with its traceback; return the id that it is logged under."""
    error_id = uuid4().hex
    cause = getattr(error, "original_error", None) or error
    logger.error("Unexpected error %s", error_id, exc_info=cause)
    return error_id


def internal(error_id: str) -> PublicError:
    """What a client may know of an unexpected error: the id that it was logged under."""
    return PublicError(Code.INTERNAL_SERVER_ERROR, "Internal server error", errorId=error_id)


def masked(error: Exception) -> PublicError:
    """Log an unexpected error; return what a client may know of it."""
    return internal(log_unexpected(error))


def public(errors: Sequence[GraphQLError]) -> list[GraphQLError]:
    """What a client may see of the errors of one execution: the first of them.

    The unexpected ones are logged once, as one event, and share its id.
    """
    error_id = None
    shown: list[GraphQLError] = []
    for error in errors[:MAX_ERRORS]:
        if _is_public(error):
            shown.append(error)
            continue
        error_id = error_id or log_unexpected(error)
        hidden = internal(error_id)
        hidden.nodes, hidden.path, hidden.locations = error.nodes, error.path, error.locations
        hidden.source, hidden.positions = error.source, error.positions
        shown.append(hidden)
    return shown


def _is_public(error: GraphQLError) -> bool:
    """Whether an error is made for clients, as it is or with a code that it gets here."""
    if "code" in (error.extensions or {}):
        unavailable = error.original_error or error
        if isinstance(unavailable, ServiceUnavailableError):
            logger.warning("The database is not available: %s", unavailable.__cause__)
        return True
    if _is_refusal(error.original_error or error):
        with_code([error], Code.FORBIDDEN)
        return True
    # graphql-core refuses an argument at its value, and finds fault with our data at a field.
    cause = error.original_error
    at_a_value = any(isinstance(node, ValueNode) for node in error.nodes or ())
    refused_argument = at_a_value and (cause is None or type(cause) is GraphQLError)
    if refused_argument or isinstance(cause, StrawberryInputCoercionError):
        with_code([error], Code.BAD_USER_INPUT)
        return True
    return False


def _is_refusal(cause: Exception | None) -> bool:
    """Whether a permission of the schema raised it: Strawberry's own error, or a `PermissionError`.

    One of the operating system's has a number, and is a fault.
    """
    if isinstance(cause, PermissionError):
        return cause.errno is None
    return type(cause) is StrawberryGraphQLError
