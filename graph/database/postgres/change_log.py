"""The log of a table's changes on PostgreSQL.

Entries are numbered before they are committed, so a number is no position: a later number may be
committed first. A position is a snapshot: what it does not see comes after it, and a transaction
enters the snapshots at exactly one step. Of two transactions that write one row, the second sees
the first as finished, so within a step the numbers have the order of each row
(https://www.postgresql.org/docs/current/functions-info.html, "Snapshot Components").

What tells a log from others is made of the server, its timeline, the database and the table: a
standby that was promoted, or a restored dump, has another history.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    MetaData,
    Row,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
    update,
)

from graph.database.changes import (
    NO_LOG,
    Batch,
    Change,
    ChangeLog,
    Operation,
    Session,
)
from graph.database.statement import Statement
from graph.errors import BadUserInputError, CursorExpiredError, ServiceUnavailableError

FOLLOWED = text("""
SELECT CAST(pg_class.oid AS bigint) AS oid, nspname AS schema, (
  SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '
    ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = ANY (CAST(:columns AS text[]))
) AS columns
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid = to_regclass(CAST(:name AS text))
""")

TRIGGERS = text("""
SELECT count(*) FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE tgrelid = CAST(:oid AS oid) AND tgenabled = 'A'
  AND tgname::text = ANY (CAST(:names AS text[])) AND prosrc = :body
""")

MISSING_RIGHTS = text("""
SELECT CAST(current_user AS text) AS role, string_agg(needed, ', ') AS rights
FROM unnest(CAST('{SELECT,UPDATE,DELETE}' AS text[])) AS needed
WHERE NOT has_table_privilege(to_regclass(CAST(:log AS text)), needed)
""")

COMMENT = text("SELECT obj_description(to_regclass(CAST(:name AS text)), 'pg_class')")

NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
"""Milliseconds since 1970."""

TRANSACTION = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
"""The transaction that writes, with its epoch: such numbers are never used twice."""

FIRST = 0
"""Transaction of the entry with which a log begins. Its `floor` is the last transaction of which
entries were deleted."""

BODY = f"""
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO {{log}} (op, at, transaction, new)
    VALUES ('{Operation.CREATED}', {NOW}, {TRANSACTION}, row_to_json(NEW));
  ELSIF TG_OP = 'UPDATE' THEN
    IF OLD OPERATOR(pg_catalog.*<>) NEW THEN
      INSERT INTO {{log}} (op, at, transaction, old, new)
      VALUES ('{Operation.UPDATED}', {NOW}, {TRANSACTION}, row_to_json(OLD), row_to_json(NEW));
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO {{log}} (op, at, transaction, old)
    VALUES ('{Operation.DELETED}', {NOW}, {TRANSACTION}, row_to_json(OLD));
  ELSE
    INSERT INTO {{log}} (op, at, transaction)
    VALUES ('{Operation.TRUNCATED}', {NOW}, {TRANSACTION});
  END IF;
  RETURN NULL;
