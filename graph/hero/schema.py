"""The schema; add Strawberry's schema extensions here."""

from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.subscriptions import Subscription

schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    title="Heroes",
)
"""The immutable schema.

Strawberry's `sort_schema` would lose the enums' members, so only the printed SDL is sorted.
"""
