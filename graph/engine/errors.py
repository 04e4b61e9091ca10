"""Errors of an execution: masks the ones that clients must not see, and adds codes."""

from collections.abc import Iterable, Sequence
from uuid import uuid4

from graphql import GraphQLError
from graphql.language import ValueNode
from strawberry.exceptions import StrawberryGraphQLError, StrawberryInputCoercionError

from graph.errors import (
    Code,
    MissingRightError,
    PublicError,
    ServiceUnavailableError,
    UnreadableValueError,
    brief,
    logger,
)

MAX_ERRORS = 10
"""Maximum number of errors reported per document, set of variables, or execution."""


def graphql_error(error: PublicError) -> GraphQLError:
    """Return the GraphQL error of a public error, without a location."""
    return GraphQLError(error.message, original_error=error, extensions=error.extensions)


def with_code(errors: Iterable[GraphQLError], code: Code) -> list[GraphQLError]:
    """Add this code to errors without one, and shorten messages to what clients may see."""
    errors = list(errors)
    for error in errors:
        error.extensions = {"code": code, **(error.extensions or {})}
        # graphql-core quotes Python's own exceptions, such as `int`'s at thousands of digits.
        error.message = brief(error.message.partition(", but encountered error")[0])
    return errors


def log_unexpected(error: Exception, error_id: str) -> None:
    """Log an error with its traceback under an id."""
    cause = getattr(error, "original_error", None) or error
    logger.error("Unexpected error %s", error_id, exc_info=cause)


def internal(error_id: str, about: Exception | None = None) -> PublicError:
    """Return the public form of an unexpected error, with its id in the log.

    Args:
        error_id: the id in the log.
        about: an error whose message clients may see.
    """
    message = "Internal server error" + (f": {about}" if about else "")
    return PublicError(Code.INTERNAL_SERVER_ERROR, message, errorId=error_id)


def masked(error: Exception) -> PublicError:
    """Log an unexpected error, and return its public form."""
    error_id = uuid4().hex
    log_unexpected(error, error_id)
    return internal(error_id)


def errors_of(error: Exception) -> list[GraphQLError]:
    """Return the errors of an execution that raised an exception, as clients may see them."""
    if isinstance(error, PublicError):
        error = graphql_error(error)
    return public([error]) if isinstance(error, GraphQLError) else [graphql_error(masked(error))]


STORED = "The operation was stored."


def said_stored(errors: list[GraphQLError]) -> list[GraphQLError]:
    """Add to the messages that the operation was stored: `data: null` alone means it was not."""
    for error in errors:
        error.message = f"{error.message.rstrip('.')}. {STORED}"
    return errors


def public(errors: Sequence[GraphQLError]) -> list[GraphQLError]:
    """Return the first `MAX_ERRORS` errors of an execution, as clients may see them.

    All unexpected errors of an execution have one id. The log has the traceback of the first, and
    one line with all stored values that their fields cannot have.
    """
    error_id = ""
    is_logged = False
    values: list[UnreadableValueError] = []
    shown: list[GraphQLError] = []
    for error in errors[:MAX_ERRORS]:
        if _is_public(error):
            shown.append(error)
            continue
        error_id = error_id or uuid4().hex
        cause = error.original_error
        value = cause if isinstance(cause, UnreadableValueError) else None
        if value is not None:
            values.append(value)
        elif not is_logged:
            log_unexpected(error, error_id)
            is_logged = True
        hidden = graphql_error(internal(error_id, value))
        hidden.nodes, hidden.path, hidden.locations = error.nodes, error.path, error.locations
        hidden.source, hidden.positions = error.source, error.positions
        shown.append(hidden)
    if values:
        found = "; ".join(f"{value}: it is {value.found}" for value in values)
        logger.error("Unexpected error %s: %s", error_id, found)
    return shown


def _is_public(error: GraphQLError) -> bool:
    """Whether clients may see an error; adds the code of a client's mistake."""
    cause = error.original_error
    if "code" in (error.extensions or {}):
        if isinstance(cause, ServiceUnavailableError):
            logger.warning("The database is not available: %s", cause.__cause__)
        elif isinstance(cause, MissingRightError):
            logger.warning("The database refuses a right: %s", cause.__cause__)
        return True
    if _is_forbidden(cause or error):
        with_code([error], Code.FORBIDDEN)
        return True
    # graphql-core locates an invalid argument at its value, and a fault in the data at a field.
    at_a_value = any(isinstance(node, ValueNode) for node in error.nodes or ())
    refused_argument = at_a_value and (cause is None or type(cause) is GraphQLError)
    if refused_argument or isinstance(cause, StrawberryInputCoercionError):
        with_code([error], Code.BAD_USER_INPUT)
        return True
    return False


def _is_forbidden(cause: Exception) -> bool:
    """Whether a permission of the schema raised the error.

    It raises Strawberry's error or a `PermissionError` without `errno`; one with `errno` comes from
    the operating system.
    """
    if isinstance(cause, PermissionError):
        return cause.errno is None
    return type(cause) is StrawberryGraphQLError
