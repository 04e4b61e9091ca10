"""The SQL, compiled once for each choice of columns."""

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, insert, select

from graph.database.conditions import EVERYTHING, Condition
from graph.database.order import Order, total_order
from graph.database.page import STATEMENTS, Page
from graph.database.statement import Statement
from graph.hero.model import HERO, HeroCreate

BY_ID = total_order(HERO)
"""The order of the ids."""


def selected(columns: tuple[str, ...] | None) -> list[ColumnElement[Any]]:
    """The table's columns with these names, all for None; SQL needs one, so the key for none."""
    return list(HERO.c) if columns is None else [HERO.c[name] for name in columns or ("id",)]


@lru_cache(STATEMENTS)
def hero_by_key(columns: tuple[str, ...] | None) -> Statement:
    """One hero, by the parameter `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    return Statement(select(*selected(columns)).where(HERO.c.id == hero_id))


def page_of_heroes(
    columns: tuple[str, ...] | None, order: Order = BY_ID, condition: Condition = EVERYTHING
) -> Page:
    """The heroes for which a condition holds, in an order."""
    return Page(HERO, columns, order, condition)


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
