"""The root fields that write; those of one operation commit together or not at all."""

from functools import cache
from typing import Annotated

import strawberry
from sqlalchemy import BigInteger, bindparam, delete, insert

from graph.database.statement import Statement
from graph.engine.context import Info
from graph.errors import NotFoundError
from graph.hero.model import HERO, HeroCreate
from graph.hero.queries import key, selected
from graph.hero.types import CreateHeroInput, Hero


@cache
def new_hero(columns: tuple[str, ...] | None) -> Statement:
    """Insert a hero; its parameters are the fields of `HeroCreate`."""
    inserted = insert(HERO).returning(*selected(columns))
    return Statement(inserted, values=tuple(HeroCreate.model_fields))


@cache
def deleted_hero(columns: tuple[str, ...] | None) -> Statement:
    """Delete a hero, by the parameter `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    deleted = delete(HERO).where(HERO.c.id == hero_id)
    return Statement(deleted.returning(*selected(columns)))


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
