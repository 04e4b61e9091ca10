"""SQL functions: text compared by code point, and columns compared without their index."""

from typing import Any

from sqlalchemy import ColumnElement, Enum, Interval, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class ByCodePoint(FunctionElement[str]):
    """A text that is compared and sorted by code point.

    Both databases have a collation for it, whatever the column's own is: "C" on PostgreSQL
    (https://www.postgresql.org/docs/current/collation.html), BINARY on SQLite, which compares the
    bytes of UTF-8 (https://sqlite.org/datatype3.html#collation).
    """

    name = "code_points"
    type = String()
    inherit_cache = True


@compiles(ByCodePoint)
def _as_it_is(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(ByCodePoint, "sqlite")
def _binary(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} COLLATE BINARY"


@compiles(ByCodePoint, "postgresql")
def _collated(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


class JsonValue(FunctionElement[Any]):
    """A JSON value for comparisons, whatever its spaces: PostgreSQL cannot compare the type json.

    On PostgreSQL the order of keys makes no difference either.
    """

    name = "json_value"
    inherit_cache = True

    def __init__(self, value: ColumnElement[Any]) -> None:
        super().__init__(value)
        self.type = value.type


@compiles(JsonValue, "sqlite")
def _json(element: JsonValue, compiler: SQLCompiler, **options: Any) -> str:
    return f"json({compiler.process(element.clauses, **options)})"


@compiles(JsonValue, "postgresql")
def _jsonb(element: JsonValue, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS JSONB)"


def underlying_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return SQLAlchemy's type, unwrapped from a model's `TypeDecorator`.

    `Interval` is one, too, although PostgreSQL has the type.
    """
    if isinstance(type_, TypeDecorator) and not isinstance(type_, Interval):
        return type_.impl_instance
    return type_


def is_text(type_: TypeEngine[Any]) -> bool:
    """Whether the type's values are texts in Python."""
    own = underlying_type(type_)
    return isinstance(own, String) and not isinstance(own, Enum)


def is_stored_as_text(type_: TypeEngine[Any]) -> bool:
    """Whether the type's values are stored as texts; an enum's member names are."""
    return isinstance(underlying_type(type_), String)


def comparable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column for comparisons: by code point, if it is stored as text."""
    return ByCodePoint(column) if is_stored_as_text(column.type) else column


class WithoutIndex(FunctionElement[Any]):
    """A column's value, written for SQLite with a unary `+`, which rules out its index.

    See https://sqlite.org/optoverview.html, "Disqualifying WHERE Clause Terms Using Unary +".
    """

    name = "unindexed"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(WithoutIndex)
def _indexed(element: WithoutIndex, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(WithoutIndex, "sqlite")
def _signed(element: WithoutIndex, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"
