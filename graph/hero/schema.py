"""The schema, put together."""

from typing import Any

import strawberry
from graphql import GraphQLInputObjectType
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graph.engine.context import Info
from graph.hero.mutations import Mutation
from graph.hero.queries import Query


class Schema(strawberry.Schema):
    """Strawberry's schema, where `isOneOf` can be asked of every type.

    Strawberry's own resolver fails on lists and on types that are not null.
    """

    def _extend_introspection(self) -> None:
        described: Any = self._schema.type_map["__Type"]
        described.fields["isOneOf"].resolve = _is_one_of


def _is_one_of(type_: Any, _info: Any) -> bool | None:
    """Whether an input object takes exactly one of its fields; None for other types."""
    if not isinstance(type_, GraphQLInputObjectType):
        return None
    is_one_of: bool = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of
    return is_one_of


schema = Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(info_class=Info, sort_schema=True),
)
"""Immutable, and sorted, so that its SDL is stable."""
