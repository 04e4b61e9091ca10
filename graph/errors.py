"""Errors that clients may see, with their codes; and the logger of all others.

`graph.engine.errors` makes GraphQL errors of them, and hides every other exception.
"""

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

logger = logging.getLogger("graph")

MAX_MESSAGE_LENGTH = 500
"""Characters of a message; graphql-core quotes what the client sent, however long it is."""

MAX_NAME_LENGTH = 100
"""Characters of an operation's name in logs, spans and counts; clients choose it."""


class Code(StrEnum):
    """The values of `extensions.code`, which every error carries.

    Names are those of Apollo Server where it has one
    (https://www.apollographql.com/docs/apollo-server/data/errors).
    """

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    BAD_REQUEST = "BAD_REQUEST"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    QUERY_NOT_IN_SAFELIST = "QUERY_NOT_IN_SAFELIST"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    OPERATION_TOO_COMPLEX = "OPERATION_TOO_COMPLEX"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


def brief(message: str) -> str:
    """Cut a message that is longer than `MAX_MESSAGE_LENGTH`."""
    if len(message) > MAX_MESSAGE_LENGTH:
        return f"{message[:MAX_MESSAGE_LENGTH]}…"
    return message


class PublicError(Exception):
    """An error whose message is made for clients.

    Args:
        code: the value of `extensions.code`.
        message: what is wrong, and what to do.
        details: further entries of `extensions`.
    """

    def __init__(self, code: Code, message: str, **details: Any) -> None:
        super().__init__(brief(message))
        self.code = code
        self.message = brief(message)
        self.extensions: dict[str, Any] = {"code": code, **details}

    @property
    def formatted(self) -> dict[str, Any]:
        """The entry of `errors` in a response."""
        return {"message": self.message, "extensions": self.extensions}


class BadRequestError(PublicError):
    """The request holds no usable GraphQL request; the message says what is wrong with it."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.BAD_REQUEST, message)


class BadUserInputError(PublicError):
    """A value is out of bounds or unusable; the message names it and says why."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.BAD_USER_INPUT, message)


class Constraint(StrEnum):
    """Constraints that a new value may violate, with the message for clients."""

    FOREIGN_KEY = "A reference would lead to a row that is not there."
    REFERENCED = "Other rows refer to this one."
    NOT_NULL = "A value that is required is missing."
    UNIQUE = "A value that must be unique is there already."
    CHECK = "A value breaks a rule of the table."
    RANGE = "A value is too long or out of range."


class ConstraintError(PublicError):
    """The database refuses a new value; the message is the same on every database.

    Args:
        constraint: what was violated, which clients get as `extensions.constraint`.
        fields: the fields that it is about, as clients know them; empty if they are not known.
        name: the constraint's name in the model, if it has one and is known.
    """

    def __init__(
        self, constraint: Constraint, fields: Sequence[str] = (), name: str | None = None
    ) -> None:
        code = Code.CONFLICT if constraint is Constraint.UNIQUE else Code.BAD_USER_INPUT
        self.constraint = constraint
        details = {"constraintName": name} if name else {}
        super().__init__(
            code, constraint, constraint=constraint.name, fields=list(fields), **details
        )


class MissingRightError(PublicError):
    """The database's role lacks a right that the operation needs; the cause says which."""

    def __init__(self) -> None:
        super().__init__(Code.FORBIDDEN, "The database does not allow this service to do that.")


class ReadOnlyError(PublicError):
    """A mutation was sent to a service that only reads; nothing of it was executed."""

    def __init__(self) -> None:
        super().__init__(Code.FORBIDDEN, "This service only reads: it executes no mutations.")


class UnreadableValueError(Exception):
    """A stored value that its field cannot have; the message names the row, but not the value.

    Args:
        type_: what the row is.
        key: its id; None if it is not known.
        name: the field, or the column.
        found: what was found instead, for the log.
    """

    def __init__(self, type_: str, key: object, name: str, found: object) -> None:
        row = f"a {type_}" if key is None else f"{type_} {key}"
        super().__init__(f"the stored {name} of {row} is invalid")
        self.found = "null" if found is None else f"of type {type(found).__name__}"


class NotFoundError(PublicError):
    """A mutation names a row that does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.NOT_FOUND, message)


class ConflictError(PublicError):
    """A row no longer has the values that a mutation expected; nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.CONFLICT, message)


class CursorExpiredError(PublicError):
    """Changes after a cursor are no longer there, or were of another database."""

    def __init__(self) -> None:
        super().__init__(
            Code.CURSOR_EXPIRED,
            "The changes after this cursor are no longer known. Read the rows again, with a new "
            "cursor.",
        )


class ServiceUnavailableError(PublicError):
    """The database cannot be reached or has no connection free in time; worth a retry."""

    def __init__(self, message: str = "The database is not available. Try again later.") -> None:
        super().__init__(Code.SERVICE_UNAVAILABLE, message)


class ShuttingDownError(ServiceUnavailableError):
    """The grace period of a shutdown is over: the operation was not executed."""

    def __init__(self) -> None:
        super().__init__("Shutting down.")


class DeadlineError(ServiceUnavailableError):
    """An operation exceeded its timeout and was rolled back."""

    def __init__(self) -> None:
        super().__init__("The operation took too long. Nothing was stored.")


class UnansweredError(PublicError):
    """An operation was cancelled after it was stored: it must not be sent again."""

    def __init__(self) -> None:
        super().__init__(Code.INTERNAL_SERVER_ERROR, "The answer was interrupted.")


class UnknownOutcomeError(ServiceUnavailableError):
    """The commit's outcome is unknown; retry with the same idempotency key."""

    def __init__(self) -> None:
        super().__init__(
            "The commit was interrupted. Whether the operation was stored is not known."
        )
