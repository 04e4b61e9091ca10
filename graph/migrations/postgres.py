"""What Alembic does not see of a database on PostgreSQL."""

from sqlalchemy import Connection, MetaData, text

from graph.tables.columns import BY_CODE_POINT

INDEXES = text("""
SELECT relname, indisvalid, collname FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
LEFT JOIN pg_collation ON pg_collation.oid = indcollation[0]
WHERE pg_table_is_visible(indexrelid)
""")


def unusable_index(connection: Connection, metadata: MetaData) -> str | None:
    """Which index of the models cannot be used, and why; None when all can."""
    ours = {index.name: index for table in metadata.tables.values() for index in table.indexes}
    for name, valid, collation in connection.execute(INDEXES):
        if name in ours:
            if not valid:  # as CREATE INDEX CONCURRENTLY leaves it when it fails
                return f"{name} is invalid, and has to be made anew"
            if ours[name].info.get(BY_CODE_POINT) and collation != "C":
                return f'{name} does not have its texts by code point: they lack COLLATE "C"'
    return None
