"""The columns by which clients may find rows: those that they may read, and that have an index."""

from typing import Any, NamedTuple

from sqlalchemy import Column, Table

from graph.engine.definitions import get_object_definition, has_resolver, to_camel_case


class SearchableColumn(NamedTuple):
    """A column that clients may read."""

    name: str
    """That of its field, in GraphQL."""
    column: Column[Any]
    type: object
    """That of its field, as Strawberry has it."""


def searchable_columns(table: Table, type_: type) -> list[SearchableColumn]:
    """The key and the columns that lead an index, as far as clients may read them.

    Args:
        table: what has the columns.
        type_: the Strawberry type of its rows. What has a field with a resolver or a permission is
            left out: by finding rows, clients would learn of values that they may not see.
    """
    definition = get_object_definition(type_, strict=True)
    # A later field stands in the place of an earlier one of the same name.
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
