"""SQLite's file: connections to it, and what their errors mean."""

import sqlite3

from sqlalchemy import Connection

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


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 (for the type checker)
    return raw


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code, 0 when there is none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def rewrite(connection: sqlite3.Connection) -> None:
    """Write what is there already."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")
