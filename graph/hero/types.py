"""The GraphQL types and inputs, which mirror the model by deriving from its base class."""

import strawberry
import strawberry.pydantic
from sqlmodel import Field

from graph.engine.filter import Filter, filter_input
from graph.engine.inputs import Changes, changes_input, model_input
from graph.engine.order import OrderTerm, order_input
from graph.engine.stats import Stats, stats_type
from graph.hero import model as models


@strawberry.pydantic.type(description="A hero.")
class Hero(models.HeroBase):
    """A hero as clients read it; the resolvers return rows in its place."""

    id: strawberry.ID = Field(description="Opaque, unique id.")


@model_input(description="A hero to create.")
class CreateHeroInput(models.HeroCreate):
    """A hero as clients write it."""


@filter_input(models.HERO, Hero, description="Filter of heroes; all conditions given must match.")
class HeroFilter(Filter):
    """Which heroes a client means."""


@changes_input(
    models.HeroCreate, models.HERO, description="Some values of a hero; omitted fields are ignored."
)
class UpdateHeroInput(Changes):
    """Some values of a hero."""


@order_input(models.HERO, Hero, description="A field to sort heroes by.")
class HeroOrder(OrderTerm):
    """By what heroes are ordered."""


@stats_type(models.HERO, Hero, description="Hero statistics.")
class HeroStats(Stats):
    """How many heroes there are, and of what age."""
