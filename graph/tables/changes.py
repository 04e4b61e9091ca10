"""The changes of a table's rows, as a subscription.

A cursor is a position in the changes: who reads rows and `…ChangesCursor` in one operation, and
then subscribes after the cursor, misses no change and gets none twice.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from enum import Enum
from time import monotonic
from typing import Any, Generic, TypeVar

import strawberry
from sqlalchemy import Table

from graph.database.changes import Batch, Change, ChangeLog
from graph.database.statement import record
from graph.engine.context import Info
from graph.engine.subscriptions import Resumable
from graph.errors import BadUserInputError
from graph.tables.filters import Filter, condition_of
from graph.tables.sql.conditions import Condition, has_relation, rule
from graph.tables.sql.keys import ID, composite_id, key_of
from graph.tables.sql.predicates import predicate

P = TypeVar("P")
T = TypeVar("T")

FOLLOWED = "followed"
"""Key in a field's Strawberry metadata: the table whose changes the field reads."""

MOST = 100
"""Maximum number of changes of an event."""

PATIENCE = 30.0
"""Seconds after which an event without changes has a new cursor, so that none grows old."""


@strawberry.enum(description="What happened to a row.")
class ChangeOperation(Enum):
    """What happened to a row."""

    CREATED = strawberry.enum_value("CREATED", description="The row is new.")
    DELETED = strawberry.enum_value("DELETED", description="The row is gone.")
    UPDATED = strawberry.enum_value("UPDATED", description="The row has other values.")


@strawberry.type(name="Change", description="A change of one row.")
class RowChange(Generic[T]):
    """A change of one row."""

    operation: ChangeOperation = strawberry.field(description="What happened.")
    id: strawberry.ID = strawberry.field(description="Id of the row.")
    old: T | None = strawberry.field(
        description="The row before; null if there was none, or it did not match `where`."
    )
    new: T | None = strawberry.field(
        description="The row after; null if there is none, or it does not match `where`."
    )


@strawberry.type(name="Changes", description="Consecutive changes.")
class RowChanges(Resumable, Generic[T]):
    """An event of the subscription."""

    changes: list[RowChange[T]] = strawberry.field(
        description=f"At most {MOST} changes, in order; empty if only the cursor is new."
    )
    cursor: str = strawberry.field(
        description="Position after these changes: give it as `after` to go on there."
    )
    caught_up: bool = strawberry.field(
        description="Whether nothing more had happened when this was sent."
    )

    @property
    def event_id(self) -> str | None:
        """The id by which a client says where to go on; None if there was no change."""
        return self.cursor if self.changes else None


async def read_cursor(info: Info, table: Table) -> str:
    """Return the position in the changes of the state that the operation reads."""
    session = info.context.session
    log = session.database.feed(table).log
    return log.cursor(await log.newest(session))


async def follow(
    info: Info, table: Table, after: str | None, where: Filter | None
) -> AsyncGenerator[RowChanges[Any], None]:
    """Yield the changes of rows that match a filter, before or after.

    Args:
        info: of the subscription.
        table: the table.
        after: a cursor; None for now. The id of the client's last event goes before it.
        where: the filter.

    Raises:
        BadUserInputError: it is no such cursor, or the filter compares related rows.
        CursorExpiredError: the changes after the cursor are no longer there.
    """
    feed = info.context.session.database.feed(table)
    given = info.context.last_event_id or after
    position = feed.log.position(given) if isinstance(given, str) else None
    images = Images(table, condition_of(where))
    sent, caught_up = 0.0, False
    async with aclosing(feed.follow(position, PATIENCE)) as batches:
        async for batch in batches:
            for event in images.events(batch, feed.log):
                overdue = monotonic() - sent >= PATIENCE
                if event.changes or overdue or (event.caught_up and not caught_up):
                    sent, caught_up = monotonic(), event.caught_up
                    yield event


class Images:
    """The rows before and after changes, as clients get them.

    Args:
        table: the table.
        condition: of the rows.

    Raises:
        BadUserInputError: the condition compares related rows.
    """

    def __init__(self, table: Table, condition: Condition) -> None:
        if has_relation(condition.template):
            raise BadUserInputError("where must not compare related rows: they change on their own")
        self._matches = predicate(table, condition.both(rule(table)))
        names = tuple(table.columns.keys())
        self._key = [names.index(name) for name in key_of(table).names]
        self._has_own_id = ID in names
        self._record = record(names if self._has_own_id else (*names, ID))

    def events(self, batch: Batch[P], log: ChangeLog[P]) -> Iterator[RowChanges[Any]]:
        """Yield the events of a batch; the last one has its position."""
        changes: list[RowChange[Any]] = []
        before = batch.position
        for logged in batch.changes:
            found = self._changes(logged)
            if len(changes) + len(found) > MOST:
                yield RowChanges(changes=changes, cursor=log.cursor(before), caught_up=False)
                changes = []
            changes += found
            before = logged.position
        yield RowChanges(
            changes=changes, cursor=log.cursor(batch.position), caught_up=batch.is_last
        )

    def _changes(self, logged: Change[Any]) -> list[RowChange[Any]]:
        """Return the change of a row; two if its key was changed, none if it does not match."""
        pairs = [(logged.old, logged.new)]
        if logged.old and logged.new and self._id(logged.old) != self._id(logged.new):
            pairs = [(logged.old, None), (None, logged.new)]
        changes = []
        for old, new in pairs:
            was, is_now = self._row(old), self._row(new)
            if was is not None or is_now is not None:
                operation = ChangeOperation.UPDATED
                if old is None or new is None:
                    operation = ChangeOperation.CREATED if new else ChangeOperation.DELETED
                id_ = strawberry.ID(self._id(new or old or ()))
                changes.append(RowChange(operation=operation, id=id_, old=was, new=is_now))
        return changes

    def _row(self, values: Sequence[Any] | None) -> Any:
        """Return the row with these values; None if it does not match."""
        if values is None or not self._matches(values):
            return None
        return (
            self._record(*values) if self._has_own_id else self._record(*values, self._id(values))
        )

    def _id(self, values: Sequence[Any]) -> str:
        key = [values[place] for place in self._key]
        return str(key[0]) if len(key) == 1 else composite_id(key)
