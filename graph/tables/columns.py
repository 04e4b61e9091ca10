"""Searchable columns: clients may read them, and they have an index."""

from datetime import datetime, time
from typing import Any, NamedTuple

from sqlalchemy import Column, Index, Table

from graph.engine.definitions import get_object_definition, has_resolver, to_camel_case
from graph.tables.sql.functions import is_stored_as_text

BY_CODE_POINT = "by_code_point"
"""Key in an index's `info`: whether its first column is text sorted by code point."""


class SearchableColumn(NamedTuple):
    """A column by which clients may filter and sort."""

    name: str
    """GraphQL name of its field."""
    column: Column[Any]
    type: object
    """Strawberry's type of its field."""


def searchable_columns(table: Table, type_: type) -> list[SearchableColumn]:
    """Return the primary key and the columns that lead an index, if clients may read them.

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
    indexed = {index.columns[0].key for index in table.indexes if index.columns}
    return [
        SearchableColumn(name, column, field.resolve_type(type_definition=definition))
        for name, field in fields.items()
        if not has_resolver(field) and not field.extensions
        if (column := table.c.get(field.python_name)) is not None
        if column.primary_key or column.index or column.key in indexed
    ]


MIN_KEY, MAX_KEY = -(2**63), 2**63 - 1
"""Bounds of integer bind parameters."""


def parse_id(id_: str) -> int | None:
    """Return the primary key of an id; None if no row can have this id.

    A key has exactly one spelling: the ids " 7" and "07" match no row.
    """
    try:
        value = int(id_)
    except ValueError:
        return None
    return value if str(value) == id_ and MIN_KEY <= value <= MAX_KEY else None


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
    elif isinstance(value, datetime | time):
        type_: Any = column.type
        has_zone = value.tzinfo is not None
        if has_zone is not type_.timezone:
            raise ValueError(f"must have {'no' if has_zone else 'a'} time zone")


def keyset_indexes(table: Table) -> None:
    """Add an index on (column, key) for each indexed column, so that the key breaks ties.

    Texts are sorted by code point (`graph.tables.sql.functions`). The migrations tell PostgreSQL:
    declaring it here would make SQLAlchemy import its whole PostgreSQL dialect.

    Args:
        table: a table whose primary key is one column.
    """
    (key,) = table.primary_key
    for column in table.c:
        if column.index:
            name = f"ix_{table.name}_{column.name}_and_{key.name}"
            Index(name, column, key, info={BY_CODE_POINT: is_stored_as_text(column.type)})
