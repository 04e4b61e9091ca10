"""Comparisons: the input types that filter by one column, such as `IntFilter`."""

from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import strawberry
from sqlalchemy import Column

from graph.engine.definitions import (
    StrawberryAnnotation,
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryList,
    StrawberryOptional,
    define_input,
    enum_class,
    input_definition,
)
from graph.tables.sql.functions import underlying_type

ORDERED = ("eq", "ne", "in", "lt", "lte", "gt", "gte", "isNull")
UNORDERED = ("eq", "ne", "in", "isNull")
TEXT = ("eq", "ne", "in", "startsWith", "contains", "eqIgnoreCase")

KINDS: dict[object, tuple[str, tuple[str, ...]]] = {
    strawberry.ID: ("ID", ("eq", "in")),
    str: ("String", TEXT),
    int: ("Int", ORDERED),
    float: ("Float", ORDERED),
    Decimal: ("Decimal", ORDERED),
    datetime: ("DateTime", ORDERED),
    date: ("Date", ORDERED),
    time: ("Time", ORDERED),
    bool: ("Boolean", ("eq", "ne", "isNull")),
    UUID: ("UUID", UNORDERED),
}
"""GraphQL name and operators by type of a field."""

DESCRIPTIONS = {
    "eq": "Equal to this value.",
    "ne": "Not equal to this value; null matches too.",
    "in": "Equal to one of these values; an empty list matches nothing.",
    "lt": "Less than this value.",
    "lte": "Less than or equal to this value.",
    "gt": "Greater than this value.",
    "gte": "Greater than or equal to this value.",
    "isNull": "Whether the value is null.",
    "startsWith": "Starts with this text.",
    "contains": "Contains this text.",
    "eqIgnoreCase": "Equal to this text, ignoring the case of A to Z.",
}


def input_field(name: str, type_: object, description: str) -> StrawberryField:
    """Return an optional field of an input."""
    annotation = StrawberryAnnotation(StrawberryOptional(type_))  # type: ignore[arg-type]
    return StrawberryField(
        python_name=name, graphql_name=name, type_annotation=annotation, description=description
    )


class Comparison(NamedTuple):
    """The comparisons of a field."""

    value_type: Any
    """The type of the field's values."""
    operators: tuple[str, ...]
    input_type: type
    """The input type, shared by all tables."""


def comparison_of(column: Column[Any], type_: object) -> Comparison | None:
    """Return the comparisons of a column whose field has this type; None if there are none."""
    named = type_.of_type if isinstance(type_, StrawberryOptional) else type_
    if isinstance(named, StrawberryEnumDefinition):
        return _comparison(named.name, enum_class(named), UNORDERED)
    if named not in KINDS:  # a type of pydantic's, such as `NaiveDatetime`
        named = underlying_type(column.type).python_type
    if named not in KINDS:
        return None
    name, operators = KINDS[named]
    if named is str and column.nullable:
        return _comparison("NullableString", named, (*operators, "isNull"))
    return _comparison(name, named, operators)


@cache
def _comparison(name: str, type_: type, operators: tuple[str, ...]) -> Comparison:
    types = {"in": StrawberryList(type_), "isNull": bool}
    cls = type(f"{name}Filter", (), {"__doc__": f"Comparisons of values of the type {name}."})
    fields = [
        input_field(operator, types.get(operator, type_), DESCRIPTIONS[operator])
        for operator in operators
    ]
    description = "Comparisons of a value; all given must match."
    define_input(cls, input_definition(cls, description, fields))
    return Comparison(type_, operators, cls)
