"""The schema, put together."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.context import Info
from graph.mutations import Mutation
from graph.queries import Query

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(info_class=Info, sort_schema=True),
)
"""Immutable, and sorted, so that its SDL is stable."""
