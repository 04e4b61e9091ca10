"""The schema; add Strawberry's schema extensions here."""

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
"""The immutable schema.

Strawberry's `sort_schema` would lose the enums' members, so only the printed SDL is sorted.
"""
