"""Whether a hero table that somebody else made can be served."""

from collections.abc import Collection

from sqlalchemy import Connection, Integer, inspect, text
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind

from graph.hero.model import TABLE


def misfit(connection: Connection, needed: Collection[str]) -> str | None:
    """What keeps the table from being served, in words; None when nothing does.

    Args:
        connection: to a database that has the table, or a view of its name.
        needed: the columns that it must have.
    """
    inspector = inspect(connection)
    if inspector.get_multi_columns(kind=ObjectKind.ANY_VIEW, filter_names=[TABLE.name]):
        return "it is a view"
    columns = {column["name"]: column for column in inspector.get_columns(TABLE.name)}
    if missing := set(needed) - columns.keys():
        return f"it has no column {', '.join(sorted(missing))}"
    if not _numbers_itself(connection, columns["id"]):
        return "its column id is no integer key that numbers new rows by itself"
    for name, column in columns.items():
        if not column["nullable"] and (
            TABLE.c[name].nullable if name in TABLE.c else not _has_default(column)
        ):
            return f"its column {name} is NOT NULL, and this code does not fill it"
    return None


def _has_default(column: ReflectedColumn) -> bool:
    return column["default"] is not None or "identity" in column or "computed" in column


def _numbers_itself(connection: Connection, key: ReflectedColumn) -> bool:
    if connection.dialect.name != "sqlite":
        return isinstance(key["type"], Integer) and _has_default(key)
    # Only the rowid's own name does (https://sqlite.org/lang_createtable.html#rowid).
    declared = connection.execute(
        text("SELECT name, type, pk FROM pragma_table_info(:name)"), {"name": TABLE.name}
    )
    keys = [(name, type_.upper()) for name, type_, number in declared if number]
    options = inspect(connection).get_table_options(TABLE.name)
    return keys == [("id", "INTEGER")] and options.get("sqlite_with_rowid", True)
