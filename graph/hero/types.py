"""The GraphQL type of a hero, and the API of the table."""

import strawberry
import strawberry.pydantic
from sqlmodel import Field

from graph.hero import model as models
from graph.tables import Resource


@strawberry.pydantic.type(description="A hero.")
class Hero(models.HeroBase):
    """A hero as clients read it; resolvers return rows instead of instances."""

    id: strawberry.ID = Field(description="Opaque, unique id.")


HEROES = Resource(
    models.Hero,
    Hero,
    create=models.HeroCreate,
    one="hero",
    many="heroes",
    public=("secret_name",),
)
"""The API of the table, of which `queries` and `mutations` list the root fields."""