END
"""  # noqa: S608 (no input)
"""Keeps rows as JSON, so that no writer fails when a column was altered."""

SNAPSHOT = "CAST(pg_current_snapshot() AS text)"

MAX_NUMBER = 2**63


STATEMENTS = (
    "DROP FUNCTION IF EXISTS {function}() CASCADE",
    "DROP TABLE IF EXISTS {log}",
    """
    CREATE TABLE {log} (
      seq bigint GENERATED ALWAYS AS IDENTITY,
      op text NOT NULL,
      at bigint NOT NULL,
      transaction bigint NOT NULL,
      floor bigint,
      old json,
      new json,
      PRIMARY KEY (transaction, seq)
    )
    """,
    f"""
    INSERT INTO {{log}} (op, at, transaction, floor)
    VALUES ('{Operation.START}', {NOW}, {FIRST}, {FIRST})
    """,  # noqa: S608 (no input)
    "COMMENT ON TABLE {log} IS '{digest}'",
    """
    CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body${body}$body$
    """,
    """
    CREATE TRIGGER {row} AFTER INSERT OR UPDATE OR DELETE ON {followed}
    FOR EACH ROW EXECUTE FUNCTION {function}()
    """,
    """
    CREATE TRIGGER {truncated} AFTER TRUNCATE ON {followed}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}()
    """,
    """
    ALTER TABLE {followed} ENABLE ALWAYS TRIGGER {row}, ENABLE ALWAYS TRIGGER {truncated}
    """,
)
"""Make the log and its triggers, after those that are there in part or differ."""


class Snapshot(NamedTuple):
    """Which transactions are finished."""

    text: str
    """As PostgreSQL writes it."""
    end: int
    """All transactions from this one on are not."""
    running: tuple[int, ...]
    """Earlier ones that are not."""

    @classmethod
    def parse(cls, text: str) -> "Snapshot":
        """Return the snapshot of a text.

        Raises:
            ValueError: it is none.
        """
        start, end, running = text.split(":")
        between = tuple([int(each) for each in running.split(",") if each])
        numbers = [int(start), *between, int(end)]
        written = f"{numbers[0]}:{numbers[-1]}:{','.join(map(str, between))}"
        if numbers != sorted(numbers) or not 0 <= numbers[-1] < MAX_NUMBER or written != text:
            raise ValueError(text)
        return cls(text, numbers[-1], between)


class Entry(NamedTuple):
    """What tells an entry of the log from others, on any server."""

    seq: int
    at: int
    transaction: int


class Position(NamedTuple):
    """The position after all that a snapshot sees, or within the step to the next one."""

    snapshot: Snapshot
    last: Entry
    """The last entry before it; a restored backup may have another in its place."""
    until: Snapshot | None
    """The next snapshot, of which the entries up to the last one are before the position."""
    identity: str
    """Tells this log from others."""


IDENTITY = """
CASE WHEN pg_is_in_recovery() THEN NULL ELSE md5(concat_ws(':',
  (SELECT system_identifier FROM pg_control_system()),
  left(pg_walfile_name(pg_current_wal_lsn()), 8),
  (SELECT oid FROM pg_database WHERE datname = current_database()),
  CAST(to_regclass({log}) AS oid)
)) END
"""
"""What tells the log from others; null on a standby."""


class PostgresChangeLog(ChangeLog[Position]):
    """The log of a table's changes on PostgreSQL."""

    period = 0.05

    def __init__(self, followed: Table, dialect: Dialect, kept: int) -> None:
        super().__init__(followed, dialect, kept)
        numbers = [Column(name, BigInteger) for name in ("seq", "at", "transaction", "floor")]
        images = [Column(name, JSON) for name in ("old", "new")]
        self.table = Table(
            self.name, MetaData(), Column("op", Text), *numbers, *images, schema=followed.schema
        )

    @property
    def _triggers(self) -> list[str]:
        # In the order of their names, triggers run; others, which may change the row again, must
        # come later.
        return [f"!{self.name}", f"!{self.name}_truncated"]

    def _qualified(self, schema: str, name: str) -> str:
        return f"{self.preparer.quote(schema)}.{self.preparer.quote(name)}"

    def _sql(self, found: Row[Any]) -> dict[str, str]:
        """Return the parts of `STATEMENTS` for the table that was found."""
        log = self._qualified(found.schema, self.name)
        row, truncated = map(self.preparer.quote, self._triggers)
        return {
            "log": log,
            "followed": self._qualified(found.schema, self.followed.name),
            "function": self._qualified(found.schema, f"{self.name}_written"),
            "body": BODY.format(log=log),
            "row": row,
            "truncated": truncated,
        }

    def _found(self, connection: Connection) -> Row[Any]:
        name = self.preparer.format_table(self.followed)
        columns = [column.name for column in self.followed.c]
        return connection.execute(FOLLOWED, {"name": name, "columns": columns}).one()

    def install(self, connection: Connection) -> None:
        found = self._found(connection)
        sql = self._sql(found)
        parts = [*STATEMENTS, *sql.values(), found.columns]
        digest = blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
        is_ours = connection.scalar(COMMENT, {"name": sql["log"]}) == digest
        if not is_ours or not self._is_whole(connection, found):
            for statement in STATEMENTS:
                connection.exec_driver_sql(statement.format(**sql, digest=digest))

    def _is_whole(self, connection: Connection, found: Row[Any]) -> bool:
        asked = {"oid": found.oid, "names": self._triggers, "body": self._sql(found)["body"]}
        return bool(connection.scalar(TRIGGERS, asked) == len(self._triggers))

    def fault(self, connection: Connection) -> str | None:
        found = self._found(connection)
        if not self._is_whole(connection, found):
            return self.not_whole
        log = self._sql(found)["log"]
        lacks = connection.execute(MISSING_RIGHTS, {"log": log}).one()
        if lacks.rights is None:
            return None
        role = self.preparer.quote(lacks.role)
        return f"the role {role} lacks privileges: GRANT {lacks.rights} ON {log} TO {role}"

    @cached_property
    def _newest(self) -> Statement:
        first, entry = self.table.alias(), self.table.alias()
        newest = select(entry.c.seq, entry.c.at, entry.c.transaction)
        newest = newest.order_by(entry.c.transaction.desc(), entry.c.seq.desc())
        last = newest.where(entry.c.transaction > FIRST).limit(1).subquery()
        return Statement(
            select(*self._state, *last.c)
            .select_from(first.outerjoin(last, true()))
            .where(first.c.transaction == FIRST)
        )

    @cached_property
    def _after(self) -> Statement:
        first, entry, last = self.table.alias(), self.table.alias(), self.table.alias()
        number = func.xid8(cast(entry.c.transaction, Text))
        until = func.coalesce(bindparam("until", type_=Text), literal_column(SNAPSHOT))
        running = bindparam("running", type_=ARRAY(BigInteger))
        old, new = self._row(entry.c.old), self._row(entry.c.new)
        images = [
            column.label(f"{side}_{column.name}")
            for side, row in (("old", old), ("new", new))
            for column in row.c
        ]
        changes = (
            select(entry.c.seq, entry.c.op, entry.c.at, entry.c.transaction, *images)
            .select_from(entry.join(old, true()).join(new, true()))
            .where(
                entry.c.seq > bindparam("seq", type_=BigInteger),
                or_(
                    entry.c.transaction >= bindparam("end", type_=BigInteger),
                    entry.c.transaction == any_(running),
                ),
                func.pg_visible_in_snapshot(number, func.pg_snapshot(until), type_=Boolean),
            )
            .order_by(entry.c.seq)
            .limit(bindparam("most", type_=BigInteger))
            .lateral()
        )
        known = exists().where(
            last.c.seq == bindparam("last_seq", type_=BigInteger),
            last.c.at == bindparam("last_at", type_=BigInteger),
            last.c.transaction == bindparam("last_transaction", type_=BigInteger),
        )
        return Statement(
            select(*self._state, first.c.floor, known.label("known"))
            .add_columns(*changes.c)
            .select_from(first.outerjoin(changes, true()))
            .where(first.c.transaction == FIRST)
            .order_by(changes.c.seq)
        )

    def _row(self, image: ColumnElement[Any]) -> Any:
        """Return a row as a table, with the types that the columns have now."""
        name = self.preparer.format_table(self.followed)
        as_row = func.json_populate_record(literal_column(f"CAST(NULL AS {name})"), image)
        columns = [Column(each.name, each.type) for each in self.followed.c]
        return as_row.table_valued(*columns).lateral()

    @cached_property
    def _state(self) -> list[ColumnElement[Any]]:
        """What the statement sees, and what tells the log from others."""
        name = literal(self.preparer.format_table(self.table), Text)
        log = name.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        identity = IDENTITY.format(log=log)
        return [
            literal_column(SNAPSHOT, Text).label("snapshot"),
            literal_column(identity, Text).label("identity"),
        ]

    async def newest(self, session: Session) -> Position:
        try:
            row = (await session.fetch(self._newest)).first()
        except asyncpg.UndefinedTableError as error:
            raise ServiceUnavailableError(NO_LOG) from error
        if row is None or row.identity is None:
            raise ServiceUnavailableError(NO_LOG)
        last = Entry(row.seq or 0, row.at or 0, row.transaction or 0)
        return Position(Snapshot.parse(row.snapshot), last, None, row.identity)

    async def read(
        self, session: Session, after: Position, until: Position | None, most: int
    ) -> Batch[Position]:
        wanted = after.until or (None if until is None else until.snapshot)
        rows = await session.fetch(
            self._after,
            seq=0 if after.until is None else after.last.seq,
            end=after.snapshot.end,
            running=list(after.snapshot.running),
            until=None if wanted is None else wanted.text,
            most=most,
            **{f"last_{name}": value for name, value in after.last._asdict().items()},
        )
        if not rows:
            raise CursorExpiredError
        first = rows[0]
        now = Snapshot.parse(first.snapshot)
        _check(after, now, first)
        step, count = wanted or now, len(self.followed.c)
        changes = []
        for _, _, _, _, seq, operation, at, transaction, *values in rows.tuples:
            if seq is None:  # no change
                break
            if operation == Operation.TRUNCATED:
                raise CursorExpiredError
            position = after._replace(last=Entry(seq, at, transaction), until=step)
            old = None if operation == Operation.CREATED else tuple(values[:count])
            new = None if operation == Operation.DELETED else tuple(values[count:])
            changes.append(Change(Operation(operation), old, new, position))
        if len(changes) == most:
            return Batch(changes, changes[-1].position, is_last=False)
        last = changes[-1].position.last if changes else after.last
        return Batch(
            changes, Position(step, last, None, after.identity), is_last=after.until is None
        )

    def cursor(self, position: Position) -> str:
        parts = [
            position.snapshot.text,
            position.until and position.until.text,
            position.last,
            position.identity,
        ]
        return urlsafe_b64encode(self.digest + json.dumps(parts).encode()).decode()

    def position(self, cursor: str) -> Position:
        try:
            data = urlsafe_b64decode(cursor.encode("ascii"))
            snapshot, until, last, identity = json.loads(data[len(self.digest) :])
            position = Position(
                Snapshot.parse(snapshot),
                Entry(*map(int, last)),
                None if until is None else Snapshot.parse(until),
                str(identity),
            )
            is_ours = self.cursor(position) == cursor and max(position.last) < MAX_NUMBER
        except (ValueError, TypeError, AttributeError, RecursionError):
            is_ours = False
        if not is_ours:
            raise BadUserInputError(f"after must be a cursor of changes of {self.followed.name}")
        return position

    async def prune(self, session: Session, before: int, most: int) -> bool:
        session.start()
        deleted = await session.fetch(self._prune, before=before, kept=self.kept, most=most)
        if deleted:
            floor = max(row.transaction for row in deleted)
            await session.fetch(self._raise_floor, floor=floor)
        await session.commit()
        return len(deleted) == most

    @cached_property
    def _prune(self) -> Statement:
        log, columns = self.table.alias(), self.table.c
        oldest = select(log.c.transaction, log.c.seq, log.c.at).where(log.c.transaction > FIRST)
        oldest = oldest.order_by(log.c.transaction, log.c.seq)
        some = oldest.limit(bindparam("most", type_=BigInteger)).subquery()
        newest = select(log.c.seq).order_by(log.c.transaction.desc(), log.c.seq.desc()).limit(1)
        surplus = some.c.seq <= newest.scalar_subquery() - bindparam("kept", type_=BigInteger)
        is_old = some.c.at < bindparam("before", type_=BigInteger)
        return Statement(
            delete(self.table)
            .where(
                tuple_(columns.transaction, columns.seq).in_(
                    select(some.c.transaction, some.c.seq).where(is_old | surplus)
                ),
                columns.seq < newest.scalar_subquery(),
            )
            .returning(columns.transaction)
        )

    @cached_property
    def _raise_floor(self) -> Statement:
        floor = func.greatest(self.table.c.floor, bindparam("floor", type_=BigInteger))
        return Statement(
            update(self.table)
            .where(self.table.c.transaction == FIRST)
            .values(floor=floor)
            .returning(self.table.c.seq)
        )


def _check(after: Position, now: Snapshot, found: Any) -> None:
    """Check that the log has all changes after a position.

    Raises:
        CursorExpiredError: it has not.
        ServiceUnavailableError: it is that of a standby.
    """
    if found.identity is None:
        raise ServiceUnavailableError(NO_LOG)
    pruned = after.snapshot.end <= found.floor or any(
        each <= found.floor and each not in now.running for each in after.snapshot.running
    )
    end = max(after.snapshot.end, after.until.end if after.until else 0)
    is_known = found.known or after.last.transaction <= found.floor or not after.last.seq
    if found.identity != after.identity or end > now.end or pruned or not is_known:
        raise CursorExpiredError
