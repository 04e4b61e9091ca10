"""The SQL, compiled once for each choice of columns."""

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, insert, select

from graph.database.conditions import EVERYTHING, Shape, clause
from graph.database.statement import Statement
from graph.hero.model import HERO, HeroCreate

STATEMENTS = 200
"""Statements of a kind that are kept; clients choose among more than that."""


def selected(columns: tuple[str, ...] | None) -> list[ColumnElement[Any]]:
    """The table's columns with these names, all for None; SQL needs one, so the key for none."""
    return list(HERO.c) if columns is None else [HERO.c[name] for name in columns or ("id",)]


@lru_cache(STATEMENTS)
def hero_by_key(columns: tuple[str, ...] | None) -> Statement:
    """One hero, by the parameter `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    return Statement(select(*selected(columns)).where(HERO.c.id == hero_id))


@lru_cache(STATEMENTS)
def page_of_heroes(columns: tuple[str, ...] | None, where: Shape = EVERYTHING.shape) -> Statement:
    """The heroes of a condition in id order: `limit` of them from `offset` on."""
    limit, offset = bindparam("limit", type_=BigInteger), bindparam("offset", type_=BigInteger)
    page = select(*selected(columns)).where(clause(HERO, where)).order_by(HERO.c.id)
    return Statement(page.limit(limit).offset(offset))


@lru_cache(STATEMENTS)
def new_hero(columns: tuple[str, ...] | None) -> Statement:
    """Insert a hero; its parameters are the fields of `HeroCreate`."""
    inserted = insert(HERO).returning(*selected(columns))
    return Statement(inserted, values=tuple(HeroCreate.model_fields))


@lru_cache(STATEMENTS)
def deleted_hero(columns: tuple[str, ...] | None) -> Statement:
    """Delete a hero, by the parameter `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    deleted = delete(HERO).where(HERO.c.id == hero_id)
    return Statement(deleted.returning(*selected(columns)))
