"""The root fields that read."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graph.database.conditions import EVERYTHING
from graph.database.keys import key
from graph.engine.context import Info
from graph.engine.cost import MAXIMUM
from graph.errors import BadUserInputError
from graph.hero.statements import hero_by_key, page_of_heroes
from graph.hero.types import Hero, HeroFilter

MAX_LIMIT = 100
"""The most heroes of a page, as in the FastAPI tutorial."""

Where = Annotated[
    HeroFilter | None,
    strawberry.argument(description="Which heroes; all of them when it is not given."),
]


@strawberry.type(description="What can be read.")
class Query:
    """The root type of queries."""

    @strawberry.field(description="A page of heroes, in the order of their ids.")
    async def heroes(
        self,
        info: Info,
        offset: Annotated[
            int, strawberry.argument(description="How many heroes to pass over, 0 or more.")
        ] = 0,
        limit: Annotated[
            int,
            strawberry.argument(
                description=f"How many heroes at most, 0 to {MAX_LIMIT}.",
                metadata={MAXIMUM: MAX_LIMIT},
            ),
        ] = MAX_LIMIT,
        where: Where = strawberry.UNSET,
    ) -> Sequence[Hero]:
        """Up to `limit` heroes.

        Raises:
            BadUserInputError: `offset` or `limit` is out of bounds.
        """
        if offset < 0:
            raise BadUserInputError(f"offset must be 0 or more, not {offset}")
        if not 0 <= limit <= MAX_LIMIT:
            raise BadUserInputError(f"limit must be from 0 to {MAX_LIMIT}, not {limit}")
        condition = where.condition if where else EVERYTHING
        statement = page_of_heroes(info.columns, condition.shape)
        return await info.context.session.fetch(
            statement, offset=offset, limit=limit, **condition.parameters
        )

    @strawberry.field(description="One hero; null when no hero has this id.")
    async def hero(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The hero's id.")],  # noqa: A002 (the name in the API)
    ) -> Hero | None:
        """The hero with this id, or None."""
        hero_id = key(id)
        if hero_id is None:
            return None
        rows = await info.context.session.fetch(hero_by_key(info.columns), key=hero_id)
        return rows.first()
