"""Root fields that read."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graph.engine.context import Info
from graph.hero.types import HEROES, Hero
from graph.tables import Filter, OrderTerm


async def page(
    info: Info,
    offset: Annotated[int, HEROES.arguments.offset] = 0,
    limit: Annotated[int, HEROES.arguments.limit] = HEROES.most,
    where: Annotated[Filter | None, HEROES.arguments.where] = strawberry.UNSET,
    order_by: Annotated[list[OrderTerm] | None, HEROES.arguments.order_by] = strawberry.UNSET,
) -> Sequence[Hero]:
    """Return up to `limit` heroes."""
    return await HEROES.page(info.context.session, offset, limit, where, order_by, info.columns)


async def find(
    info: Info,
    id: Annotated[strawberry.ID, HEROES.arguments.id],  # noqa: A002 (the name in the API)
) -> Hero | None:
    """Return the hero with this id, or None."""
    return await HEROES.get(info.context.session, id, info.columns)


@strawberry.type(description="The queries of the API.")
class Query:
    """The root type of queries."""

    heroes = strawberry.field(
        resolver=page, description="A page of heroes, sorted by id unless `orderBy` is given."
    )
    hero = strawberry.field(
        resolver=find, description="Find a hero by id; null when there is none."
    )
    heroes_connection = HEROES.connection_field()
    hero_stats = HEROES.stats_field()
    hero_changes_cursor = HEROES.changes_cursor_field()
