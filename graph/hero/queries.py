"""Root fields that read."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graph.engine.context import Info
from graph.hero.types import HEROES, Hero
from graph.tables import Filter, OrderTerm


@strawberry.type(description="The queries of the API.")
class Query:
    """The root type of queries."""

    @strawberry.field(description="A page of heroes, sorted by id unless `orderBy` is given.")
    async def heroes(
        self,
        info: Info,
        offset: Annotated[int, HEROES.arguments.offset] = 0,
        limit: Annotated[int, HEROES.arguments.limit] = HEROES.most,
        where: Annotated[Filter | None, HEROES.arguments.where] = strawberry.UNSET,
        order_by: Annotated[list[OrderTerm] | None, HEROES.arguments.order_by] = strawberry.UNSET,
    ) -> Sequence[Hero]:
        """Return up to `limit` heroes."""
        session = info.context.session
        return await HEROES.page(session, offset, limit, where, order_by, info.columns)

    @strawberry.field(description="Find a hero by id; null when there is none.")
    async def hero(
        self,
        info: Info,
        id: Annotated[strawberry.ID, HEROES.arguments.id],  # noqa: A002 (the name in the API)
    ) -> Hero | None:
        """Return the hero with this id, or None."""
        return await HEROES.get(info.context.session, id, info.columns)

    heroes_connection = HEROES.connection_field()
    hero_stats = HEROES.stats_field()
