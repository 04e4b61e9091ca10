"""Searchable columns: clients may read them, and they have an index."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, NamedTuple

from sqlalchemy import Column, Index, SmallInteger, Table, UniqueConstraint

from graph.engine.definitions import get_object_definition, has_resolver, to_camel_case
from graph.tables.sql.functions import is_stored_as_text
from graph.tables.sql.keys import ID, has_keyset_index, leads_key

BY_CODE_POINT = "by_code_point"
"""Key in an index's `info`: the names of its columns that are texts sorted by code point."""


MAX_LEVELS = 100
"""Maximum number of levels of a value of JSON; Python writes a few hundred."""

MIN_SMALL, MAX_SMALL = -(2**15), 2**15 - 1
"""Bounds of a small integer."""


class SearchableColumn(NamedTuple):
    """A column by which clients may filter and sort."""

    name: str
    """GraphQL name of its field."""
    column: Column[Any]
    type: object
    """Strawberry's type of its field."""


def searchable_columns(table: Table, type_: type) -> list[SearchableColumn]:
    """Return the primary key and the columns that lead an index, if clients may read them.

    A unique constraint has an index, too.

    Args:
        table: the table.
        type_: the Strawberry type of its rows. Columns whose field has a resolver or a permission
            are left out: a filter would reveal values that clients may not see.
    """
    definition = get_object_definition(type_, strict=True)
    # A later field replaces an earlier one of the same name.
    fields = {
        field.graphql_name or to_camel_case(field.python_name): field for field in definition.fields
    }
    leading = {
        each.columns[0].key
        for each in [*table.indexes, *table.constraints]
        if isinstance(each, Index | UniqueConstraint) and each.columns
    }
    return [
        SearchableColumn(name, column, field.resolve_type(type_definition=definition))
        for name, field in fields.items()
        if not has_resolver(field) and not field.extensions
        if (column := table.c.get(field.python_name)) is not None
        if column.primary_key or column.key in leading
    ]


def has_own_id(table: Table, type_: type) -> bool:
    """Whether the type has a field for the id, for which the table has no column."""
    if ID in table.c:
        return False
    fields = get_object_definition(type_, strict=True).fields
    return any(field.python_name == ID and not has_resolver(field) for field in fields)


def validate_for_column(value: Any, column: Column[Any]) -> None:
    """Validate that every database can store a value of the column's Python type, and compare it.

    Raises:
        ValueError: the value is invalid; the message completes "<name> …".
    """
    if type(value) is str:
        if "\0" in value:
            raise ValueError("must not contain a NUL character")
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError("must not contain a lone surrogate")
    elif type(value) in {list, dict}:
        _validate_inside(value, column, MAX_LEVELS)
    elif type(value) is int:
        if isinstance(column.type, SmallInteger) and not MIN_SMALL <= value <= MAX_SMALL:
            raise ValueError(f"must be from {MIN_SMALL} to {MAX_SMALL}")
    elif isinstance(value, datetime | time):
        type_: Any = column.type
        has_zone = value.tzinfo is not None
        if has_zone is not type_.timezone:
            raise ValueError(f"must have {'no' if has_zone else 'a'} time zone")


def _validate_inside(value: Any, column: Column[Any], levels: int) -> None:
    """Validate all that a list, or a value of JSON, contains."""
    if levels == 0:
        raise ValueError(f"must have at most {MAX_LEVELS} levels")
    for each in [*value, *value.values()] if type(value) is dict else value:
        if type(each) in {list, dict}:
            _validate_inside(each, column, levels - 1)
        else:
            validate_for_column(each, column)


def keyset_indexes(table: Table) -> None:
    """Add an index on (column, key) for each indexed or unique column; the key breaks ties.

    Texts are sorted by code point (`graph.tables.sql.functions`), so a key that has any gets an
    index, too. The migrations tell PostgreSQL: declaring it here would make SQLAlchemy import its
    whole PostgreSQL dialect.
    """
    key = list(table.primary_key)
    if any(is_stored_as_text(column.type) for column in key):
        _index(f"ix_{table.name}_by_code_point", key)
    for column in table.c:
        if has_keyset_index(column) and column is not key[0]:
            index_by([column])


def index_by(columns: Sequence[Column[Any]]) -> None:
    """Add an index on (columns, key), unless the key begins with the columns."""
    if leads_key(columns):
        return
    table: Any = columns[0].table
    key = list(table.primary_key)
    others = [each for each in key if each not in columns]
    ending = "_and_".join([each.name for each in (*columns, *others)])
    _index(f"ix_{table.name}_{ending}", [*columns, *others])


def _index(name: str, columns: list[Column[Any]]) -> None:
    table: Any = columns[0].table
    if any(index.name == name for index in table.indexes):
        return
    texts = [column.name for column in columns if is_stored_as_text(column.type)]
    Index(name, *columns, info={BY_CODE_POINT: texts})
