"""Text compared by code point, on every engine."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


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


def comparable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, as it is compared: text by code point."""
    return CodePoints(column) if isinstance(column.type, String) else column
