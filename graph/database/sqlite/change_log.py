"""The log of a table's changes on SQLite.

A writer has the file for itself when a trigger numbers an entry, the newest entry is never deleted,
and what is rolled back leaves nothing. So numbers only grow, the order of the log is that of the
commits, and every reader sees a beginning of it. An entry has a random nonce, by which a cursor
notices that the file is another one.
"""

import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
)

from graph.database.changes import NO_LOG, Batch, Change, ChangeLog, Operation, Session
from graph.database.statement import Statement
from graph.errors import BadUserInputError, CursorExpiredError, ServiceUnavailableError

NONCE_SIZE = 8
"""Bytes."""

BOUND = (
    "CREATE TRIGGER {trigger} AFTER INSERT ON {log} WHEN NEW.seq % 256 = 0 "
    "BEGIN DELETE FROM {log} WHERE seq <= NEW.seq - {kept}; END"
)
"""Cuts the log off whenever some entries were added."""

SEQ_SIZE = 8
"""Bytes of a number of an entry in a cursor."""

SIDES = ("old", "new")
"""A row as it was before a change, and as it is after."""

NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
"""Milliseconds since 1970, in functions that the oldest SQLite library has: a trigger runs in the
writer's library."""

OBJECTS = text("""
SELECT name, sql, CASE type WHEN 'trigger' THEN tbl_name END AS "table"
FROM sqlite_master ORDER BY rowid
""")


class Position(NamedTuple):
    """The position after an entry."""

    seq: int
    nonce: bytes


