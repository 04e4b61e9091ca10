"""Text compared by code point, on every engine."""

from typing import Any

from sqlalchemy import ColumnElement, Enum, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class CodePoints(FunctionElement[str]):
    """A text whose comparison and order are those of its code points.

    PostgreSQL has a collation for it (https://www.postgresql.org/docs/current/collation.html);
    SQLite compares the bytes of UTF-8, which gives the same order.
    """

    name = "code_points"
    type = String()
    inherit_cache = True


@compiles(CodePoints)
def _as_it_is(element: CodePoints, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(CodePoints, "postgresql")
def _collated(element: CodePoints, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


def stored(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """SQLAlchemy's own type, which may be within one of a model's."""
    return type_.impl_instance if isinstance(type_, TypeDecorator) else type_


def is_text(type_: TypeEngine[Any]) -> bool:
    """Whether a type's values are texts."""
    own = stored(type_)
    return isinstance(own, String) and not isinstance(own, Enum)


def has_code_points(type_: TypeEngine[Any]) -> bool:
    """Whether a type's values are stored as texts, as the names of an enum's members are, too."""
    return isinstance(stored(type_), String)


def comparable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, as it is compared: what is stored as text by code point."""
    return CodePoints(column) if has_code_points(column.type) else column
