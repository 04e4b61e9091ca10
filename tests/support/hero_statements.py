"""Statements on heroes, as the kit makes them."""

from graph.database.statement import Statement
from graph.hero.model import HERO
from graph.tables.sql.conditions import EVERYTHING, Condition
from graph.tables.sql.page import Page
from graph.tables.sql.segments import Order, total_order
from graph.tables.sql.writing import Columns, new_row, row_by_key

BY_ID = total_order(HERO)


def hero_by_key(columns: Columns) -> Statement:
    """Select the hero with the id `key`."""
    return row_by_key(HERO, columns)


def page_of_heroes(
    columns: Columns, order: Order = BY_ID, condition: Condition = EVERYTHING
) -> Page:
    """Return the page of the heroes that match a condition, in an order."""
    return Page(HERO, columns, order, condition)


def new_hero(columns: Columns) -> Statement:
    """Insert a hero."""
    return new_row(HERO, columns, ("name", "age", "secret_name"))
