"""PostgreSQL's errors: which to retry, and which to tell the client."""

import asyncio
import re
from typing import TypeAlias

import asyncpg
from sqlalchemy import Table

from graph.database.constraints import refuse
from graph.errors import Constraint, MissingRightError, ServiceUnavailableError

Raw: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""The driver's connection."""

UNAVAILABLE = {"08", "40", "53", "57", "58"}
"""SQLSTATE classes that are worth a retry: connection exceptions, serialization failures and
deadlocks, insufficient resources, operator intervention (a shutdown, a cancelled statement), system
errors (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

NOT_THE_STATEMENT = {"", "08", "58", "XX"}
"""SQLSTATE classes (as above) of failures outside the statement, which a pooler may report instead
of the server: the statement may have been committed."""

READ_ONLY = "25006"
"""Read-only transaction: the server is a standby, or was one when the session began."""

UNAVAILABLE_CODES = {
    READ_ONLY,
    "55P03",  # lock not available
}

NO_RIGHT = "42501"
"""Insufficient privilege: the role lacks a right, or row-level security refuses a row."""

CONSTRAINTS = {
    "23502": Constraint.NOT_NULL,
    "23503": Constraint.FOREIGN_KEY,
    "23001": Constraint.FOREIGN_KEY,  # with `ON DELETE RESTRICT`
    "23505": Constraint.UNIQUE,
    "23514": Constraint.CHECK,
    "23P01": Constraint.CHECK,  # an exclusion constraint
    "22001": Constraint.RANGE,
    "22003": Constraint.RANGE,
    "22008": Constraint.RANGE,
    "22021": Constraint.RANGE,  # a character that the encoding of the database lacks
    "22P05": Constraint.RANGE,
    "44000": Constraint.CHECK,
    "45000": Constraint.CHECK,  # SQL's code for user-defined errors
    "P0001": Constraint.CHECK,  # RAISE EXCEPTION, as in a trigger
    "P0004": Constraint.CHECK,  # ASSERT
}
"""The violated constraint, by SQLSTATE (as above)."""

KEYS = re.compile(r"^[^(]*\(([^()]+)\)=\(")
"""Columns, but no expressions, in the details of an error about a key."""


def is_unavailable(error: BaseException) -> bool:
    """Whether a driver's error means that the database is unavailable."""
    # A column was altered after the statement was prepared: a retry prepares it again.
    if isinstance(error, OSError | asyncpg.InvalidCachedStatementError) or was_not_sent(error):
        return True
    code = getattr(error, "sqlstate", None) or ""
    return code[:2] in UNAVAILABLE or code in UNAVAILABLE_CODES


def is_outcome_unknown(error: BaseException, raw: Raw) -> bool:
    """Whether a commit that failed with this error may have succeeded."""
    # The server's last message before it closed the connection is the cause of the driver's error.
    for each in (error, error.__cause__):
        if isinstance(each, asyncpg.PostgresError) and each.severity is not None:
            return (each.sqlstate or "")[:2] in NOT_THE_STATEMENT
    return not was_not_sent(error) and is_unanswered(error, raw)


def is_refused(error: BaseException, raw: Raw) -> bool:
    """Whether the server refused a statement, and the connection can be used again."""
    is_answer = isinstance(error, asyncpg.PostgresError) and not is_unavailable(error)
    return is_answer and not raw.is_closed() and not raw.is_in_transaction()


def was_not_sent(error: BaseException) -> bool:
    """Whether the connection failed while it was idle, before anything was sent."""
    return isinstance(error, asyncpg.InternalClientError) and str(error).startswith("cannot switch")


def is_unanswered(error: BaseException, raw: Raw) -> bool:
    """Whether the error came instead of the server's answer."""
    return isinstance(error, TimeoutError | asyncio.CancelledError) or raw.is_closed()


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's error, unwrapped from SQLAlchemy's or ours."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def check_constraint(error: BaseException, table: Table | None) -> None:
    """Raise the public error if a constraint or a missing right made the statement fail.

    Args:
        error: the driver's error.
        table: the table that was written to, if it is known.
    """
    code = getattr(error, "sqlstate", None) or ""
    if code == NO_RIGHT:
        raise MissingRightError from error
    constraint = CONSTRAINTS.get(code)
    if constraint is not None:
        name = vars(error).get("constraint_name")
        refuse(constraint, _columns(error, table), table, error, name=name)


def _columns(error: BaseException, table: Table | None) -> set[str]:
    """Return the columns that a constraint is about; none if they are not known.

    They are in the error, or in its details as `(id)=(7)`, in any language. The details are missing
    where row-level security may hide the row: a primary key is then known by its default name.
    """
    says: dict[str, str | None] = vars(error)
    if says.get("context") or table is None:  # in a trigger, which may write to another table
        return set()
    if column := says.get("column_name"):
        return {column}
    if keys := KEYS.search(says.get("detail") or ""):
        return {name.strip('"') for name in keys[1].split(", ")}
    is_key = says.get("constraint_name") == f"{says.get('table_name')}_pkey"
    return {key.name for key in table.primary_key} if is_key else set()


def raise_public(error: BaseException, raw: Raw, table: Table | None = None) -> None:
    """Raise the public error, unless the error is a fault of this service."""
    check_constraint(error, table)
    if getattr(error, "sqlstate", None) == READ_ONLY:
        raw.terminate()  # a new connection may lead to a server that can be written to
    if is_unavailable(error) or raw.is_closed():
        raise ServiceUnavailableError from with_message(error)


def with_message(error: BaseException) -> BaseException:
    """Return the error, or a timeout with a message if the error has none."""
    return error if str(error) else TimeoutError("no answer in time")
