"""The root fields that write; those of one operation commit together or not at all."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graph.database.keys import key
from graph.engine.context import Info
from graph.engine.cost import MAXIMUM
from graph.errors import BadUserInputError, ConflictError, NotFoundError
from graph.hero.statements import deleted_hero, hero_by_key, new_hero, new_heroes, updated_hero
from graph.hero.types import CreateHeroInput, Hero, UpdateHeroInput

MAX_HEROES = 100
"""The most heroes that one field writes."""


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

    @strawberry.mutation(description="Create several heroes: all of them or none.")
    async def create_heroes(
        self,
        info: Info,
        heroes: Annotated[
            list[CreateHeroInput],
            strawberry.argument(
                name="inputs",
                description=f"The new heroes, {MAX_HEROES} at most.",
                metadata={MAXIMUM: MAX_HEROES},
            ),
        ],
    ) -> Sequence[Hero]:
        """The heroes as they were stored, in the order of the inputs.

        Raises:
            BadUserInputError: there are too many.
        """
        if len(heroes) > MAX_HEROES:
            raise BadUserInputError(f"inputs must be at most {MAX_HEROES}, not {len(heroes)}")
        if not heroes:
            return []
        values = {
            f"inputs.{index}.{name}": value
            for index, hero in enumerate(heroes)
            for name, value in hero.model_dump().items()
        }
        statement = new_heroes(info.columns, len(heroes))
        return await info.context.session.fetch(statement, **values)

    @strawberry.mutation(description="Change what is given of a hero, and nothing else.")
    async def update_hero(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The hero's id.")],  # noqa: A002 (the name in the API)
        changes: Annotated[
            UpdateHeroInput,
            strawberry.argument(
                name="input", description="The new values; those left out stay as they are."
            ),
        ],
        expected: Annotated[
            UpdateHeroInput | None,
            strawberry.argument(
                description="Values that the hero must still have; if not, nothing is changed."
            ),
        ] = strawberry.UNSET,
    ) -> Hero:
        """The hero as it is now.

        Raises:
            ConflictError: it has other values than those expected.
            InputValidationError: a value breaks a rule, or is none of its column.
            NotFoundError: no hero has this id.
        """
        new, old = changes.valid(), expected.storable() if expected else {}
        hero_id = key(id)
        if hero_id is not None:
            fetch = info.context.session.fetch
            values = {f"input.{name}": value for name, value in new.items()}
            values |= {f"expected.{name}": value for name, value in old.items()}
            statement = updated_hero(info.columns, tuple(new), tuple(old))
            updated: Hero | None = (await fetch(statement, key=hero_id, **values)).first()
            if updated is not None:
                return updated
            if old and await fetch(hero_by_key(()), key=hero_id):
                raise ConflictError("the hero no longer has the values that were expected")
        raise NotFoundError("no hero has this id")

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
