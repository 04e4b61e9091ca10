"""Comparisons: the inputs that say what holds for a value, and what is made of them.

A reader takes what a client sent, gives its shape, and adds its values to those of the condition.
"""

import string
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import strawberry
from sqlalchemy import Column, Integer
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from graph.database.conditions import NOTHING, Shape
from graph.database.keys import key
from graph.errors import BadUserInputError

Read: TypeAlias = Callable[[Any, str, list[object]], Shape]
"""A reader: of what was sent, the path where it is, and the values so far."""

Check: TypeAlias = Callable[[Any, str], Any]
"""Gives the value at a path as the database takes it; None when no row can have it.

Raises:
    BadUserInputError: it cannot be compared.
"""

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
"""By type of a field, its name in GraphQL, and how its values are compared."""

DESCRIPTIONS = {
    "eq": "It is this.",
    "ne": "It is not this; null is not this, either.",
    "in": "It is one of these; none, when there are none.",
    "lt": "It is less.",
    "lte": "It is less, or this.",
    "gt": "It is greater.",
    "gte": "It is greater, or this.",
    "isNull": "Whether it is null.",
    "startsWith": "It starts with this.",
    "contains": "It has this in it.",
    "eqIgnoreCase": "It is this, where A to Z and a to z are the same.",
}

TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

LAST = "\U0010ffff"
"""The last code point."""

SURROGATES = range(0xD800, 0xE000)
"""The code points that no text has."""

MAX_EXPONENT = 1_000
"""That of a decimal number, up or down, which all databases take."""


def input_field(name: str, type_: object, description: str) -> StrawberryField:
    """A field of an input that may be left out."""
    annotation = StrawberryAnnotation(StrawberryOptional(type_))  # type: ignore[arg-type]
    return StrawberryField(
        python_name=name, graphql_name=name, type_annotation=annotation, description=description
    )


def input_definition(
    origin: type, description: str, fields: list[StrawberryField], **hooks: Any
) -> StrawberryObjectDefinition:
    """What Strawberry knows of an input."""
    return StrawberryObjectDefinition(
        name=origin.__name__,
        is_input=True,
        is_interface=False,
        origin=origin,
        description=description,
        interfaces=[],
        extend=False,
        directives=(),
        is_type_of=None,
        resolve_type=None,
        fields=fields,
        **hooks,
    )


class Comparison(NamedTuple):
    """How the values of a field are compared."""

    of: Any
    """The type of the values."""
    operators: tuple[str, ...]
    written: type
    """Its input, the same one for all tables."""


def comparison_of(type_: object) -> Comparison:
    """How the values of a field of this type are compared.

    Raises:
        TypeError: they cannot be.
    """
    named = type_.of_type if isinstance(type_, StrawberryOptional) else type_
    if isinstance(named, StrawberryEnumDefinition):
        return _comparison(named.name, named.wrapped_cls, UNORDERED)
    if named not in KINDS:
        raise TypeError(f"values of type {named} cannot be compared")
    name, operators = KINDS[named]
    if named is str and named is not type_:
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
    description = "What holds for a value: all that is given."
    own: Any = cls
    own.__strawberry_definition__ = input_definition(cls, description, fields)
    return Comparison(type_, operators, cls)


def all_of(
    readers: Mapping[str, Read], given: Mapping[str, Any], path: str, values: list[object]
) -> Shape:
    """Reads an object, of which all must hold; absent is what is not given, and never null.

    Raises:
        BadUserInputError: something in it is null, or cannot be compared.
    """
    parts = []
    for name, value in given.items():
        inner = f"{path}.{name}"
        if value is None:
            raise BadUserInputError(f"{inner} must not be null")
        parts.append(readers[name](value, inner, values))
    return both(parts)


def both(shapes: Iterable[Shape]) -> Shape:
    """The shape of the rows for which all of these hold."""
    parts: list[Shape] = []
    for shape in shapes:
        if shape[0] == "and":
            parts += shape[1]
        else:
            parts.append(shape)
    return parts[0] if len(parts) == 1 else ("and", tuple(parts))


def readers_of(column: Column[Any], comparison: Comparison) -> dict[str, Read]:
    """By operator, what reads a comparison of a column's values."""
    check = _check_of(column, comparison.of)
    return {
        operator: READERS.get(operator, _compares)(operator, column.key, check)
        for operator in comparison.operators
    }


def _compares(operator: str, column: str, check: Check) -> Read:
    shape = (operator, column)

    def read(given: Any, path: str, values: list[object]) -> Shape:
        value = check(given, path)
        if value is None:
            return NOTHING.shape
        values.append(value)
        return shape

    return read


def _is_in(operator: str, column: str, check: Check) -> Read:
    def read(given: Any, path: str, values: list[object]) -> Shape:
        found = [value for each in given if (value := check(each, path)) is not None]
        if not found:
            return NOTHING.shape
        # Of few lengths, so that there are few statements.
        length = 1 << (len(found) - 1).bit_length()
        values += found
        values += found[-1:] * (length - len(found))
        return (operator, column, length)

    return read


def _is_null(_operator: str, column: str, _check: Check) -> Read:
    return lambda given, _path, _values: ("null" if given else "set", column)


def _starts_with(_operator: str, column: str, check: Check) -> Read:
    """As a range, which an index has."""

    def read(given: Any, path: str, values: list[object]) -> Shape:
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

    return read


def _equals_folded(_operator: str, column: str, check: Check) -> Read:
    def read(given: Any, path: str, values: list[object]) -> Shape:
        values.append(check(given, path).translate(TO_LOWER))
        return ("folded", column)

    return read


READERS: dict[str, Callable[[str, str, Check], Read]] = {
    "in": _is_in,
    "isNull": _is_null,
    "startsWith": _starts_with,
    "eqIgnoreCase": _equals_folded,
}
"""By operator, what makes the reader of a column's comparison; for the others it is `_compares`."""


def _check_of(column: Column[Any], type_: object) -> Check:
    if type_ is strawberry.ID and isinstance(column.type, Integer):
        return lambda given, _: key(given)
    if type_ in {str, strawberry.ID}:
        return _text
    if type_ is Decimal:
        return _decimal
    if type_ in {datetime, time}:
        return partial(_moment, bool(getattr(column.type, "timezone", False)))
    return lambda given, _: given


def _text(given: str, path: str) -> str:
    if "\0" in given:
        raise BadUserInputError(f"{path} must not contain a NUL character")
    if not given.isascii() and any("\ud800" <= char <= "\udfff" for char in given):
        raise BadUserInputError(f"{path} must not contain a lone surrogate")
    return given


def _decimal(given: Decimal, path: str) -> Decimal:
    if not given.is_finite() or abs(given.adjusted()) > MAX_EXPONENT:
        raise BadUserInputError(f"{path} is out of range")
    return given


def _moment(zoned: bool, given: datetime | time, path: str) -> datetime | time:  # noqa: FBT001
    if (given.tzinfo is not None) is not zoned:
        raise BadUserInputError(f"{path} must have {'a' if zoned else 'no'} time zone")
    if isinstance(given, datetime) and zoned:
        try:
            return given.astimezone(UTC)
        except OverflowError:
            raise BadUserInputError(f"{path} is out of range") from None
    return given
