"""SQLAlchemy's dialect for asyncpg, for all databases that speak PostgreSQL's protocol."""

from typing import Any

from sqlalchemy import Connection, types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncpgFloat,
    AsyncpgNumeric,
    PGDialect_asyncpg,
)

NUMERIC, FLOAT8 = 1700, 701
"""OIDs of these types (https://www.postgresql.org/docs/current/datatype-oid.html)."""


class _Numeric(AsyncpgNumeric):
    """Assumes the type of the column, as statements are compiled before their first row."""

    def result_processor(self, dialect: Any, coltype: object) -> Any:
        return super().result_processor(dialect, coltype or NUMERIC)  # type: ignore[no-untyped-call]


class _Float(AsyncpgFloat):
    """As above."""

    def result_processor(self, dialect: Any, coltype: object) -> Any:
        return super().result_processor(dialect, coltype or FLOAT8)  # type: ignore[no-untyped-call]


class Dialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect; compiles conversions before the first row, and accepts any version."""

    supports_statement_cache = True
    # Enums are stored as text, as on SQLite: a new member needs no migration.
    supports_native_enum = False
    colspecs = {  # noqa: RUF012 (as SQLAlchemy has it)
        **PGDialect_asyncpg.colspecs,
        types.Numeric: _Numeric,
        types.Float: _Float,
    }

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        """Return the version that the server sends on connecting.

        SQLAlchemy's method parses `version()`, and fails on the names of other products.
        """
        raw: Any = connection.connection.driver_connection
        return tuple(raw.get_server_version()[:2])


registry.register("postgresql.hero", __name__, "Dialect")

ENGINE = "postgresql+hero://"
"""URL of an engine with this dialect; its connections come from an `async_creator`."""
