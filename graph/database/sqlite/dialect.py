"""SQLAlchemy's dialect for SQLite, which misreads no value that another program stored."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect as AnyDialect
from sqlalchemy import types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class _DateTime(DATETIME):
    """Stores UTC for a column with time zone; SQLAlchemy's type would drop the zone."""

    def bind_processor(self, dialect: AnyDialect) -> Callable[[Any], Any]:
        written = super().bind_processor(dialect)
        assert written is not None  # noqa: S101 (for the type checker)
        if not self.timezone:
            return written
        return lambda value: written(_in_utc(value))

    def result_processor(self, dialect: AnyDialect, coltype: object) -> Callable[[Any], Any]:
        read = super().result_processor(dialect, coltype)
        assert read is not None  # noqa: S101 (as above)
        if not self.timezone:
            return read

        def in_utc(text: Any) -> Any:
            value = read(text)
            if type(value) is not datetime:
                return value
            if value.utcoffset():  # SQLite compares the texts, in which 10:00+02:00 is not 08:00
                raise ValueError("a datetime that is not in UTC")
            return value.replace(tzinfo=UTC)

        return in_utc


READ: dict[Any, bool | None] = {0: False, 1: True, None: None}
"""Booleans by their stored values."""


class _Boolean(types.Boolean):
    """Refuses any other value, such as 'false', which SQLAlchemy's type would read as true."""

    def result_processor(self, _: AnyDialect, __: object) -> Callable[[Any], Any]:
        return READ.__getitem__


def _in_utc(value: Any) -> Any:
    is_aware = type(value) is datetime and value.tzinfo is not None
    return value.astimezone(UTC) if is_aware else value


class Dialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect, with moments in UTC and strict booleans."""

    supports_statement_cache = True
    colspecs = {  # noqa: RUF012 (as SQLAlchemy has it)
        **SQLiteDialect_pysqlite.colspecs,
        types.Boolean: _Boolean,
        types.DateTime: _DateTime,
        types.TIMESTAMP: _DateTime,
    }


registry.register("sqlite.hero", __name__, "Dialect")

ENGINE = "sqlite+hero://"
"""URL of an engine with this dialect; its connections come from a `creator`."""
