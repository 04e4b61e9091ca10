"""Root fields of mutations; all fields of one operation commit together or not at all."""

from collections.abc import Sequence
from typing import Annotated, cast

import strawberry

from graph.database.base import Session
from graph.engine.context import ONE_STATEMENT, Info
from graph.engine.cost import MAXIMUM
from graph.errors import (
    BadUserInputError,
    ConflictError,
    MissingRightError,
    NotFoundError,
)
from graph.hero.statements import (
    HERO_TO_WRITE,
    deleted_hero,
    deleted_heroes,
    hero_by_key,
    heroes_to_read,
    heroes_to_write,
    matching_heroes,
    new_hero,
    new_heroes,
    updated_hero,
    updated_heroes,
)
from graph.hero.types import CreateHeroInput, Hero, HeroFilter, UpdateHeroInput
from graph.tables.columns import parse_id
from graph.tables.sql.conditions import constant

MAX_HEROES = 100
"""Maximum number of heroes that one field writes."""

NO_HERO = "no hero has this id"

NO_POLICY = "no policy lets a hero be written that may be read"

Id = Annotated[strawberry.ID, strawberry.argument(description="The hero's id.")]
Changed = Annotated[
    UpdateHeroInput,
    strawberry.argument(name="input", description="New values; omitted fields stay unchanged."),
]
Where = Annotated[
    HeroFilter, strawberry.argument(description="Filter; must contain at least one comparison.")
]
AtMost = Annotated[
    int,
    strawberry.argument(
        description=f"Maximum number of matches, 1 to {MAX_HEROES}; with more, nothing is written.",
        metadata={MAXIMUM: MAX_HEROES},
    ),
]


async def matching(info: Info, where: HeroFilter, at_most: int) -> list[int]:
    """Lock the heroes to write, and return their ids, in order.

    The search comes before the transaction if nothing else did, so that other writers need not
    wait for it; if it finds nothing, no transaction begins. The heroes returned matched during the
    search and match now. One that began to match in between is left out, as if changed later.

    Raises:
        BadUserInputError: too many heroes match, or the filter has no comparison.
        MissingRightError: row-level security lets a hero be read, and not written.
    """
    if not 1 <= at_most <= MAX_HEROES:
        raise BadUserInputError(f"atMost must be from 1 to {MAX_HEROES}, not {at_most}")
    template = where.condition.template
    if constant(template):
        raise BadUserInputError("where must compare something")
    session, values = info.context.session, where.condition.parameters
    found = await session.search(matching_heroes(template), limit=at_most + 1, **values)
    if len(found) > at_most:
        raise BadUserInputError(f"where matches more heroes than atMost allows ({at_most})")
    if not found:
        return []
    ids = [row.id for row in found]
    locked = [row.id for row in await session.fetch(heroes_to_write(template), ids=ids, **values)]
    if len(locked) < len(ids):
        # Row-level security passes over a hero that may only be read; others have changed.
        others = [hero_id for hero_id in ids if hero_id not in locked]
        if await session.fetch(heroes_to_read(template), ids=others, **values):
            raise MissingRightError from PermissionError(NO_POLICY)
    return locked


async def lock(session: Session, hero_id: int) -> None:
    """Keep others from writing a hero until the transaction ends.

    Raises:
        MissingRightError: row-level security lets the hero be read, and not written.
        NotFoundError: no hero has this id.
    """
    if await session.fetch(HERO_TO_WRITE, key=hero_id):
        return
    if await session.fetch(hero_by_key(()), key=hero_id):
        raise MissingRightError from PermissionError(NO_POLICY)
    raise NotFoundError(NO_HERO)


