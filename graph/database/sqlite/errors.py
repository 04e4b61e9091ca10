"""What SQLite's errors mean: which are worth another try, and which are the client's."""

import sqlite3

from graph.errors import Constraint, ConstraintError

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
"""Another connection holds the lock: worth another try."""

UNAVAILABLE = LOCKED | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""The file cannot be used now (https://sqlite.org/rescode.html)."""

CONSTRAINTS = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Constraint.FOREIGN_KEY,
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: Constraint.NOT_NULL,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Constraint.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_CHECK: Constraint.CHECK,
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: Constraint.CHECK,  # RAISE in a trigger
    3091: Constraint.RANGE,  # SQLITE_CONSTRAINT_DATATYPE, in a strict table
}
"""What a statement broke, by SQLite's extended result code (as above). A key that is there already
is not in it, as no client can cause that: SQLite numbers new rows by itself."""


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code, 0 when there is none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def busy(message: str) -> sqlite3.OperationalError:
    """An error after which it is worth another try, as when a lock is held."""
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def check_constraint(error: BaseException) -> None:
    """Raise the public error when a constraint was broken."""
    constraint = CONSTRAINTS.get(getattr(error, "sqlite_errorcode", 0))
    if constraint is not None:
        raise ConstraintError(constraint) from error
