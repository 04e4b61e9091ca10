"""GraphQL types and inputs; they derive from the model's base class, and so mirror it."""

import strawberry
import strawberry.pydantic
from sqlmodel import Field

from graph.hero import model as models
from graph.tables.filters import Filter, filter_input
from graph.tables.inputs import Changes, changes_input, model_input
from graph.tables.orders import OrderTerm, order_input
from graph.tables.stats import Stats, stats_type


@strawberry.pydantic.type(description="A hero.")
class Hero(models.HeroBase):
    """A hero as clients read it; resolvers return rows instead of instances."""

    id: strawberry.ID = Field(description="Opaque, unique id.")


@model_input(description="A hero to create.")
class CreateHeroInput(models.HeroCreate):
    """A new hero as clients write it."""


@filter_input(models.HERO, Hero, description="Filter of heroes; all conditions given must match.")
class HeroFilter(Filter):
    """A filter of heroes."""


@changes_input(
    models.HeroCreate, models.HERO, description="Some values of a hero; omitted fields are ignored."
)
class UpdateHeroInput(Changes):
    """Some values of a hero, to set or to compare."""


@order_input(models.HERO, Hero, description="A field to sort heroes by.")
class HeroOrder(OrderTerm):
    """A field to sort heroes by."""


@stats_type(models.HERO, Hero, description="Hero statistics.")
class HeroStats(Stats):
    """Number and ages of heroes."""
