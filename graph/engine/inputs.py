"""Input types that are pydantic models."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import MISSING, replace
from typing import Any, TypeAlias, TypeVar

import strawberry.pydantic
from pydantic import BaseModel, ValidationError
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import InputContext
from strawberry.types.base import (
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

Model = TypeVar("Model", bound=BaseModel)
FromInput: TypeAlias = Callable[[type[Any], Mapping[str, Any], InputContext], Any]


def model_input(*, description: str) -> Callable[[type[Model]], type[Model]]:
    """`strawberry.pydantic.input`, in a fifth of the time, and without `= null` in the schema.

    A field that may be left out is `age: Int`; the null that its model has as a default says the
    same again.
    """

    def decorate(model: type[Model]) -> type[Model]:
        strawberry.pydantic.input(model, description=description)
        definition = get_object_definition(model, strict=True)
        own: Any = model
        own.__strawberry_definition__ = replace(
            definition,
            fields=[_without_null(field) for field in definition.fields],
            from_input=_from_input(definition),
        )
        return model

    return decorate


def _without_null(field: StrawberryField) -> StrawberryField:
    """The field, without a default that is null."""
    if field.default is None:
        field = copy.copy(field)
        field.default = field.default_value = MISSING
    return field


def _from_input(definition: StrawberryObjectDefinition) -> FromInput:
    """Strawberry's hook for types that make their values of what a client sent.

    pydantic validates whole models fast. Where a value needs Strawberry's conversion, or is not
    valid, Strawberry's own way is taken, which says what is wrong and where.
    """
    thorough: Any = definition.from_input
    known: dict[object, Mapping[str, str]] = {}

    def from_input(model: type[BaseModel], value: Mapping[str, Any], context: InputContext) -> Any:
        converter = context.config.name_converter
        names = known.get(converter)
        if names is None:
            names = known[converter] = _plain_names(definition, context)
        try:
            data = {names[name]: given for name, given in value.items()}
            return model.model_validate(data, by_alias=False, by_name=True)
        except (KeyError, ValidationError):
            return thorough(model, value, context)

    return from_input


def _plain_names(definition: StrawberryObjectDefinition, context: InputContext) -> dict[str, str]:
    """By GraphQL name, the Python names of the fields whose values need no conversion."""
    names = {}
    for field in definition.fields:
        type_ = field.resolve_type(type_definition=definition)
        if type(type_) is StrawberryOptional:
            type_ = type_.of_type
        is_leaf = is_scalar(type_, context.scalar_registry) and type_ is not GlobalID
        if is_leaf or isinstance(type_, StrawberryEnumDefinition):
            names[context.config.name_converter.from_field(field)] = field.python_name
    return names
