"""Statements on the rows of any table, compiled once for each choice of columns."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    ColumnElement,
    Numeric,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from graph.database.statement import STATEMENTS, Statement
from graph.tables.sql.conditions import Template, clause, visible
from graph.tables.sql.functions import JsonValue, comparable, underlying_type
from graph.tables.sql.keys import key_of, selected
from graph.tables.sql.page import is_indexed
from graph.tables.sql.segments import total_order

CACHED_COUNTS = 20
"""Maximum number of cached statements that insert several rows; each has up to 1,000 objects."""

Columns = tuple[str, ...] | None
"""The columns to return; all for None, and the key for an empty tuple."""


def _new_value(table: Table, source: str, name: str) -> BindParameter[Any]:
    """Bind parameter for a new value, named after its path in the request."""
    return bindparam(f"{source}.{name}", type_=table.c[name].type)


def _new_values(table: Table, names: tuple[str, ...]) -> dict[str, BindParameter[Any]]:
    return {name: _new_value(table, "input", name) for name in names}


def _as_expected(table: Table, name: str) -> ColumnElement[bool]:
    """Condition: the column equals the expected value; null equals null."""
    column = table.c[name]
    # With the column's own type, PostgreSQL would round the value.
    type_ = Numeric() if isinstance(column.type, Numeric) else column.type
    value: ColumnElement[Any] = bindparam(f"expected.{name}", type_=type_)
    if isinstance(underlying_type(column.type), JSON):
        return JsonValue(column).is_not_distinct_from(JsonValue(value))
    return comparable(column).is_not_distinct_from(value)


def _with_key(table: Table, columns: Columns) -> list[ColumnElement[Any]]:
    """Return the columns with these names, and the key to sort the rows by."""
    return [
        *selected(table, columns),
        *[each.label(f"_{each.key}") for each in key_of(table).columns],
    ]


def _by_key(table: Table) -> list[ColumnElement[Any]]:
    return [comparable(column) for column in key_of(table).columns]


def _sorted(table: Table, clause: Any) -> Statement:
    """Return a statement on several rows; its rows are sorted by key."""
    return Statement(clause, sort_by=len(key_of(table).columns))


@lru_cache(STATEMENTS)
def row_by_key(table: Table, columns: Columns) -> Statement:
    """Select the row with a key."""
    return Statement(select(*selected(table, columns)).where(key_of(table).matches, visible(table)))


@lru_cache(STATEMENTS)
def new_row(table: Table, columns: Columns, names: tuple[str, ...]) -> Statement:
    """Insert a row; its parameters have the names of the columns."""
    return Statement(insert(table).returning(*selected(table, columns)), values=names)


@lru_cache(CACHED_COUNTS)
def new_rows(table: Table, columns: Columns, names: tuple[str, ...], count: int) -> Statement:
    """Insert `count` rows; the parameters are named like `inputs.0.name`.

    The returned rows are sorted by key. That is the order of the inputs if the database numbers
    the rows: PostgreSQL evaluates VALUES from first to last and takes the next sequence number for
    each; SQLite inserts each row before it evaluates the next.
    """
    rows = [
        {name: _new_value(table, f"inputs.{index}", name) for name in names}
        for index in range(count)
    ]
    return _sorted(table, insert(table).values(rows).returning(*_with_key(table, columns)))


@lru_cache(STATEMENTS)
def updated_row(
    table: Table, columns: Columns, changed: tuple[str, ...], expected: tuple[str, ...]
) -> Statement:
    """Update the row with a key, if it has the expected values.

    The other parameters are named like `input.name` and `expected.name`. Without changed columns,
    the statement only reads the row.
    """
    as_expected = [_as_expected(table, name) for name in expected]
    matches = [key_of(table).matches, visible(table), *as_expected]
    if not changed:
        return Statement(select(*selected(table, columns)).where(*matches))
    updated = update(table).where(*matches).values(_new_values(table, changed))
    return Statement(updated.returning(*selected(table, columns)))


@lru_cache(STATEMENTS)
def row_to_write(table: Table) -> Statement:
    """Lock the row with a key until the transaction ends."""
    key = key_of(table)
    return Statement(select(*key.columns).where(key.matches, visible(table)).with_for_update())


@lru_cache(STATEMENTS)
def matching_keys(table: Table, where: Template) -> Statement:
    """Select the first `limit` keys of the rows that match a condition."""
    found = select(*key_of(table).columns).where(clause(table, where)).order_by(*_by_key(table))
    may_scan = not is_indexed(table, total_order(table), where)
    return Statement(found.limit(bindparam("limit", type_=BigInteger)), may_scan=may_scan)


@lru_cache(STATEMENTS)
def rows_to_write(table: Table, where: Template) -> Statement:
    """Lock the rows among `keys` that match a condition; return their keys, sorted.

    No other transaction can write them until this one ends. PostgreSQL locks each row as it finds
    it, always in the order of the keys; SQLite has one writer at a time.
    """
    key = key_of(table)
    found = select(*key.columns).where(key.among, clause(table, where)).order_by(*_by_key(table))
    return Statement(found.with_for_update())


@lru_cache(STATEMENTS)
def rows_to_read(table: Table, where: Template) -> Statement:
    """Select the keys of the rows among `keys` that match a condition."""
    key = key_of(table)
    return Statement(select(*key.columns).where(key.among, clause(table, where)))


@lru_cache(STATEMENTS)
def updated_rows(table: Table, columns: Columns, changed: tuple[str, ...]) -> Statement:
    """Update the rows with these `keys`, sorted; without changed columns, only read them."""
    among = [key_of(table).among, visible(table)]
    if not changed:
        return _sorted(table, select(*_with_key(table, columns)).where(*among))
    updated = update(table).where(*among).values(_new_values(table, changed))
    return _sorted(table, updated.returning(*_with_key(table, columns)))


@lru_cache(STATEMENTS)
def deleted_row(table: Table, columns: Columns) -> Statement:
    """Delete the row with a key."""
    return Statement(
        delete(table)
        .where(key_of(table).matches, visible(table))
        .returning(*selected(table, columns))
    )


@lru_cache(STATEMENTS)
def deleted_rows(table: Table, columns: Columns) -> Statement:
    """Delete the rows with these `keys`; return them sorted by key."""
    deleted = delete(table).where(key_of(table).among, visible(table))
    return _sorted(table, deleted.returning(*_with_key(table, columns)))
