"""GraphQL types of columns."""

import copy
import re
from collections.abc import Collection
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

import strawberry
from sqlalchemy import ARRAY, JSON, BigInteger, Column, Interval, LargeBinary, Table, Time
from sqlalchemy.types import TypeEngine

from graph.engine.definitions import JSON as ANY_JSON
from graph.engine.definitions import (
    Base64,
    StrawberryAnnotation,
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
    has_resolver,
    known_scalar,
    set_definition,
)
from graph.engine.scalars import SCALARS, BigInt, Duration
from graph.tables.sql.functions import underlying_type
from graph.tables.sql.keys import ID, referenced

TABLE = "table"
"""Key in a field's Strawberry metadata: the table whose rows the field reads or writes."""

IS_SUSPECT = "suspect"
"""Key in a field's Strawberry metadata: whether its name sounds secret, and all may read it."""

SECRET = re.compile("password|secret|token|hash", re.IGNORECASE)

TYPES: dict[type[TypeEngine[Any]], object] = {
    BigInteger: BigInt,
    Interval: Duration,
    LargeBinary: Base64,
    JSON: ANY_JSON,
}
"""By SQLAlchemy's type, the GraphQL type, where the Python type has another one or none."""


def row_type(table: Table, cls: type, public: Collection[str] = ()) -> None:
    """Give a Strawberry type the fields of a table's rows.

    Its fields keep their types, with these exceptions: the key and foreign keys are ids, and some
    columns have a scalar of their own (`TYPES`).

    Args:
        table: the table.
        cls: the type.
        public: fields that clients may read, although their names sound secret.

    Raises:
        TypeError: a field has no column and no resolver, or its type has no place in GraphQL; the
            class is that of the table; or it has no such public field.
    """
    if any("__table__" in vars(base) for base in cls.__mro__):
        raise TypeError(
            f"{cls.__name__} is the class of the table, so that clients would read every column: "
            f"put what they may read into a base class, and decorate a class of its own, as in "
            f"`class {cls.__name__}Type({cls.__name__}Base)`"
        )
    definition = get_object_definition(cls, strict=True)
    for field in definition.fields:
        name = field.python_name
        if name != ID and name not in table.c and not has_resolver(field):
            raise TypeError(
                f"{cls.__name__}.{name} has no column in the table {table.name}: "
                "give the field a resolver, or leave it out"
            )
    definition = typed(definition, table)
    fields = [copy.copy(field) for field in definition.fields]
    if unknown := set(public) - {field.python_name for field in fields}:
        raise TypeError(f"{cls.__name__} has no field {', '.join(sorted(unknown))} to be public")
    for field in fields:
        name = field.python_name
        is_open = name in table.c and not has_resolver(field) and not field.extensions
        is_suspect = is_open and name not in public and SECRET.search(name) is not None
        own = {TABLE: table, IS_SUSPECT: is_suspect}
        field.metadata = MappingProxyType({**field.metadata, **own})
    set_definition(cls, replace(definition, fields=fields))


def typed(definition: StrawberryObjectDefinition, table: Table) -> StrawberryObjectDefinition:
    """Return the definition, with the GraphQL types of the table's columns.

    Raises:
        TypeError: the type of a field has no place in GraphQL.
    """
    fields = []
    for field in definition.fields:
        column = table.c.get(field.python_name)
        if column is not None and not has_resolver(field):
            type_: Any = underlying_type(column.type)
            if isinstance(type_, Time) and type_.timezone:
                raise TypeError(
                    f"{definition.origin.__name__}.{field.python_name} is a time with a time zone, "
                    "which SQLite cannot store: use a time without one, or a datetime"
                )
            field = _typed(field, column)  # noqa: PLW2901 (a copy with another type)
        fields.append(field)
    made = replace(definition, fields=fields)
    for field in fields:
        if not has_resolver(field) and not _is_known(_resolved(field, made)):
            raise TypeError(
                f"{definition.origin.__name__}.{field.python_name} has a type that has no place in "
                "GraphQL: give it another type, or a resolver (`@strawberry.pydantic.field`)"
            )
    return made


def _typed(field: StrawberryField, column: Column[Any]) -> StrawberryField:
    type_ = strawberry.ID if _is_id(column) else _type_of(column.type)
    raw: Any = getattr(field.type_annotation, "raw_annotation", None)
    if type_ is Base64 and bytes not in {raw, *get_args(raw)}:
        type_ = None  # a pickled object, for example
    if type_ is None and not _is_known(_resolved(field)):
        # A type of pydantic's or Python's, such as `NaiveDatetime` or `IPv4Address`.
        stored = underlying_type(column.type).python_type
        type_ = stored if known_scalar(stored) else None
    if type_ is None:
        return field
    field = copy.copy(field)
    is_optional = type(None) in get_args(raw)
    field.type_annotation = StrawberryAnnotation(type_ | None if is_optional else type_)
    return field


def _is_id(column: Column[Any]) -> bool:
    return (column.key == ID and column.primary_key) or referenced(column) is not None


def _type_of(type_: TypeEngine[Any]) -> Any:
    """Return the GraphQL type for a type of SQLAlchemy's; None if that of Python serves."""
    own = underlying_type(type_)
    if isinstance(own, ARRAY):
        item = _type_of(own.item_type)
        return None if item is None else list[item]  # type: ignore[valid-type]
    for of_column, of_field in TYPES.items():
        if isinstance(own, of_column):
            return of_field
    return None


def _resolved(
    field: StrawberryField, definition: StrawberryObjectDefinition | None = None
) -> object:
    try:
        return field.resolve_type(type_definition=definition)
    except Exception:  # noqa: BLE001 (any: the type is unknown to Strawberry)
        return None


def _is_known(type_: Any) -> bool:
    """Whether a type has a place in GraphQL."""
    while isinstance(type_, StrawberryOptional | StrawberryList):
        type_ = type_.of_type
    return (
        isinstance(type_, StrawberryEnumDefinition)
        or type_ in SCALARS
        or known_scalar(type_)
        or get_object_definition(type_) is not None
    )
