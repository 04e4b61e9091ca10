"""Root fields that write; all fields of one operation commit together or not at all."""

from typing import Annotated

import strawberry

from graph.engine.context import ONE_STATEMENT, Info
from graph.hero.model import HeroCreate
from graph.hero.types import HEROES, Hero


async def create(info: Info, hero: Annotated[HeroCreate, HEROES.arguments.new]) -> Hero:
    """Return the hero as stored."""
    return await HEROES.insert(info.context.session, hero, info.columns)


async def delete(
    info: Info,
    id: Annotated[strawberry.ID, HEROES.arguments.id],  # noqa: A002 (the name in the API)
) -> Hero:
    """Return the deleted hero."""
    return await HEROES.delete(info.context.session, id, info.columns)


@strawberry.type(description="The mutations of the API.")
class Mutation:
    """The root type of mutations."""

    create_hero = strawberry.mutation(
        resolver=create, description="Create a hero.", metadata={ONE_STATEMENT: True}
    )
    delete_hero = strawberry.mutation(
        resolver=delete, description="Delete a hero, and return it as it was."
    )
    create_heroes = HEROES.create_many_field()
    update_hero = HEROES.update_field()
    update_heroes = HEROES.update_many_field()
    delete_heroes = HEROES.delete_many_field()
