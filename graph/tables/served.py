"""The tables that a schema serves."""

from graphql import GraphQLObjectType
from sqlalchemy import Table

from graph.engine.definitions import core_schema, field_of
from graph.engine.schema import Schema
from graph.tables.changes import FOLLOWED
from graph.tables.types import IS_SUSPECT, TABLE


def tables_of(schema: Schema) -> list[Table]:
    """Return the tables of the resources whose types or root fields are in the schema."""
    return _tables(schema, TABLE)


def followed_tables(schema: Schema) -> list[Table]:
    """Return the tables of which the schema has the changes."""
    return _tables(schema, FOLLOWED)


def secret_fields(schema: Schema) -> list[str]:
    """Return the fields whose names sound secret, although clients read them."""
    return [
        f"{type_.name}.{name}"
        for type_ in core_schema(schema).type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if (source := field_of(field)) is not None and source.metadata.get(IS_SUSPECT)
    ]


def _tables(schema: Schema, key: str) -> list[Table]:
    """Return the tables of the fields that have this key in their metadata."""
    found: dict[Table, None] = {}
    for type_ in core_schema(schema).type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                source = field_of(field)
                if source is not None and key in source.metadata:
                    found[source.metadata[TABLE]] = None
    return list(found)
