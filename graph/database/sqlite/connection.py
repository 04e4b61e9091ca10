"""A connection to SQLite's file, and quick reads on it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from time import perf_counter, thread_time
from typing import Any

from sqlalchemy import Connection

from graph.database.sqlite.errors import is_undecodable, primary_code
from graph.database.sqlite.write_ahead_log import Identity

SLICE = 0.002
"""Seconds that a read may take on the loop; afterwards, CPU seconds that it may take in addition.
100 rows by an index take a tenth of it."""

LONGEST_SLICE = 0.02
"""Maximum seconds in addition, while the disk or other processes delay the read."""

STEPS = 1_000
"""Instructions of SQLite's virtual machine between two checks of the clock, about 30 µs."""

FEW = 10
"""Rows between two further checks of the clock, which cost a page of 100 rows less than 1 %."""


class OpenConnection:
    """A connection to SQLite's file: SQLAlchemy's, and the driver's (`raw`).

    Args:
        connection: SQLAlchemy's connection.
        file: the file that was at the path.
        log: its write-ahead log, if it had one.
    """

    def __init__(self, connection: Connection, file: Identity, log: Identity | None) -> None:
        self.connection = connection
        self.raw = driver(connection)
        self.file = file
        self.log = log
        self.usable = True
        """Whether it is open, and nothing has failed since it was opened."""
        self.in_thread = False
        """Whether another thread uses the connection."""
        self._clock = _Clock()
        self._watch()

    def try_inline(self, sql: str, values: Sequence[object]) -> list[Any] | None:
        """Return the rows of a read; None if it takes longer than `SLICE`, or has unreadable text.

        Read these in another thread, as `used_in_thread`.

        Do not use it for a write: interrupting a write rolls its whole transaction back
        (https://sqlite.org/c3ref/interrupt.html).
        """
        self._clock.until, self._clock.cpu = perf_counter() + SLICE, None
        try:
            return self._fetch_in_time(self.raw.execute(sql, values))
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_INTERRUPT and not is_undecodable(error):
                raise
            return None
        finally:
            self._clock.until = inf

    def _fetch_in_time(self, cursor: sqlite3.Cursor) -> list[Any] | None:
        rows = some = cursor.fetchmany(FEW)
        while len(some) == FEW:
            if self._clock.is_over():  # one instruction can read a text of megabytes
                cursor.close()
                return None
            some = cursor.fetchmany(FEW)
            rows += some
        return rows

    @contextmanager
    def used_in_thread(self) -> Iterator[None]:
        """Use the connection in another thread.

        Statements then run without the progress handler, which takes the interpreter's lock.
        """
        self.in_thread = True
        self.raw.set_progress_handler(None, 0)
        try:
            with self.any_text():
                yield
        finally:
            self._watch()
            self.in_thread = False

    @contextmanager
    def any_text(self) -> Iterator[None]:
        """Read a text that is not UTF-8 as the exception; a whole statement fails of it otherwise.

        The driver's own way to read a text is faster.
        """
        self.raw.text_factory = _decoded
        try:
            yield
        finally:
            self.raw.text_factory = str

    def _watch(self) -> None:
        self.raw.set_progress_handler(self._clock.is_over, STEPS)


def _decoded(text: bytes) -> str | UnicodeDecodeError:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        return error


class _Clock:
    """Time limit of a statement; a separate object, so that no connection refers to itself."""

    __slots__ = ("cpu", "until")

    def __init__(self) -> None:
        self.until = inf
        self.cpu: float | None = None

    def is_over(self) -> bool:
        """Whether SQLite must interrupt the statement."""
        now = perf_counter()
        if now <= self.until:
            return False
        if self.cpu is None:  # late, as it is a system call, which most reads do not need
            self.cpu = thread_time() + SLICE
        return thread_time() > self.cpu or now > self.until + LONGEST_SLICE


def driver(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 (for the type checker)
    return raw


def rewrite(connection: sqlite3.Connection) -> None:
    """Write to the file without changing its contents."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")