class SQLiteChangeLog(ChangeLog[Position]):
    """The log of a table's changes on SQLite."""

    period = 0.01

    def __init__(self, followed: Table, dialect: Dialect, kept: int) -> None:
        super().__init__(followed, dialect, kept)
        images = [(f"{side}_{each.name}", each.type) for side in SIDES for each in followed.c]
        self.table = Table(
            self.name,
            MetaData(),
            Column("seq", BigInteger),
            Column("op", Text),
            Column("at", BigInteger),
            Column("nonce", LargeBinary),
            *[Column(name, type_) for name, type_ in images],
        )
        self._images = [self.table.c[name] for name, _ in images]

    def _entry(self, operation: Operation, *sides: str) -> str:
        """Return the SQL by which a trigger writes an entry, with the row before, after or both."""
        quote, columns = self.preparer.quote, self.followed.c
        names = [quote(f"{side}_{each.name}") for side in sides for each in columns]
        values = [f"{side.upper()}.{quote(each.name)}" for side in sides for each in columns]
        into = ", ".join(["op", "at", "nonce", *names])
        row = ", ".join([f"'{operation}'", NOW, f"randomblob({NONCE_SIZE})", *values])
        return f"INSERT INTO {quote(self.name)} ({into}) VALUES ({row})"  # noqa: S608 (names quoted)

    def _expected(self) -> dict[str, str]:
        """Return the SQL of the log and its triggers, by name."""
        quote = self.preparer.quote
        log = quote(self.name)
        # Quoted as SQLite does when the table is renamed, so that it can be renamed back.
        followed = self.preparer.quote_identifier(self.followed.name)
        # 1, 1.0 and '1' are equal or written alike; the column's own collation does not count.
        changed = [
            f"OLD.{name} IS NOT NEW.{name} COLLATE BINARY "
            f"OR typeof(OLD.{name}) <> typeof(NEW.{name})"
            for name in [quote(column.name) for column in self.followed.c]
        ]
        updated = self._entry(Operation.UPDATED, *SIDES)
        triggers = {
            "created": ("INSERT", "", self._entry(Operation.CREATED, "new")),
            "updated": ("UPDATE", f" WHEN {' OR '.join(changed)}", updated),
            "deleted": ("DELETE", "", self._entry(Operation.DELETED, "old")),
        }
        made = {}
        for ending, (event, when, insert) in triggers.items():
            name = f"{self.name}_{ending}"
            body = f"{when} BEGIN {insert}; END"
            made[name] = f"CREATE TRIGGER {quote(name)} AFTER {event} ON {followed}{body}"
        sides = ", ".join([quote(column.name) for column in self._images])
        # Columns without a type keep every value as it is.
        made[self.name] = (
            f"CREATE TABLE {log} (seq INTEGER PRIMARY KEY, op TEXT NOT NULL, "
            f"at INTEGER NOT NULL, nonce BLOB NOT NULL, {sides})"
        )
        return made

    def _bound(self) -> tuple[str, str]:
        """Return the name and SQL of the trigger that bounds the log, whoever writes."""
        name = f"{self.name}_bound"
        trigger, log = self.preparer.quote(name), self.preparer.format_table(self.table)
        return name, BOUND.format(trigger=trigger, log=log, kept=self.kept)

    def _found(self, connection: Connection) -> dict[str, str]:
        """Return the SQL of those that are there, by name; none if another trigger comes first."""
        names = {*self._expected(), self._bound()[0]}
        found: dict[str, str] = {}
        for row in connection.execute(OBJECTS):
            if row.name in names:
                found[row.name] = row.sql
            elif row.table == self.followed.name:
                # SQLite runs the trigger that was made last first, and it may change the row again.
                found.clear()
        return found

    def install(self, connection: Connection) -> None:
        if self.fault(connection) is None:
            return
        found, (name, bound) = self._found(connection), self._bound()
        log = self.preparer.format_table(self.table)
        if not self._expected().items() <= found.items():
            for each in (*self._expected(), name):
                kind = "TABLE" if each == self.name else "TRIGGER"
                connection.exec_driver_sql(f"DROP {kind} IF EXISTS {self.preparer.quote(each)}")
            # The table precedes its triggers.
            for _, sql in sorted(self._expected().items()):
                connection.exec_driver_sql(sql)
            connection.exec_driver_sql(
                f"INSERT INTO {log} (op, at, nonce) "  # noqa: S608 (the name is quoted)
                f"VALUES ('{Operation.START}', {NOW}, randomblob({NONCE_SIZE}))"
            )
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {self.preparer.quote(name)}")
        connection.exec_driver_sql(bound)

    def fault(self, connection: Connection) -> str | None:
        expected = {**self._expected(), **dict([self._bound()])}
        is_whole = expected.items() <= self._found(connection).items()
        return None if is_whole else self.not_whole

    @cached_property
    def _newest(self) -> Statement:
        columns = self.table.c
        return Statement(select(columns.seq, columns.nonce).order_by(columns.seq.desc()).limit(1))

    @cached_property
    def _after(self) -> Statement:
        columns = self.table.c
        until = bindparam("until", type_=BigInteger)
        return Statement(
            select(columns.seq, columns.op, columns.nonce, *self._images)
            .where(columns.seq >= bindparam("seq", type_=BigInteger), columns.seq <= until)
            .order_by(columns.seq)
            .limit(bindparam("most", type_=BigInteger))
        )

    async def newest(self, session: Session) -> Position:
        try:
            (row,) = await session.fetch(self._newest)
        except sqlite3.OperationalError as error:  # there is no such table
            raise ServiceUnavailableError(NO_LOG) from error
        return Position(row.seq, row.nonce)

    async def read(
        self, session: Session, after: Position, until: Position | None, most: int
    ) -> Batch[Position]:
        position, count = after, len(self.followed.c)
        end = 2**63 - 1 if until is None else until.seq
        rows = await session.fetch(self._after, seq=after.seq, until=end, most=most + 1)
        entries = rows.tuples
        # The entry of the cursor is read as well.
        if not entries or (entries[0][0], entries[0][2]) != after:
            raise CursorExpiredError
        changes = []
        for seq, operation, nonce, *values in entries[1:]:
            old = None if operation == Operation.CREATED else tuple(values[:count])
            new = None if operation == Operation.DELETED else tuple(values[count:])
            position = Position(seq, nonce)
            changes.append(Change(Operation(operation), old, new, position))
        return Batch(changes, position, len(changes) < most)

    def cursor(self, position: Position) -> str:
        data = self.digest + position.seq.to_bytes(SEQ_SIZE) + position.nonce
        return urlsafe_b64encode(data).decode()

    def position(self, cursor: str) -> Position:
        try:
            data = urlsafe_b64decode(cursor.encode("ascii"))
        except (Error, ValueError):
            data = b""
        start = len(self.digest)
        seq = int.from_bytes(data[start : start + SEQ_SIZE])
        position = Position(seq, data[start + SEQ_SIZE :])
        is_ours = len(position.nonce) == NONCE_SIZE and seq < 2**63
        if not is_ours or self.cursor(position) != cursor:
            raise BadUserInputError(f"after must be a cursor of changes of {self.followed.name}")
        return position

    async def prune(self, session: Session, before: int, most: int) -> bool:
        session.start()
        deleted = await session.fetch(self._prune, before=before, kept=self.kept, most=most)
        await session.commit()
        return len(deleted) >= most - 1

    @cached_property
    def _prune(self) -> Statement:
        log = self.table.alias()
        oldest = select(log.c.seq, log.c.at).order_by(log.c.seq)
        some = oldest.limit(bindparam("most", type_=BigInteger)).cte()
        is_old = some.c.at < bindparam("before", type_=BigInteger)
        # The last old change stays: who has all of them has its cursor.
        last_old = select(func.max(some.c.seq)).where(is_old).scalar_subquery()
        newest = select(func.max(log.c.seq)).scalar_subquery()
        seq = self.table.c.seq
        return Statement(
            delete(self.table)
            .where(
                seq.in_(select(some.c.seq)),
                or_(seq < last_old, seq <= newest - bindparam("kept", type_=BigInteger)),
            )
            .returning(seq)
        )
