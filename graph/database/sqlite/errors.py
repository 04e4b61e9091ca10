"""SQLite's errors: which to retry, and which to tell the client."""

import sqlite3

from sqlalchemy import Table

from graph.database.constraints import refuse
from graph.errors import Constraint

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
"""Another connection holds the lock: retry."""

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
"""The file is unusable at the moment (https://sqlite.org/rescode.html)."""

CONSTRAINTS = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Constraint.FOREIGN_KEY,
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: Constraint.NOT_NULL,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Constraint.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Constraint.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_ROWID: Constraint.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_CHECK: Constraint.CHECK,
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: Constraint.CHECK,  # RAISE in a trigger
    3091: Constraint.RANGE,  # SQLITE_CONSTRAINT_DATATYPE, in a strict table
}
"""The violated constraint, by SQLite's extended result code (as above)."""


MAX_KEY = 2**63 - 1
"""Greatest id of a row."""


def primary_code(error: BaseException) -> int:
    """Return SQLite's primary result code, or 0."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_undecodable(error: BaseException) -> bool:
    """Whether a text is not UTF-8; SQLite stores any bytes, and the driver has no code for it."""
    return str(error).startswith("Could not decode to UTF-8")


def busy(message: str) -> sqlite3.OperationalError:
    """Return an error that is retried like a held lock."""
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def is_exhausted(error: BaseException, raw: sqlite3.Connection, table: Table) -> bool:
    """Whether AUTOINCREMENT has given the greatest id, which SQLite reports as a full disk.

    See https://sqlite.org/autoinc.html.
    """
    if primary_code(error) != sqlite3.SQLITE_FULL:
        return False
    try:
        last = raw.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
        return (MAX_KEY,) in last.fetchall()
    except sqlite3.Error:
        return False


def check_constraint(error: BaseException, table: Table | None) -> None:
    """Raise the error of a violated constraint.

    Args:
        error: SQLite's error.
        table: the table that was written to, if it is known.
    """
    constraint = CONSTRAINTS.get(getattr(error, "sqlite_errorcode", 0))
    if constraint is not None:
        _, _, named = str(error).partition(" constraint failed: ")
        name = named.removeprefix("index ").strip("'") or None
        refuse(constraint, _columns(named, table), table, error, name=name)


def _columns(named: str, table: Table | None) -> set[str]:
    """Return the columns in a message such as `UNIQUE constraint failed: hero.id`, if all are.

    Other messages name an index or a check, or the table that a trigger writes to.
    """
    names, own = named.split(", "), f"{table}."
    if not all(name.startswith(own) for name in names):
        return set()
    return {name.removeprefix(own) for name in names}
