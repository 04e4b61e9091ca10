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
    """Whether a type's values are texts on every engine, as those of an enum are not."""
    own = stored(type_)
    return isinstance(own, String) and not isinstance(own, Enum)


def comparable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, as it is compared: text by code point."""
    return CodePoints(column) if is_text(column.type) else column
