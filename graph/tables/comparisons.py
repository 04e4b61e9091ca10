"""Comparisons: the input types that filter by one column, such as `IntFilter`."""

import string
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import strawberry
from sqlalchemy import Column

from graph.engine.definitions import (
    Base64,
    StrawberryAnnotation,
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryList,
    StrawberryOptional,
    enum_class,
    input_definition,
    set_definition,
)
from graph.engine.scalars import BigInt, Duration
from graph.errors import BadUserInputError
from graph.tables.columns import validate_for_column
from graph.tables.sql.conditions import EVERYTHING, NOTHING, Template
from graph.tables.sql.functions import underlying_type
from graph.tables.sql.keys import Key, parser_of, referenced

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
    BigInt: ("BigInt", ORDERED),
    Duration: ("Duration", ORDERED),
    Base64: ("Base64", UNORDERED),
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

TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

LAST = "\U0010ffff"
"""The last code point."""

SURROGATES = range(0xD800, 0xE000)
"""Code points that no valid text contains."""

MAX_EXPONENT = 1_000
"""Largest decimal exponent, positive or negative, that all databases accept."""


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
    if named is strawberry.ID and column.nullable:
        return _comparison("NullableID", named, UNORDERED)
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
    set_definition(cls, input_definition(cls, description, fields))
    return Comparison(type_, operators, cls)


IDS = _comparison("ID", strawberry.ID, ("eq", "in"))
"""The comparisons of an id."""


Parse: TypeAlias = Callable[[Any, str, list[object]], Template]
"""Parses the input at a path, and appends its values to the list."""

Check: TypeAlias = Callable[[Any, str], Any]
"""Converts the value at a path for the database; None if no row can have it.

Raises:
    BadUserInputError: the value is invalid.
"""


def parse_all(
    parsers: Mapping[str, Parse], given: Mapping[str, Any], path: str, values: list[object]
) -> Template:
    """Parse an input object whose given fields must all match.

    Raises:
        BadUserInputError: a field is null, or a value is invalid.
    """
    parts = []
    for name, value in given.items():
        inner = f"{path}.{name}"
        if value is None:
            raise BadUserInputError(f"{inner} must not be null")
        parts.append(parsers[name](value, inner, values))
    return conjunction(parts)


def conjunction(templates: Iterable[Template]) -> Template:
    """Return the template of the rows that match all of these."""
    parts: list[Template] = []
    for template in templates:
        if template[0] == "and":
            parts += template[1]
        else:
            parts.append(template)
    return parts[0] if len(parts) == 1 else ("and", tuple(parts))


def parsers_of(column: Column[Any], comparison: Comparison) -> dict[str, Parse]:
    """Return the parser of each operator of a column."""
    check = _check_of(column, comparison.value_type)
    return {
        operator: PARSERS.get(operator, _compares)(operator, column.key, check)
        for operator in comparison.operators
    }


def _compares(operator: str, column: str, check: Check) -> Parse:
    template = (operator, column)

    def parse(given: Any, path: str, values: list[object]) -> Template:
        value = check(given, path)
        if value is None:
            return EVERYTHING.template if operator == "ne" else NOTHING.template
        values.append(value)
        return template

    return parse


def _is_in(operator: str, column: str, check: Check) -> Parse:
    def parse(given: Any, path: str, values: list[object]) -> Template:
        found = [value for each in given if (value := check(each, path)) is not None]
        if not found:
            return NOTHING.template
        found = _padded(found)
        values += found
        return (operator, column, len(found))

    return parse


def _padded(values: list[Any]) -> list[Any]:
    """Repeat the last value up to a power of two, so that few different statements are compiled."""
    length = 1 << (len(values) - 1).bit_length() if values else 0
    return values + values[-1:] * (length - len(values))


def _is_null(_operator: str, column: str, _check: Check) -> Parse:
    return lambda given, _path, _values: ("null" if given else "set", column)


def _starts_with(_operator: str, column: str, check: Check) -> Parse:
    """Compare with a range, which can use an index."""

    def parse(given: Any, path: str, values: list[object]) -> Template:
        prefix = check(given, path)
        if not prefix:
            return ("set", column)
        values.append(prefix)
        stem = prefix.rstrip(LAST)
        if not stem:
            return ("gte", column)
        following = ord(stem[-1]) + 1
        if following in SURROGATES:
            following = SURROGATES.stop
        values.append(stem[:-1] + chr(following))
        return ("and", (("gte", column), ("lt", column)))

    return parse


def _equals_ascii_ci(_operator: str, column: str, check: Check) -> Parse:
    def parse(given: Any, path: str, values: list[object]) -> Template:
        values.append(check(given, path).translate(TO_LOWER))
        return ("folded", column)

    return parse


PARSERS: dict[str, Callable[[str, str, Check], Parse]] = {
    "in": _is_in,
    "isNull": _is_null,
    "startsWith": _starts_with,
    "eqIgnoreCase": _equals_ascii_ci,
}
"""By operator, the factory of a column's parser; `_compares` for all others."""


def id_parsers(key: Key) -> dict[str, Parse]:
    """Return the parser of each operator of an id."""
    if key.is_single:
        return parsers_of(key.columns[0], IDS)
    template = ("and", tuple([("eq", name) for name in key.names]))

    def is_in(given: Any, _path: str, values: list[object]) -> Template:
        found = [keys for each in given if (keys := key.parse(each)) is not None]
        found = _padded(found)
        values += [value for keys in found for value in keys]
        return "or", (template,) * len(found)

    return {"eq": lambda given, *others: is_in([given], *others), "in": is_in}


def _check_of(column: Column[Any], type_: object) -> Check:
    if type_ is strawberry.ID:
        key = referenced(column)
        parse = parser_of(column if key is None else key)
        return lambda given, _: parse(given)
    if type_ is str:
        return partial(_storable, column)
    if type_ is Decimal:
        return _decimal
    if type_ in {datetime, time}:
        return partial(_moment, column)
    return lambda given, _: given


def _storable(column: Column[Any], given: Any, path: str) -> Any:
    try:
        validate_for_column(given, column)
    except ValueError as error:
        raise BadUserInputError(f"{path} {error}") from None
    return given


def _decimal(given: Decimal, path: str) -> Decimal:
    if not given.is_finite() or abs(given.adjusted()) > MAX_EXPONENT:
        raise BadUserInputError(f"{path} is out of range")
    return given


def _moment(column: Column[Any], given: datetime | time, path: str) -> datetime | time:
    _storable(column, given, path)
    if isinstance(given, datetime) and given.tzinfo is not None:
        try:
            return given.astimezone(UTC)
        except OverflowError:
            raise BadUserInputError(f"{path} is out of range") from None
    return given
