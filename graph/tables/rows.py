"""Reads and writes the rows of a table, for resolvers."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel
from sqlalchemy import Table

from graph.database.base import Session
from graph.errors import (
    BadUserInputError,
    ConflictError,
    Constraint,
    ConstraintError,
    MissingRightError,
    NotFoundError,
)
from graph.tables.filters import Filter, condition_of
from graph.tables.inputs import Changes
from graph.tables.orders import OrderTerm, order_of
from graph.tables.sql.conditions import constant
from graph.tables.sql.keys import key_of
from graph.tables.sql.page import Page
from graph.tables.sql.writing import (
    Columns,
    deleted_row,
    deleted_rows,
    matching_keys,
    new_row,
    new_rows,
    row_by_key,
    row_to_write,
    rows_to_read,
    rows_to_write,
    updated_row,
    updated_rows,
)

T = TypeVar("T")


class TableRows(Generic[T]):
    """The rows of a table.

    Methods return rows in place of instances of the GraphQL type, with only the columns that
    `info.columns` names.

    Args:
        table: the table.
        one: what a row is, such as `hero`.
        many: the plural.
        most: maximum number of rows that one field reads or writes.
    """

    def __init__(self, table: Table, *, one: str, many: str, most: int) -> None:
        self.table = table
        # The database gives these a value if the client does not.
        self._omittable = [
            column.key
            for column in table.c
            if column.server_default is not None or column.primary_key
        ]
        self.key = key_of(table)
        self.one = one
        self.many = many
        self.most = most
        self.hidden: frozenset[str] = frozenset()
        """Columns that clients write, but may not read; nor may they guess their values."""

    async def get(self, session: Session, id_: str, columns: Columns) -> T | None:
        """Return the row with this id, or None."""
        key = self.key.parameters(id_)
        if key is None:
            return None
        rows = await session.fetch(row_by_key(self.table, columns), **key)
        return rows.first()

    async def page(  # noqa: PLR0913, PLR0917 (the arguments in the API)
        self,
        session: Session,
        offset: int,
        limit: int,
        where: Filter | None,
        order_by: Sequence[OrderTerm] | None,
        columns: Columns,
    ) -> Sequence[T]:
        """Return up to `limit` rows.

        Raises:
            BadUserInputError: an argument is out of bounds.
        """
        if offset < 0:
            raise BadUserInputError(f"offset must be 0 or more, not {offset}")
        if not 0 <= limit <= self.most:
            raise BadUserInputError(f"limit must be from 0 to {self.most}, not {limit}")
        page = Page(self.table, columns, order_of(self.table, order_by), condition_of(where))
        return await page.fetch(session, limit, offset)

    async def insert(self, session: Session, new: BaseModel, columns: Columns) -> T:
        """Return the new row as stored; it takes one statement."""
        values = self._values(new)
        statement = new_row(self.table, columns, tuple(values))
        (created,) = await session.fetch_exactly(1, statement, **values)
        return cast("T", created)

    async def insert_many(
        self, session: Session, new: Sequence[BaseModel], columns: Columns
    ) -> Sequence[T]:
        """Return the new rows as stored, in the order of the inputs.

        Raises:
            BadUserInputError: too many inputs.
        """
        if len(new) > self.most:
            raise BadUserInputError(f"inputs must be at most {self.most}, not {len(new)}")
        if not new:
            return []
        rows = [self.key.with_defaults(self._values(each)) for each in new]
        names = tuple(rows[0])
        known = set(self.key.names).issubset(names)
        if any(row.keys() != rows[0].keys() for row in rows) or not (known or self.key.is_numbered):
            statements = [new_row(self.table, columns, tuple(row)) for row in rows]
            return [
                created
                for statement, row in zip(statements, rows, strict=True)
                for created in await session.fetch_exactly(1, statement, **row)
            ]
        values = {
            f"inputs.{index}.{name}": value
            for index, row in enumerate(rows)
            for name, value in row.items()
        }
        statement = new_rows(self.table, columns, names, len(rows))
        created = await session.fetch_exactly(len(rows), statement, **values)
        if not known:
            return created
        keys = [tuple([row[name] for name in self.key.names]) for row in rows]
        places = sorted(range(len(keys)), key=keys.__getitem__)
        by_place = dict(zip(places, created.tuples, strict=True))
        return created.holding([by_place[place] for place in range(len(keys))])

    async def update(
        self,
        session: Session,
        id_: str,
        changes: Changes,
        expected: Changes | None,
        columns: Columns,
    ) -> T:
        """Return the updated row.

        Raises:
            BadUserInputError: a value is expected of a column that clients may not read.
            ConflictError: the row does not have the expected values.
            ConstraintError: a trigger of the database kept the row unchanged.
            InputValidationError: a value breaks a rule or does not fit its column.
            NotFoundError: no row has this id.
        """
        new, old = changes.valid(), expected.storable() if expected else {}
        if unreadable := old.keys() & self.hidden:
            raise BadUserInputError(f"expected must not have {', '.join(sorted(unreadable))}")
        key = self._found(id_)
        values = key | {f"input.{name}": value for name, value in new.items()}
        values |= {f"expected.{name}": value for name, value in old.items()}
        statement = updated_row(self.table, columns, tuple(new), tuple(old))
        updated: T | None = (await session.fetch(statement, **values)).first()
        if updated is not None:
            return updated
        await self._lock(session, key)
        if old and not await session.fetch(updated_row(self.table, (), (), tuple(old)), **values):
            raise ConflictError(f"the {self.one} no longer has the values that were expected")
        # Another transaction may have written the row before this one locked it.
        (again,) = await session.fetch_exactly(1, statement, **values)
        return cast("T", again)

    async def update_many(
        self, session: Session, where: Filter, changes: Changes, at_most: int, columns: Columns
    ) -> Sequence[T]:
        """Return the updated rows, sorted by key.

        Raises:
            BadUserInputError: too many rows match, or the filter has no comparison.
            InputValidationError: a value breaks a rule or does not fit its column.
        """
        new = changes.valid()
        keys = await self._matching(session, where, at_most)
        if not keys:
            return []
        values = self.key.given(keys) | {f"input.{name}": value for name, value in new.items()}
        statement = updated_rows(self.table, columns, tuple(new))
        return await session.fetch_exactly(len(keys), statement, **values)

    async def delete(self, session: Session, id_: str, columns: Columns) -> T:
        """Return the deleted row.

        Raises:
            NotFoundError: no row has this id.
        """
        key, statement = self._found(id_), deleted_row(self.table, columns)
        try:
            deleted: T | None = (await session.fetch(statement, **key)).first()
            if deleted is not None:
                return deleted
            await self._lock(session, key)  # as in `update`
            (again,) = await session.fetch_exactly(1, statement, **key)
        except ConstraintError as error:
            raise _of_a_deletion(error) from error.__cause__
        return cast("T", again)

    async def delete_many(
        self, session: Session, where: Filter, at_most: int, columns: Columns
    ) -> Sequence[T]:
        """Return the deleted rows, sorted by key.

        Raises:
            BadUserInputError: too many rows match, or the filter has no comparison.
        """
        keys = await self._matching(session, where, at_most)
        if not keys:
            return []
        statement = deleted_rows(self.table, columns)
        try:
            return await session.fetch_exactly(len(keys), statement, **self.key.given(keys))
        except ConstraintError as error:
            raise _of_a_deletion(error) from error.__cause__

    def _values(self, new: BaseModel) -> dict[str, Any]:
        """Return the given values of a new row."""
        values = new.model_dump()
        for name in self._omittable:
            if name in values and (name not in new.model_fields_set or values[name] is None):
                del values[name]
        return values

    def _found(self, id_: str) -> dict[str, object]:
        """Return the bind parameters of an id.

        Raises:
            NotFoundError: no row can have it.
        """
        key = self.key.parameters(id_)
        if key is None:
            raise NotFoundError(f"no {self.one} has this id")
        return key

    async def _lock(self, session: Session, key: Mapping[str, object]) -> None:
        """Keep others from writing a row until the transaction ends.

        Raises:
            MissingRightError: row-level security lets the row be read, and not written.
            NotFoundError: no row has this key.
        """
        if await session.fetch(row_to_write(self.table), **key):
            return
        if await session.fetch(row_by_key(self.table, ()), **key):
            raise self._no_policy()
        raise NotFoundError(f"no {self.one} has this id")

    async def _matching(
        self, session: Session, where: Filter, at_most: int
    ) -> Sequence[Sequence[Any]]:
        """Lock the rows to write, and return their keys, in order.

        The search comes before the transaction if nothing else did, so that other writers need not
        wait for it; if it finds nothing, no transaction begins. The rows returned matched during
        the search and match now. One that began to match in between is left out, as if changed
        later.

        Raises:
            BadUserInputError: too many rows match, or the filter has no comparison.
            MissingRightError: row-level security lets a row be read, and not written.
        """
        if not 1 <= at_most <= self.most:
            raise BadUserInputError(f"atMost must be from 1 to {self.most}, not {at_most}")
        template, values = where.condition.template, where.condition.parameters
        if constant(template):
            raise BadUserInputError("where must compare something")
        statement = matching_keys(self.table, template)
        found = await session.search(statement, limit=at_most + 1, **values)
        if len(found) > at_most:
            raise BadUserInputError(
                f"where matches more {self.many} than atMost allows ({at_most})"
            )
        if not found:
            return []
        statement = rows_to_write(self.table, template)
        locked = await session.fetch(statement, **self.key.given(found.tuples), **values)
        if len(locked) < len(found):
            # Row-level security passes over a row that may only be read; others have changed.
            others = self.key.given([key for key in found.tuples if key not in locked.tuples])
            if await session.fetch(rows_to_read(self.table, template), **others, **values):
                raise self._no_policy()
        return locked.tuples

    def _no_policy(self) -> MissingRightError:
        error = MissingRightError()
        error.__cause__ = PermissionError(
            f"no policy lets a {self.one} be written that may be read"
        )
        return error


def _of_a_deletion(error: ConstraintError) -> ConstraintError:
    """Return the error of a deletion: a violated reference is that of another row."""
    if error.constraint is Constraint.FOREIGN_KEY:
        return ConstraintError(Constraint.REFERENCED)
    return error
