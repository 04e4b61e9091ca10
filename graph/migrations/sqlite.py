"""Keeps AUTOINCREMENT when Alembic rebuilds a table, which most changes on SQLite need."""

from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations.batch import ApplyBatchImpl
from sqlalchemy import Table, text

from graph.migrations import has_autoincrement


class Implementation(SQLiteImpl):
    """Alembic's implementation, with AUTOINCREMENT; Alembic uses the last class of a dialect."""

    __dialect__ = "sqlite"

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: Table) -> None:
        """Give the new table AUTOINCREMENT and its sequence (https://sqlite.org/autoinc.html)."""
        super().prep_table_for_batch(batch_impl, table)
        connection, new = self.connection, batch_impl.new_table
        assert connection is not None  # noqa: S101 (for the type checker)
        assert new is not None  # noqa: S101 (as above)
        if has_autoincrement(connection, table):
            new.dialect_options["sqlite"]["autoincrement"] = True
            last = "SELECT :new, seq FROM sqlite_sequence WHERE name = :old"
            names = {"new": new.name, "old": table.name}
            connection.execute(text(f"INSERT INTO sqlite_sequence (name, seq) {last}"), names)
