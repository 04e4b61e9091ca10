"""The root fields that write; those of one operation commit together or not at all."""

from typing import Annotated

import strawberry

from graph.database.keys import key
from graph.engine.context import Info
from graph.errors import NotFoundError
from graph.hero.statements import deleted_hero, new_hero
from graph.hero.types import CreateHeroInput, Hero


@strawberry.type(description="What can be written.")
class Mutation:
    """The root type of mutations."""

    @strawberry.mutation(description="Create a hero.")
    async def create_hero(
        self,
        info: Info,
        hero: Annotated[
            CreateHeroInput, strawberry.argument(name="input", description="The new hero.")
        ],
    ) -> Hero:
        """The hero as it was stored."""
        statement = new_hero(info.columns)
        rows = await info.context.session.fetch(statement, **hero.model_dump())
        created: Hero = rows[0]
        return created

    @strawberry.mutation(description="Delete a hero, and return it as it was.")
    async def delete_hero(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The hero's id.")],  # noqa: A002 (the name in the API)
    ) -> Hero:
        """The hero that was deleted.

        Raises:
            NotFoundError: no hero has this id.
        """
        hero_id = key(id)
        if hero_id is not None:
            rows = await info.context.session.fetch(deleted_hero(info.columns), key=hero_id)
            deleted: Hero | None = rows.first()
            if deleted is not None:
                return deleted
        raise NotFoundError("no hero has this id")
