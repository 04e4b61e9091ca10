"""Input types that are pydantic models."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import MISSING, replace
from functools import partial
from typing import Any, Optional, TypeVar

import strawberry.pydantic
from pydantic import BaseModel, ValidationError, ValidationInfo, create_model, field_validator
from pydantic.fields import FieldInfo
from sqlalchemy import Table

from graph.database.storable import validate_for_column
from graph.engine.definitions import (
    FromInput,
    GlobalID,
    InputContext,
    StrawberryAnnotation,
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryObjectDefinition,
    StrawberryOptional,
    define_input,
    get_object_definition,
    input_hook,
    is_scalar,
)

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T", bound="Changes")


def model_input(*, description: str) -> Callable[[type[Model]], type[Model]]:
    """`strawberry.pydantic.input`, in a fifth of the time, and without `= null` in the schema.

    A field that may be left out is `age: Int`; the null that its model has as a default says the
    same again.
    """

    def decorate(model: type[Model]) -> type[Model]:
        strawberry.pydantic.input(model, description=description)
        definition = get_object_definition(model, strict=True)
        define_input(
            model,
            replace(
                definition,
                fields=[_without_null(field) for field in definition.fields],
                from_input=_from_input(definition),
            ),
        )
        return model

    return decorate


class Changes:
    """Some values of a row, by the names of their columns; `changes_input` makes it an input.

    Args:
        valid: gives them held to the rules for a new row.
        storable: gives them held to the types of their columns.
    """

    def __init__(self, valid: Callable[[], BaseModel], storable: Callable[[], BaseModel]) -> None:
        self._valid = valid
        self._storable = storable

    def valid(self) -> dict[str, Any]:
        """The values that were given, to be stored.

        Raises:
            InputValidationError: one breaks a rule for new rows, or is no value of its column.
        """
        return self._valid().model_dump(exclude_unset=True)

    def storable(self) -> dict[str, Any]:
        """The values that were given, to be compared with a row, which may break those rules.

        Raises:
            InputValidationError: one is no value of its column.
        """
        return self._storable().model_dump(exclude_unset=True)


def changes_input(
    model: type[BaseModel], table: Table, *, description: str
) -> Callable[[type[T]], type[T]]:
    """Make a class the input of some values of a row.

    Args:
        model: has a field for each column that may be given, and the rules for new rows.
        table: has the columns.
        description: that of the input.
    """
    infos = model.model_fields.items()
    rules = {name: (info.annotation, _left_out(info)) for name, info in infos}
    types: dict[str, Any] = {name: (info.annotation, None) for name, info in infos}

    def check(value: Any, info: ValidationInfo) -> Any:
        column = table.c[str(info.field_name)]
        if value is None and not column.nullable:
            raise ValueError("must not be null")
        validate_for_column(value, column)
        return value

    def partial_model(base: type[BaseModel], fields: dict[str, Any]) -> Any:
        validators: Any = {"_check": field_validator("*", mode="before")(check)}
        made = create_model(model.__name__, __base__=base, __validators__=validators, **fields)
        return get_object_definition(model_input(description=description)(made), strict=True)

    valid, storable = partial_model(model, rules), partial_model(BaseModel, types)

    def decorate(cls: type[T]) -> type[T]:
        def from_input(_: type[Any], *given: Any) -> Any:
            return cls(
                partial(valid.from_input, valid.origin, *given),
                partial(storable.from_input, storable.origin, *given),
            )

        define_input(
            cls,
            replace(
                valid,
                name=cls.__name__,
                origin=cls,
                fields=[_nullable(field) for field in valid.fields],
                from_input=from_input,
                to_input=None,
            ),
        )
        return cls

    return decorate


def _left_out(info: FieldInfo) -> FieldInfo:
    """The same, with a default that says nothing."""
    info = copy.copy(info)
    info.default, info.default_factory = None, None
    return info


def _nullable(field: StrawberryField) -> StrawberryField:
    """The field, which may be left out."""
    field = copy.copy(field)
    field.default = field.default_value = MISSING
    annotation: Any = field.type_annotation
    optional = Optional[annotation.raw_annotation]  # noqa: UP045 (it may be a string)
    field.type_annotation = StrawberryAnnotation(optional, namespace=annotation.namespace)
    return field


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
    thorough: Any = input_hook(definition)
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
