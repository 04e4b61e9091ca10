"""Checks a table on SQLite against its model.

Each reason says what does not fit and, if possible, has the SQL to fix it
(https://sqlite.org/pragma.html, https://sqlite.org/datatype3.html).
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Numeric,
    String,
    Table,
    Uuid,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from graph.tables.sql.functions import underlying_type
from graph.tables.sql.keys import key_of

OBJECT = text("""
SELECT name, type, sql FROM sqlite_master
WHERE type IN ('table', 'view') AND lower(name) = lower(:name)
""")

COLUMNS = text("""
SELECT name, upper(type) AS declared, "notnull" AS required, dflt_value AS "default", pk,
  hidden > 1 AS generated
FROM pragma_table_xinfo(:name) WHERE hidden <> 1
""")

MISSING_PARENTS = text("""
SELECT "from" AS name, "table" AS parent FROM pragma_foreign_key_list(:name)
WHERE lower("table") NOT IN (SELECT lower(name) FROM sqlite_master WHERE type = 'table')
""")

KEY_INDEX = text("SELECT count(*) FROM pragma_index_list(:name) WHERE origin = 'pk'")

REBUILD = "SQLite cannot alter this in place: copy the rows to a new table"


def reasons(
    connection: Connection,
    table: Table,
    names: Collection[str],
    *,
    writes: bool,
) -> Iterator[str]:
    """Yield the reasons why the table cannot be served.

    Args:
        connection: to the database.
        table: the model's table.
        names: required columns.
        writes: whether the service also writes rows.
    """
    preparer = connection.dialect.identifier_preparer
    encoding = connection.scalar(text("PRAGMA encoding"))
    if encoding != "UTF-8":
        yield (
            f"the database has the encoding {encoding}, which sorts texts differently: "
            "write it to a new file with `sqlite3 old.db .dump | sqlite3 new.db`"
        )
    found = connection.execute(OBJECT, {"name": table.name}).one()
    name = preparer.quote(found.name)
    if found.type == "view":
        yield "it is a view"
        return
    if found.sql.upper().startswith("CREATE VIRTUAL"):
        yield "it is a virtual table"
        return
    if found.name != table.name:
        wanted = preparer.quote(table.name)
        yield (
            f"its name is {name} in this database: "
            f"ALTER TABLE {name} RENAME TO renamed; ALTER TABLE renamed RENAME TO {wanted}"
        )
        return
    columns = {row.name: row for row in connection.execute(COLUMNS, {"name": table.name})}
    if missing := sorted(set(names) - columns.keys()):
        spelled = {each.lower(): preparer.quote(each) for each in columns}
        mends = [
            f"ALTER TABLE {name} RENAME COLUMN {spelled[each.lower()]} TO {each}"
            for each in missing
            if each.lower() in spelled
        ]
        yield ": ".join([f"it has no column {', '.join(missing)}", *mends])
        return
    yield from _key_reasons(connection, table, [each for each in columns.values() if each.pk])
    for column in columns.values():
        if column.name in table.c and column.name in names:
            if not (table.c[column.name].primary_key and key_of(table).is_numbered):
                yield from _column_reasons(column, table.c[column.name])
        elif column.required and column.default is None and not column.generated:
            why = "is NOT NULL without a default, and gets no value from us"
            yield f"its column {column.name} {why}"
    if writes:
        yield from _write_reasons(connection, name, [preparer.quote(each) for each in names])
        for missing_parent in connection.execute(MISSING_PARENTS, {"name": table.name}):
            yield (
                f"its column {missing_parent.name} refers to the table {missing_parent.parent}, "
                "which does not exist"
            )


def _write_reasons(connection: Connection, name: str, columns: Sequence[str]) -> Iterator[str]:
    """Compile a write of each kind, with the table's triggers, checks and indexes.

    They may use functions and collations of another program, or tables that no longer exist.
    """
    nulls = ", ".join("NULL" for _ in columns)
    assignments = ", ".join(f"{column} = NULL" for column in columns)
    for write in (
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({nulls})",  # noqa: S608 (names quoted)
        f"UPDATE {name} SET {assignments}",  # noqa: S608 (as above)
        f"DELETE FROM {name}",  # noqa: S608 (as above)
    ):
        try:
            connection.exec_driver_sql(f"EXPLAIN {write}")
        except DBAPIError as error:
            yield f"SQLite cannot {write.partition(' ')[0]}: {error.orig}"
            return


def _key_reasons(connection: Connection, table: Table, found: list[Any]) -> Iterator[str]:
    if not key_of(table).is_numbered:
        names = [column.name for column in table.primary_key]
        if sorted(names) != sorted(each.name for each in found):
            yield f"its primary key is not ({', '.join(names)}). {REBUILD}"
        return
    key = table.primary_key.columns[0]
    # Only an alias of the rowid numbers new rows: not `INT`, not `DESC`, no second column
    # (https://sqlite.org/lang_createtable.html#rowid). Any other key has an index.
    is_rowid = [(each.name, each.declared) for each in found] == [
        (key.name, "INTEGER")
    ] and not connection.scalar(KEY_INDEX, {"name": table.name})
    if not is_rowid:
        yield (
            f"its column {key.name} is not INTEGER PRIMARY KEY, "
            f"which SQLite needs to number new rows. {REBUILD}"
        )


def _column_reasons(found: Any, column: Column[Any]) -> Iterator[str]:
    affinity = _affinity(found.declared)
    if affinity not in _served(column.type):
        yield (
            f"its column {found.name} has the type {found.declared}, which does not "
            f"keep the values of {column.type}. {REBUILD}"
        )
    if found.generated:
        yield f"its column {found.name} is generated, so that values cannot be written"
    if found.required and column.nullable:
        yield f"its column {found.name} is NOT NULL, but may be null in the model. {REBUILD}"
    if not found.required and not column.nullable:
        yield f"its column {found.name} may be null, but not in the model. {REBUILD}"


def _affinity(declared: str) -> str:
    """Return the affinity of a type (https://sqlite.org/datatype3.html#determination_of_column_affinity)."""
    if "INT" in declared:
        return "INTEGER"
    if any(part in declared for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not declared or "BLOB" in declared:
        return "BLOB"
    return "REAL" if any(part in declared for part in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _served(type_: TypeEngine[Any]) -> set[str]:
    """Return the affinities that keep the values that SQLAlchemy stores for a type."""
    own = underlying_type(type_)
    if isinstance(own, Integer | Boolean):
        return {"INTEGER", "NUMERIC", "BLOB"}
    if isinstance(own, Float | Numeric):
        return {"REAL", "NUMERIC", "BLOB"}
    if isinstance(own, String | Uuid):
        return {"TEXT", "BLOB"}
    return {"INTEGER", "NUMERIC", "TEXT", "BLOB", "REAL"}
