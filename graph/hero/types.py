"""The GraphQL types and inputs, which mirror the model by deriving from its base class."""

from collections.abc import Mapping
from dataclasses import MISSING
from functools import cache
from typing import Any

import strawberry
import strawberry.pydantic
from pydantic import ValidationError
from sqlmodel import Field
from strawberry.pydantic.conversion import build_pydantic_model
from strawberry.schema.name_converter import NameConverter
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

from graph.hero import model as models


@strawberry.pydantic.type(description="A hero.")
class Hero(models.HeroBase):
    """A hero as clients read it; the resolvers return rows in its place."""

    id: strawberry.ID = Field(description="The id, which is opaque to clients.")


@strawberry.pydantic.input(description="A hero to create.")
class CreateHeroInput(models.HeroCreate):
    """A hero as clients write it."""


def _from_input(
    model: type[models.HeroCreate], value: Mapping[str, Any], context: InputContext
) -> Any:
    """The valid input, in a third of the time; of another one Strawberry says what is wrong."""
    names = _python_names(model, context.config.name_converter)
    try:
        data = {names[name]: given for name, given in value.items()}
        return model.model_validate(data, by_alias=False, by_name=True)
    except (KeyError, ValidationError):
        return build_pydantic_model(model, value, context)


@cache
def _python_names(model: type, converter: NameConverter) -> dict[str, str]:
    """By GraphQL name, the Python names of the fields whose values need no conversion."""
    fields = get_object_definition(model, strict=True).fields
    return {
        converter.from_field(field): field.python_name
        for field in fields
        if getattr(field.type, "of_type", field.type) in {bool, float, int, str}
    }


get_object_definition(CreateHeroInput, strict=True).from_input = _from_input

# A field that may be left out is `age: Int`, without the `= null` that says the same again.
for _field in get_object_definition(CreateHeroInput, strict=True).fields:
    if _field.default is None:
        _field.default = _field.default_value = MISSING
