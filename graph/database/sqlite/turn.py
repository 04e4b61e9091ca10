"""Turns of the processes that write to one SQLite file.

SQLite's lock goes to whichever process tries at the right moment: one that commits and begins again
at once keeps it from all others. So a process that waits for the lock holds this turn, and one that
has just committed has to wait for the turn first.

It is only a courtesy. SQLite's own lock keeps writers apart, and other programs compete for that
alone.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class Turn:
    """A lock file beside the database, which the system unlocks when a process dies.

    Args:
        database: the database's path.
    """

    def __init__(self, database: Path) -> None:
        self._path = f"{os.path.realpath(database)}-turn"
        self._descriptor = -1
        self._held = False

    def take(self) -> bool:
        """Whether this process has the turn, or turns are not possible here."""
        if self._held or sys.platform == "win32":
            return True
        try:
            # Another process takes the file away when it ends.
            if self._descriptor < 0 or os.fstat(self._descriptor).st_nlink == 0:
                self._close()
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # of another user, or in a directory that is gone
            return True
        self._held = True
        return True

    def give(self) -> None:
        """Release the turn to another process."""
        if self._held and sys.platform != "win32":
            self._held = False
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Remove the lock file."""
        if self._descriptor >= 0:
            with suppress(OSError):
                Path(self._path).unlink()
        self._close()

    def _close(self) -> None:
        self._held = False
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
