"""The SQL statements, compiled once for each choice of columns."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Numeric,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from graph.database.statement import STATEMENTS, Statement
from graph.hero.model import HERO, HeroCreate
from graph.tables.sql.conditions import EVERYTHING, Condition, Template, clause
from graph.tables.sql.functions import comparable
from graph.tables.sql.page import Page, is_indexed
from graph.tables.sql.segments import Order, total_order

BY_ID = total_order(HERO)
"""The order of the ids."""

PLACE = HERO.c.id.label("place")
"""Extra column used to sort the rows that a multi-row write returns."""

AMONG = HERO.c.id.in_(bindparam("ids", type_=BigInteger, expanding=True))
"""Condition: the hero's id is in the parameter `ids`."""

CACHED_COUNTS = 20
"""Maximum number of cached statements that insert several heroes; each has up to 1,000 objects."""


def selected(columns: tuple[str, ...] | None) -> list[ColumnElement[Any]]:
    """Return the columns with these names; all for None, and the key for an empty tuple."""
    return list(HERO.c) if columns is None else [HERO.c[name] for name in columns or ("id",)]


def new_value(source: str, name: str) -> BindParameter[Any]:
    """Bind parameter for a new value, named after its path in the request."""
    return bindparam(f"{source}.{name}", type_=HERO.c[name].type)


def as_expected(name: str) -> ColumnElement[bool]:
    """Condition: the column equals the expected value; null equals null."""
    type_ = HERO.c[name].type
    if isinstance(type_, Numeric):
        type_ = Numeric()  # with the column's own type, PostgreSQL would round the value
    return comparable(HERO.c[name]).is_not_distinct_from(bindparam(f"expected.{name}", type_=type_))


@lru_cache(STATEMENTS)
def hero_by_key(columns: tuple[str, ...] | None) -> Statement:
    """Select the hero with the id `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    return Statement(select(*selected(columns)).where(HERO.c.id == hero_id))


def page_of_heroes(
    columns: tuple[str, ...] | None, order: Order = BY_ID, condition: Condition = EVERYTHING
) -> Page:
    """Return the page of the heroes that match a condition, in an order."""
    return Page(HERO, columns, order, condition)


@lru_cache(STATEMENTS)
def new_hero(columns: tuple[str, ...] | None) -> Statement:
    """Insert a hero; its parameters are the fields of `HeroCreate`."""
    inserted = insert(HERO).returning(*selected(columns))
    return Statement(inserted, values=tuple(HeroCreate.model_fields))


@lru_cache(CACHED_COUNTS)
def new_heroes(columns: tuple[str, ...] | None, count: int) -> Statement:
    """Insert `count` heroes; the parameters are named like `inputs.0.name`.

    The returned rows are sorted by id, which is the order of the inputs: PostgreSQL evaluates
    VALUES from first to last and takes the next sequence number for each; SQLite inserts each row
    before it evaluates the next.
    """
    rows = [
        {name: new_value(f"inputs.{index}", name) for name in HeroCreate.model_fields}
        for index in range(count)
    ]
    inserted = insert(HERO).values(rows)
    return Statement(inserted.returning(*selected(columns), PLACE), sort_by_last=True)


@lru_cache(STATEMENTS)
def updated_hero(
    columns: tuple[str, ...] | None, changed: tuple[str, ...], expected: tuple[str, ...]
) -> Statement:
    """Update the hero with the id `key`, if it has the expected values.

    The other parameters are named like `input.name` and `expected.name`. Without changed columns,
    the statement only reads the hero.
    """
    matches = [HERO.c.id == bindparam("key", type_=BigInteger)]
    matches += [as_expected(name) for name in expected]
    if not changed:
        return Statement(select(*selected(columns)).where(*matches))
    values = {name: new_value("input", name) for name in changed}
    updated = update(HERO).where(*matches).values(values)
    return Statement(updated.returning(*selected(columns)))


HERO_TO_WRITE = Statement(
    select(HERO.c.id).where(HERO.c.id == bindparam("key", type_=BigInteger)).with_for_update()
)
"""Lock the hero with the id `key` until the transaction ends."""


@lru_cache(STATEMENTS)
def matching_heroes(where: Template) -> Statement:
    """Select the first `limit` ids of the heroes that match a condition."""
    found = select(HERO.c.id).where(clause(HERO, where)).order_by(HERO.c.id)
    limit = bindparam("limit", type_=BigInteger)
    return Statement(found.limit(limit), may_scan=not is_indexed(HERO, BY_ID, where))


@lru_cache(STATEMENTS)
def heroes_to_write(where: Template) -> Statement:
    """Lock the heroes among `ids` that match a condition; return their ids, sorted.

    No other transaction can write them until this one ends. PostgreSQL locks each row as it finds
    it, always in the order of the ids; SQLite has one writer at a time.
    """
    found = select(HERO.c.id).where(AMONG, clause(HERO, where)).order_by(HERO.c.id)
    return Statement(found.with_for_update())


@lru_cache(STATEMENTS)
def heroes_to_read(where: Template) -> Statement:
    """Select the ids of the heroes among `ids` that match a condition."""
    return Statement(select(HERO.c.id).where(AMONG, clause(HERO, where)))


@lru_cache(STATEMENTS)
def updated_heroes(columns: tuple[str, ...] | None, changed: tuple[str, ...]) -> Statement:
    """Update the heroes with these `ids`, sorted by id; without changed columns, only read them."""
    if not changed:
        return Statement(select(*selected(columns), PLACE).where(AMONG), sort_by_last=True)
    values = {name: new_value("input", name) for name in changed}
    updated = update(HERO).where(AMONG).values(values)
    return Statement(updated.returning(*selected(columns), PLACE), sort_by_last=True)


@lru_cache(STATEMENTS)
def deleted_heroes(columns: tuple[str, ...] | None) -> Statement:
    """Delete the heroes with these `ids`; return them sorted by id."""
    deleted = delete(HERO).where(AMONG)
    return Statement(deleted.returning(*selected(columns), PLACE), sort_by_last=True)


@lru_cache(STATEMENTS)
def deleted_hero(columns: tuple[str, ...] | None) -> Statement:
    """Delete the hero with the id `key`."""
    hero_id = bindparam("key", type_=BigInteger)
    deleted = delete(HERO).where(HERO.c.id == hero_id)
    return Statement(deleted.returning(*selected(columns)))
