"""The SQL, compiled once for each choice of columns."""

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, insert, select

from graph.database.statement import Statement
from graph.hero.model import HERO, HeroCreate

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
