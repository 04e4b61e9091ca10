"""The queries."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graph.engine.connection import Connection
from graph.engine.context import ORDERED_BY, Info
from graph.engine.cost import MAXIMUM
from graph.errors import BadUserInputError
from graph.hero.model import HERO
from graph.hero.statements import hero_by_key, page_of_heroes
from graph.hero.types import Hero, HeroFilter, HeroOrder, HeroStats
from graph.tables.columns import parse_id
from graph.tables.connections import OrderedRows, PageArguments, read_connection
from graph.tables.filters import condition_of
from graph.tables.orders import MAX_TERMS, order_of
from graph.tables.stats import read_stats

MAX_LIMIT = 100
"""Maximum number of heroes in a page, as in the FastAPI tutorial."""

Offset = Annotated[int, strawberry.argument(description="Number of heroes to skip, 0 or more.")]
Limit = Annotated[
    int,
    strawberry.argument(
        description=f"Maximum number of heroes, 0 to {MAX_LIMIT}.", metadata={MAXIMUM: MAX_LIMIT}
    ),
]
First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Return at most this many heroes from the start, 0 to {MAX_LIMIT}.",
        metadata={MAXIMUM: MAX_LIMIT},
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="Return only heroes after this cursor.")
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"Return at most this many heroes from the end, 0 to {MAX_LIMIT}.",
        metadata={MAXIMUM: MAX_LIMIT},
    ),
]
Before = Annotated[
    str | None, strawberry.argument(description="Return only heroes before this cursor.")
]
Where = Annotated[
    HeroFilter | None,
    strawberry.argument(description="Filter; omit it to match all heroes."),
]
OrderBy = Annotated[
    list[HeroOrder] | None,
    strawberry.argument(description=f"Up to {MAX_TERMS} sort fields; ties are broken by id."),
]


@strawberry.type(description="The queries of the API.")
class Query:
    """The root type of queries."""

    @strawberry.field(description="A page of heroes, sorted by id unless `orderBy` is given.")
    async def heroes(
        self,
        info: Info,
        offset: Offset = 0,
        limit: Limit = MAX_LIMIT,
        where: Where = strawberry.UNSET,
        order_by: OrderBy = strawberry.UNSET,
    ) -> Sequence[Hero]:
        """Return up to `limit` heroes.

        Raises:
            BadUserInputError: an argument is out of bounds.
        """
        if offset < 0:
            raise BadUserInputError(f"offset must be 0 or more, not {offset}")
        if not 0 <= limit <= MAX_LIMIT:
            raise BadUserInputError(f"limit must be from 0 to {MAX_LIMIT}, not {limit}")
        page = page_of_heroes(info.columns, order_of(HERO, order_by), condition_of(where))
        return await page.fetch(info.context.session, limit, offset)

    @strawberry.field(
        description="A page of heroes, with cursors.", metadata={ORDERED_BY: HeroOrder.columns()}
    )
    async def heroes_connection(  # noqa: PLR0913, PLR0917 (the arguments in the API)
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        where: Where = strawberry.UNSET,
        order_by: OrderBy = strawberry.UNSET,
    ) -> Connection[Hero]:
        """Return a page; the first one if no argument is given.

        Raises:
            BadUserInputError: an argument is out of bounds, or no cursor of this filter and order.
        """
        heroes = OrderedRows(HERO, order_of(HERO, order_by), condition_of(where))
        arguments = PageArguments.given(first, after, last, before)
        return await read_connection(info, heroes, arguments, MAX_LIMIT)

    @strawberry.field(description="Hero statistics.")
    async def hero_stats(self, info: Info, where: Where = strawberry.UNSET) -> HeroStats:
        """Return the selected statistics."""
        return await read_stats(info, HeroStats, HERO, condition_of(where))

    @strawberry.field(description="Find a hero by id; null when there is none.")
    async def hero(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The hero's id.")],  # noqa: A002 (the name in the API)
    ) -> Hero | None:
        """Return the hero with this id, or None."""
        hero_id = parse_id(id)
        if hero_id is None:
            return None
        rows = await info.context.session.fetch(hero_by_key(info.columns), key=hero_id)
        return rows.first()
