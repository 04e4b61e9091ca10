"""The GraphQL types and inputs, which mirror the model by deriving from its base class."""

from dataclasses import MISSING

import strawberry
import strawberry.pydantic
from sqlmodel import Field
from strawberry.types.base import get_object_definition

from graph import models


@strawberry.pydantic.type(description="A hero.")
class Hero(models.HeroBase):
    """A hero as clients read it; the resolvers return rows in its place."""

    id: strawberry.ID = Field(description="The id, which is opaque to clients.")


@strawberry.pydantic.input(description="A hero to create.")
class CreateHeroInput(models.HeroCreate):
    """A hero as clients write it."""


# A field that may be left out is `age: Int`, without the `= null` that says the same again.
for _field in get_object_definition(CreateHeroInput, strict=True).fields:
    if _field.default is None:
        _field.default = _field.default_value = MISSING
