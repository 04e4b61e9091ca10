"""The schema, put together: where Strawberry's schema extensions go."""

from strawberry.schema.config import StrawberryConfig

from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query

schema = Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(info_class=Info),
)
"""Immutable.

Strawberry's `sort_schema` would make new types, and enums that do not know their members; where it
is printed as SDL it is sorted.
"""
