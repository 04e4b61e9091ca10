"""Errors of an execution: which of them clients may see, and with which code."""

from collections.abc import Iterable, Sequence
from uuid import uuid4

from graphql import GraphQLError
from graphql.language import ValueNode
from strawberry.exceptions import StrawberryGraphQLError, StrawberryInputCoercionError

from graph.errors import Code, PublicError, ServiceUnavailableError, brief, logger

MAX_ERRORS = 10
"""Errors of one document, one set of variables or one execution that are worth reporting."""


def graphql_error(error: PublicError) -> GraphQLError:
    """The GraphQL error of a public one, without a place in the document."""
    return GraphQLError(error.message, original_error=error, extensions=error.extensions)


def with_code(errors: Iterable[GraphQLError], code: Code) -> list[GraphQLError]:
    """Give every error that has no code this one, and a message that clients may see."""
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
    """The public form of an unexpected error: the id that it was logged under."""
    return PublicError(Code.INTERNAL_SERVER_ERROR, "Internal server error", errorId=error_id)


def masked(error: Exception) -> PublicError:
    """Log an unexpected error; return its public form."""
    return internal(log_unexpected(error))


def public(errors: Sequence[GraphQLError]) -> list[GraphQLError]:
    """The first `MAX_ERRORS` errors of one execution, as clients may see them.

    Unexpected errors are logged once, as one event, and share its id.
    """
    error_id = None
    shown: list[GraphQLError] = []
    for error in errors[:MAX_ERRORS]:
        if _is_public(error):
            shown.append(error)
            continue
        error_id = error_id or log_unexpected(error)
        hidden = graphql_error(internal(error_id))
        hidden.nodes, hidden.path, hidden.locations = error.nodes, error.path, error.locations
        hidden.source, hidden.positions = error.source, error.positions
        shown.append(hidden)
    return shown


def _is_public(error: GraphQLError) -> bool:
    """Whether clients may see an error; gives it a code where it has none."""
    cause = error.original_error
    if "code" in (error.extensions or {}):
        if isinstance(cause, ServiceUnavailableError):
            logger.warning("The database is not available: %s", cause.__cause__)
        return True
    if _is_forbidden(cause or error):
        with_code([error], Code.FORBIDDEN)
        return True
    # graphql-core locates a refused argument at its value, and a fault in our data at a field.
    at_a_value = any(isinstance(node, ValueNode) for node in error.nodes or ())
    refused_argument = at_a_value and (cause is None or type(cause) is GraphQLError)
    if refused_argument or isinstance(cause, StrawberryInputCoercionError):
        with_code([error], Code.BAD_USER_INPUT)
        return True
    return False


def _is_forbidden(cause: Exception) -> bool:
    """Whether a permission of the schema raised it: Strawberry's own error, or a `PermissionError`.

    A `PermissionError` of the operating system has a number, and is a fault.
    """
    if isinstance(cause, PermissionError):
        return cause.errno is None
    return type(cause) is StrawberryGraphQLError
