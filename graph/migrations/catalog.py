"""What the service relies on in its tables, compared with the database's catalog."""

from collections.abc import Collection

from sqlalchemy import Connection, Table

from graph.database.base import DatabaseError
from graph.migrations import catalog_postgres, catalog_sqlite

REASONS = {"postgresql": catalog_postgres.reasons, "sqlite": catalog_sqlite.reasons}
"""By dialect, what compares a table."""


def check_table(
    connection: Connection, table: Table, names: Collection[str], *, writes: bool
) -> None:
    """See that a table can be served rightly.

    Args:
        connection: to the database.
        table: as the model has it; it is there, or a view of its name.
        names: the columns that it must have.
        writes: whether rows are written, too.

    Raises:
        DatabaseError: it cannot; the message says why, and has the statements that mend it.
    """
    found = list(REASONS[connection.dialect.name](connection, table, names, writes=writes))
    if found:
        raise DatabaseError(f"the table {table.name} cannot be served: {'; '.join(found)}")
