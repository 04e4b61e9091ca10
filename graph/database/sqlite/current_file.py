"""Which file is at the database's path: it may be deleted or replaced while it is served."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from graph.database.sqlite.connection import OpenConnection
from graph.database.sqlite.errors import busy
from graph.database.sqlite.write_ahead_log import Identity, WriteAheadLog, identity

LOOK = 0.1
"""Seconds between two looks at the path for reads; each commit looks for itself."""


class CurrentFile:
    """Connections to the file that is at the path now.

    Before a connection to another file is opened, the write-ahead log of the former file is moved
    into that file and deleted. SQLite would leave the log behind, and apply it to the new file
    (https://sqlite.org/howtocorrupt.html, "Unlinking or renaming a database file while in use").

    Args:
        path: the path.
        log: the write-ahead log of the file at the path.
        connect: connects to the file at the path.
    """

    def __init__(self, path: Path, log: WriteAheadLog, connect: Callable[[], Connection]) -> None:
        self._path = str(path)
        self._log = log
        self._connect = connect
        self._seen: Identity | None = None
        self._next_look = 0.0
        self._open = set[OpenConnection]()

    def connection(
        self, last: OpenConnection | None = None, *, reads: bool = False
    ) -> OpenConnection:
        """Return a connection to the file at the path: the last one if it still leads there.

        Args:
            last: the caller's connection, without a transaction; it is closed if it is not
                returned.
            reads: whether the connection only reads. It may then lead to the file that was at the
                path up to `LOOK` seconds ago, but not to one before the last commit.

        Raises:
            OSError, sqlite3.DatabaseError: there is no file, or it cannot be used now.
        """
        if last is not None and last.usable:
            is_recent = reads and monotonic() < self._next_look
            if last.file == (self._seen if is_recent else self._look()):
                return last
        file = self._look()
        self._close_replaced()
        if last is not None:
            self.close(last)
        opened = OpenConnection(self._connect(), file, self._log.identity())
        if not self.leads_to_current(opened):
            opened.connection.close()
            raise busy("the file was replaced while it was opened")
        self._open.add(opened)
        return opened

    def leads_to_current(self, opened: OpenConnection) -> bool:
        """Whether the connection's file is still at the path."""
        try:
            return opened.file == self._look()
        except OSError:
            return False

    def distrust(self) -> None:
        """Open all connections again when they are used next.

        After a failure: a connection never learns that it may write again.
        """
        for each in self._open:
            each.usable = False

    def close(self, opened: OpenConnection) -> None:
        """Close a connection without a transaction.

        Raises:
            sqlite3.DatabaseError: its file was replaced, and the log cannot be moved into it yet.
        """
        if opened not in self._open:
            return
        if not self.leads_to_current(opened):
            self._move_log(opened)
        self._open.discard(opened)
        opened.usable = False
        with suppress(sqlite3.Error, SQLAlchemyError):
            opened.connection.close()

    def close_all(self) -> None:
        """Close all connections.

        Raises:
            sqlite3.DatabaseError: as `close`.
        """
        for each in [*self._open]:
            self.close(each)

    def _look(self) -> Identity:
        self._seen = None  # so that reads look again if there is no file
        self._seen = identity(self._path)
        self._next_look = monotonic() + LOOK
        return self._seen

    def _close_replaced(self) -> None:
        """Close all connections to other files than the current one.

        Raises:
            sqlite3.DatabaseError: as `close`; reads in other threads were interrupted.
        """
        replaced = [each for each in self._open if each.file != self._seen]
        for each in replaced:
            if each.in_thread:
                each.raw.interrupt()
        for each in replaced:
            self.close(each)

    def _move_log(self, opened: OpenConnection) -> None:
        """Move the log into its database, wherever that is now, and delete the log."""
        in_use = busy("the file that was replaced is still in use")
        raw = opened.raw
        if opened.in_thread or raw.in_transaction:
            raise in_use
        ((is_busy, *_),) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            raise in_use
        raw.execute("BEGIN IMMEDIATE")  # of several processes, one deletes the log
        try:
            if opened.log is not None and opened.log == self._log.identity():
                self._log.delete()
        finally:
            raw.execute("ROLLBACK")
