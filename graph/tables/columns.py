"""Searchable columns: clients may read them, and they have an index."""

from typing import Any, NamedTuple

from sqlalchemy import Column, Table

from graph.engine.definitions import get_object_definition, has_resolver, to_camel_case


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
