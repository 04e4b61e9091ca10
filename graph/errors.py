"""Public errors and their codes; masking of all others."""

import logging
from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from uuid import uuid4

from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

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
    OPERATION_TOO_COMPLEX = "OPERATION_TOO_COMPLEX"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


MAX_MESSAGE_LENGTH = 500
"""Characters of a message; graphql-core quotes what the client sent, however long it is."""


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


class BadUserInputError(PublicError):
    """A value is out of bounds or unusable; the message says which and why."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.BAD_USER_INPUT, message)


class NotFoundError(PublicError):
    """A mutation names a row that is not there."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.NOT_FOUND, message)


class ServiceUnavailableError(PublicError):
    """The database cannot be reached or has no connection free in time; worth retrying."""

    def __init__(self, message: str = "The database is not available. Try again later.") -> None:
        super().__init__(Code.SERVICE_UNAVAILABLE, message)


def with_code(errors: Iterable[GraphQLError], code: Code) -> list[GraphQLError]:
    """Give every error that has none yet this code, and a message that clients may see."""
    errors = list(errors)
    for error in errors:
        error.extensions = {"code": code, **(error.extensions or {})}
        # graphql-core quotes Python's own exceptions, such as `int`'s at thousands of digits.
        error.message = brief(error.message.partition(", but encountered error")[0])
    return errors


def masked(error: Exception) -> PublicError:
    """Log an unexpected error under a new id; return what a client may know of it: the id."""
    error_id = uuid4().hex
    cause = getattr(error, "original_error", None) or error
    logger.error("Unexpected error %s", error_id, exc_info=cause)
    return PublicError(Code.INTERNAL_SERVER_ERROR, "Internal server error", errorId=error_id)


def public(error: GraphQLError) -> GraphQLError:
    """What a client may see of an error raised while executing an operation."""
    if "code" in (error.extensions or {}):
        unavailable = error.original_error or error
        if isinstance(unavailable, ServiceUnavailableError):
            logger.warning("The database is not available: %s", unavailable.__cause__)
        return error
    # graphql-core refuses the argument of a root field with an error of its own at that field;
    # whatever it finds wrong with the data we return is deeper, or wraps another exception.
    cause = error.original_error
    refused_argument = (cause is None or type(cause) is GraphQLError) and len(error.path or ()) == 1
    if refused_argument or isinstance(cause, StrawberryInputCoercionError):
        return with_code([error], Code.BAD_USER_INPUT)[0]
    hidden = masked(error)
    hidden.nodes, hidden.path, hidden.locations = error.nodes, error.path, error.locations
    hidden.source, hidden.positions = error.source, error.positions
    return hidden
