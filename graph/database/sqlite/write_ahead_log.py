"""SQLite's write-ahead log, a file beside the database's (https://sqlite.org/wal.html)."""

import os
import sqlite3
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from graph.errors import logger

Identity: TypeAlias = tuple[int, int]
"""Identity of a file, whatever its name: device and inode."""

LOG_LIMIT = 4_000_000
"""Bytes of the log at which it restarts from its beginning, as SQLite does at 1,000 pages."""

LONGEST_LOG = 25 * LOG_LIMIT
"""Bytes of the log at which slow reads pause. If a read is always running, in any process, the log
never restarts from its beginning, and fills the disk."""

DRAIN = 0.5
"""Seconds of a pause in which running reads may finish; then they are cancelled."""

LONGEST_PAUSE = 2.0
"""Maximum seconds of a pause: enough to checkpoint the log on a slow disk."""


def identity(path: str) -> Identity:
    """Return the identity of the file at the path.

    Raises:
        FileNotFoundError: there is no file.
    """
    status = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat, on every commit)
    return status.st_dev, status.st_ino


class WriteAheadLog:
    """The log of the database that is at a path.

    Args:
        database: the path.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._locate()
        self._due = LOG_LIMIT
        self._next_pause = LONGEST_LOG
        self._paused_at: float | None = None
        self._looked_at = 0.0
        self._in_use = False

    def _locate(self) -> None:
        # SQLite puts the log beside the file that a symbolic link leads to.
        database = os.path.realpath(self._database)
        self._path, self._index = f"{database}-wal", f"{database}-shm"

    def identity(self) -> Identity | None:
        """Return the identity of the log, or None if there is no log."""
        self._locate()  # as the link may lead to another file by now
        try:
            return identity(self._path)
        except FileNotFoundError:
            return None

    def delete(self) -> None:
        """Delete the log and its index."""
        for path in (self._path, self._index):
            Path(path).unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Size of the log in bytes."""
        try:
            return os.stat(self._path).st_size  # noqa: PTH116 (on every commit)
        except OSError:
            return 0

    @property
    def is_due(self) -> bool:
        """Whether `checkpoint` is due."""
        size = self.size
        if size <= LOG_LIMIT:
            self._due = LOG_LIMIT
            return False
        return size > self._due or self.paused() > 0

    def checkpoint(self, connection: sqlite3.Connection) -> None:
        """Copy the log into the database, so that the next write restarts the log.

        SQLite's automatic checkpoints let other processes write meanwhile; on a slow disk they
        never reach the end (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files).

        Raises:
            sqlite3.DatabaseError: the disk failed.
        """
        # An empty log tells all processes that the pause is over.
        mode = "TRUNCATE" if self.paused() else "RESTART"
        ((in_use, *_),) = connection.execute(f"PRAGMA wal_checkpoint({mode})")
        self._in_use = bool(in_use)
        self._due = LOG_LIMIT + (self.size if in_use else 0)

    def paused(self) -> float:
        """Return for how many seconds slow reads have paused; 0 if they need not pause.

        Each process decides by the size of the log alone, so that all pause at the same time. If a
        pause does not help, as another program reads, the next one begins when the log is twice as
        large.
        """
        now, size = monotonic(), self.size
        if size <= LONGEST_LOG or now > self._looked_at + LONGEST_PAUSE:
            self._next_pause, self._paused_at = LONGEST_LOG, None
        self._looked_at = now
        if size <= self._next_pause:
            return 0.0
        if self._paused_at is None:
            self._paused_at = now - 1e-6
        if now < self._paused_at + LONGEST_PAUSE:
            return now - self._paused_at
        self._next_pause, self._paused_at = 2 * size, None
        if self._in_use:
            logger.warning(
                "%s has %d MB and cannot restart while another program reads an old state of the "
                "database: look for a backup, or a shell with an open transaction, and end it",
                self._path,
                size // 1_000_000,
            )
        return 0.0
