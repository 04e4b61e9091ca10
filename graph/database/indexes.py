"""Indexes that have the rows of a page in its order."""

from sqlalchemy import Index, Table

from graph.database.codepoint import has_code_points

BY_CODE_POINT = "by_code_point"
"""Marks, in an index's `info`, that it has the texts of its first column by code point."""


def keyset_indexes(table: Table) -> None:
    """Give each column with an index another, in which the key tells equal values apart.

    It has texts as they are compared (`graph.database.codepoint`). PostgreSQL is told so by the
    migrations: SQLAlchemy would import all that it has for PostgreSQL to keep it here.

    Args:
        table: its primary key is one column.
    """
    (key,) = table.primary_key
    for column in table.c:
        if column.index:
            name = f"ix_{table.name}_{column.name}_and_{key.name}"
            Index(name, column, key, info={BY_CODE_POINT: has_code_points(column.type)})
