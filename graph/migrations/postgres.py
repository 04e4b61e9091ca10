"""Checks on PostgreSQL that Alembic does not make."""

from sqlalchemy import Connection, MetaData, text

from graph.tables.columns import BY_CODE_POINT

INDEXES = text("""
SELECT relname, indisvalid, collname FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
LEFT JOIN pg_collation ON pg_collation.oid = indcollation[0]
WHERE pg_table_is_visible(indexrelid)
""")


def unusable_index(connection: Connection, metadata: MetaData) -> str | None:
    """Return which index of the models cannot be used, and why; None if all can."""
    ours = {index.name: index for table in metadata.tables.values() for index in table.indexes}
    for name, valid, collation in connection.execute(INDEXES):
        if name in ours:
            if not valid:  # a failed CREATE INDEX CONCURRENTLY leaves such an index
                return f"the index {name} is invalid: REINDEX INDEX {name}"
            if ours[name].info.get(BY_CODE_POINT) and collation != "C":
                return (
                    f'the index {name} is not in order of code points: create it with COLLATE "C"'
                )
    return None