@strawberry.type(description="The mutations of the API.")
class Mutation:
    """The root type of mutations."""

    @strawberry.mutation(description="Create a hero.", metadata={ONE_STATEMENT: True})
    async def create_hero(
        self,
        info: Info,
        hero: Annotated[
            CreateHeroInput, strawberry.argument(name="input", description="The new hero.")
        ],
    ) -> Hero:
        """Return the hero as stored."""
        statement = new_hero(info.columns)
        session = info.context.session
        (created,) = await session.fetch_exactly(1, statement, **hero.model_dump())
        return cast("Hero", created)

    @strawberry.mutation(description="Create several heroes, all or none.")
    async def create_heroes(
        self,
        info: Info,
        heroes: Annotated[
            list[CreateHeroInput],
            strawberry.argument(
                name="inputs",
                description=f"The new heroes, at most {MAX_HEROES}.",
                metadata={MAXIMUM: MAX_HEROES},
            ),
        ],
    ) -> Sequence[Hero]:
        """Return the heroes as stored, in the order of the inputs.

        Raises:
            BadUserInputError: too many inputs.
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
        return await info.context.session.fetch_exactly(len(heroes), statement, **values)

    @strawberry.mutation(description="Change the given fields of a hero.")
    async def update_hero(
        self,
        info: Info,
        id: Id,  # noqa: A002 (the name in the API)
        changes: Changed,
        expected: Annotated[
            UpdateHeroInput | None,
            strawberry.argument(
                description="Values that the hero must still have; otherwise fail with `CONFLICT`."
            ),
        ] = strawberry.UNSET,
    ) -> Hero:
        """Return the updated hero.

        Raises:
            ConflictError: the hero does not have the expected values.
            ConstraintError: a trigger of the database kept the row unchanged.
            InputValidationError: a value breaks a rule or does not fit its column.
            NotFoundError: no hero has this id.
        """
        new, old = changes.valid(), expected.storable() if expected else {}
        hero_id = parse_id(id)
        if hero_id is not None:
            session, fetch = info.context.session, info.context.session.fetch
            values = {f"input.{name}": value for name, value in new.items()}
            values |= {f"expected.{name}": value for name, value in old.items()}
            statement = updated_hero(info.columns, tuple(new), tuple(old))
            updated: Hero | None = (await fetch(statement, key=hero_id, **values)).first()
            if updated is not None:
                return updated
            await lock(session, hero_id)
            if old and not await fetch(updated_hero((), (), tuple(old)), key=hero_id, **values):
                raise ConflictError("the hero no longer has the values that were expected")
            # Another transaction may have written the hero before this one locked it.
            (again,) = await session.fetch_exactly(1, statement, key=hero_id, **values)
            return cast("Hero", again)
        raise NotFoundError(NO_HERO)

    @strawberry.mutation(description="Change the given fields of the heroes that match.")
    async def update_heroes(
        self, info: Info, where: Where, changes: Changed, at_most: AtMost = 1
    ) -> Sequence[Hero]:
        """Return the updated heroes, sorted by id.

        Raises:
            BadUserInputError: too many heroes match, or the filter has no comparison.
            InputValidationError: a value breaks a rule or does not fit its column.
        """
        new = changes.valid()
        ids = await matching(info, where, at_most)
        if not ids:
            return []
        values = {f"input.{name}": value for name, value in new.items()}
        statement = updated_heroes(info.columns, tuple(new))
        return await info.context.session.fetch_exactly(len(ids), statement, ids=ids, **values)

    @strawberry.mutation(description="Delete a hero, and return it as it was.")
    async def delete_hero(
        self,
        info: Info,
        id: Id,  # noqa: A002 (the name in the API)
    ) -> Hero:
        """Return the deleted hero.

        Raises:
            NotFoundError: no hero has this id.
        """
        hero_id = parse_id(id)
        if hero_id is not None:
            session, statement = info.context.session, deleted_hero(info.columns)
            deleted: Hero | None = (await session.fetch(statement, key=hero_id)).first()
            if deleted is not None:
                return deleted
            await lock(session, hero_id)  # as in `update_hero`
            (again,) = await session.fetch_exactly(1, statement, key=hero_id)
            return cast("Hero", again)
        raise NotFoundError(NO_HERO)

    @strawberry.mutation(description="Delete the heroes that match, and return them as they were.")
    async def delete_heroes(self, info: Info, where: Where, at_most: AtMost = 1) -> Sequence[Hero]:
        """Return the deleted heroes, sorted by id.

        Raises:
            BadUserInputError: too many heroes match, or the filter has no comparison.
        """
        ids = await matching(info, where, at_most)
        if not ids:
            return []
        statement = deleted_heroes(info.columns)
        return await info.context.session.fetch_exactly(len(ids), statement, ids=ids)
