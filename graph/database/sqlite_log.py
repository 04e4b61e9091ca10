"""SQLite's write-ahead log, a file beside the database's (https://sqlite.org/wal.html)."""

import os
import sqlite3
from pathlib import Path
from typing import TypeAlias

from graph.database.sqlite_errors import busy
from graph.errors import logger

Identity: TypeAlias = tuple[int, int]
"""Which file it is, whatever it is called: its device, and its number there."""

LOG_LIMIT = 4_000_000
"""Bytes that the log has when it is used again from its start, as SQLite does at 1,000 pages."""


def identity(path: str) -> Identity | None:
    """Which file is at the path; None when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat, on every request)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


class Log:
    """The log of whichever database is at a path.

    Args:
        database: the path.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._locate()

    def _locate(self) -> None:
        # SQLite puts the log beside the file that a symbolic link leads to.
        database = os.path.realpath(self._database)
        self._path, self._index = f"{database}-wal", f"{database}-shm"

    def identity(self) -> Identity | None:
        """Which file the log is; None when there is none."""
        self._locate()  # as the link may lead to another file by now
        return identity(self._path)

    @property
    def size(self) -> int:
        """Its bytes; from `LOG_LIMIT` on it is time to call `shorten`."""
        try:
            return os.stat(self._path).st_size  # noqa: PTH116 (on every commit)
        except OSError:
            return 0

    def shorten(self, connection: sqlite3.Connection) -> None:
        """Move what is in the log to the database, and have it used again from its start.

        SQLite's own way lets other processes write on meanwhile, so that it never gets to the end
        while the disk is slow (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files).
        """
        try:
            connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        except sqlite3.Error as error:
            logger.warning("The log of %s was not moved to it: %s", self._database, error)

    def retire(self, connection: sqlite3.Connection, log: Identity | None) -> None:
        """Move what is in the log to the database, wherever that is now, and take the log away.

        SQLite leaves it behind, and would apply it to whichever file comes to the path next.

        Args:
            connection: has the database open that was at the path.
            log: which file was its log.

        Raises:
            sqlite3.DatabaseError: it is in use, or the disk failed.
        """
        in_use = busy("the file that was replaced is still in use")
        if connection.in_transaction:
            raise in_use
        ((is_busy, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            raise in_use
        connection.execute("BEGIN IMMEDIATE")  # of several processes one does it
        try:
            if log is not None and log == self.identity():
                for path in (self._path, self._index):
                    Path(path).unlink(missing_ok=True)
        finally:
            connection.execute("ROLLBACK")
