"""Keyset indexes: they have the rows of a page in its order."""

from sqlalchemy import Index, Table

from graph.tables.sql.functions import is_stored_as_text

BY_CODE_POINT = "by_code_point"
"""Key in an index's `info`: whether its first column is text sorted by code point."""


def keyset_indexes(table: Table) -> None:
    """Add an index on (column, key) for each indexed column, so that the key breaks ties.

    Texts are sorted by code point (`graph.tables.sql.functions`). The migrations tell PostgreSQL:
    declaring it here would make SQLAlchemy import its whole PostgreSQL dialect.

    Args:
        table: a table whose primary key is one column.
    """
    (key,) = table.primary_key
    for column in table.c:
        if column.index:
            name = f"ix_{table.name}_{column.name}_and_{key.name}"
            Index(name, column, key, info={BY_CODE_POINT: is_stored_as_text(column.type)})
