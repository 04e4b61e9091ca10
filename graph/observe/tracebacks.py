"""Exceptions in the log: their types, database codes and frames.

A message may quote what a client sent: drivers quote a value that they cannot store, and Pydantic
its input. So the log has only messages of classes that are known to quote no value.
"""

import sqlite3
from traceback import format_tb

from graph.database.base import DatabaseError
from graph.errors import ServiceUnavailableError, brief

MAX_LINKS = 20
"""Maximum exceptions in one chain of causes."""

MAX_FRAMES = 50
"""Maximum frames of one exception, the innermost ones; a thousand would take 7 ms."""

OWN = (DatabaseError, ServiceUnavailableError)
"""Exceptions of this service whose messages quote no value."""

SYSTEM = {"builtins", "socket", "ssl"}
"""Modules whose `OSError`s quote at most a path; other libraries quote URLs in theirs."""

CLIENT = {
    "asyncpg.exceptions._base.ClientConfigurationError",
    "asyncpg.exceptions._base.InterfaceError",
    "asyncpg.exceptions._base.TargetServerAttributeNotMatched",
}
"""asyncpg's own errors about connections; its `DataError`, a subclass, quotes values."""

SQLSTATES = ("08", "25006", "28", "3D", "42501", "53", "57", "58")
"""PostgreSQL's codes, or classes of them, about connections, rights and resources
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

SQLITE_CODES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
"""SQLite's primary result codes for the same (https://sqlite.org/rescode.html)."""


def described(error: BaseException) -> str:
    """Return an exception's type, database code, and message if it cannot quote a value."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    message = brief(str(error)) if _quotes_no_value(error, name) else ""
    return f"{name}{f' [{code}]' if code else ''}{f': {message}' if message else ''}"


def _quotes_no_value(error: BaseException, name: str) -> bool:
    if isinstance(error, OSError):
        return type(error).__module__ in SYSTEM
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE_CODES
    if isinstance(error, OWN) or name in CLIENT:
        return True
    return str(getattr(error, "sqlstate", None)).startswith(SQLSTATES)


def formatted(error: BaseException) -> list[str]:
    """Return the lines of an exception's traceback, its causes first."""
    links: list[BaseException] = []
    waiting = [error]
    while waiting and len(links) < MAX_LINKS:
        link = waiting.pop()
        if any(link is known for known in links):
            continue
        links.append(link)
        origin = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        waiting += [origin] if origin else []
        waiting += link.exceptions if isinstance(link, BaseExceptionGroup) else []
    lines = []
    for link in reversed(links):
        lines.append("Traceback (most recent call last):")
        lines += "".join(format_tb(link.__traceback__, -MAX_FRAMES)).splitlines()
        lines.append(described(link))
    return lines
