"""Checks existing tables against the models, by the database's catalog."""

from collections.abc import Collection

from sqlalchemy import Connection, Table

from graph.database.base import DatabaseError
from graph.migrations import catalog_postgres, catalog_sqlite

REASONS = {"postgresql": catalog_postgres.reasons, "sqlite": catalog_sqlite.reasons}
"""By dialect, the function that checks a table."""


def check_table(
    connection: Connection, table: Table, names: Collection[str], *, writes: bool
) -> None:
    """Check that a table can be served correctly.

    Args:
        connection: to the database.
        table: the model's table; the database has a table or view of this name.
        names: required columns.
        writes: whether the service also writes rows.

    Raises:
        DatabaseError: the table does not fit; the message has the reasons, and the SQL to fix it.
    """
    found = list(REASONS[connection.dialect.name](connection, table, names, writes=writes))
    if found:
        line = "; ".join(found).replace("\n", " ")  # which a name may have
        raise DatabaseError(f"the table {table} cannot be served: {line}")
