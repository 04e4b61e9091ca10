"""The root fields that read."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import strawberry
from sqlalchemy import BigInteger, ColumnElement, bindparam, select

from graph.database.statement import Statement
from graph.engine.context import Info
from graph.engine.cost import MAXIMUM
from graph.errors import BadUserInputError
from graph.hero.model import HERO
from graph.hero.types import Hero

MAX_LIMIT = 100
"""The most heroes of a page, as in the FastAPI tutorial."""

MIN_KEY, MAX_KEY = -(2**63), 2**63 - 1
"""The bounds of the integers that a database takes as a parameter."""


def key(hero_id: str) -> int | None:
    """The primary key that an id names; None when it can name none.

    A key has one spelling, the one that we give out: " 7" and "07" name no hero.
    """
    try:
        value = int(hero_id)
    except ValueError:
        return None
    return value if str(value) == hero_id and MIN_KEY <= value <= MAX_KEY else None


def selected(columns: tuple[str, ...] | None) -> list[ColumnElement[Any]]:
    """The table's columns with these names, all for None; SQL needs one, so the key for none."""
    return list(HERO.c) if columns is None else [HERO.c[name] for name in columns or ("id",)]


@cache
def hero_by_key(columns: tuple[str, ...] | None) -> Statement:
    """One hero, by the parameter `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    return Statement(select(*selected(columns)).where(HERO.c.id == hero_id))


@cache
def page_of_heroes(columns: tuple[str, ...] | None) -> Statement:
    """The heroes in id order: `limit` of them from `offset` on."""
    limit, offset = bindparam("limit", type_=BigInteger), bindparam("offset", type_=BigInteger)
    page = select(*selected(columns)).order_by(HERO.c.id)
    return Statement(page.limit(limit).offset(offset))


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
    ) -> Sequence[Hero]:
        """Up to `limit` heroes.

        Raises:
            BadUserInputError: `offset` or `limit` is out of bounds.
        """
        if offset < 0:
            raise BadUserInputError(f"offset must be 0 or more, not {offset}")
        if not 0 <= limit <= MAX_LIMIT:
            raise BadUserInputError(f"limit must be from 0 to {MAX_LIMIT}, not {limit}")
        return await info.context.session.fetch(
            page_of_heroes(info.columns), offset=offset, limit=limit
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
