"""What a table needs on SQLite to be served, compared with its schema.

Each reason says what does not fit, and has the statement that mends it where there is one
(https://sqlite.org/pragma.html, https://sqlite.org/datatype3.html).
"""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Float, Integer, Numeric, String, Table, text
from sqlalchemy.types import TypeEngine

from graph.tables.sql.functions import underlying_type

OBJECT = text("""
SELECT name, type, sql FROM sqlite_master
WHERE type IN ('table', 'view') AND lower(name) = lower(:name)
""")

COLUMNS = text("""
SELECT name, upper(type) AS declared, "notnull" AS required, dflt_value AS "default", pk,
  hidden > 1 AS generated
FROM pragma_table_xinfo(:name) WHERE hidden <> 1
""")

KEY_INDEX = text("SELECT count(*) FROM pragma_index_list(:name) WHERE origin = 'pk'")

REBUILD = "SQLite cannot alter that in place: copy the rows into a new table"


def reasons(
    connection: Connection,
    table: Table,
    names: Collection[str],
    *,
    writes: bool,  # noqa: ARG001 (SQLite has no rights but those of the file)
) -> Iterator[str]:
    """Why the table cannot be served; nothing when it can.

    Args:
        connection: to the database.
        table: as the model has it.
        names: the columns that must be there.
        writes: whether rows are written, too.
    """
    preparer = connection.dialect.identifier_preparer
    encoding = connection.scalar(text("PRAGMA encoding"))
    if encoding != "UTF-8":
        yield (
            f"the database has the encoding {encoding}, in which texts have another order: "
            "write it to a new file with `sqlite3 old.db .dump | sqlite3 new.db`"
        )
    found = connection.execute(OBJECT, {"name": table.name}).one()
    name = preparer.quote(found.name)
    if found.type == "view":
        yield "it is a view"
        return
    if found.sql.upper().startswith("CREATE VIRTUAL"):
        yield "it is a virtual table, whose rows a module makes"
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
            if not table.c[column.name].primary_key:
                yield from _column_reasons(column, table.c[column.name])
        elif column.required and column.default is None and not column.generated:
            yield f"its column {column.name} is NOT NULL, and this code does not fill it"


def _key_reasons(connection: Connection, table: Table, found: list[Any]) -> Iterator[str]:
    key = table.primary_key.columns[0]
    # Only the rowid's own name numbers new rows: no `INT`, no `DESC`, no second column
    # (https://sqlite.org/lang_createtable.html#rowid). Any other key has an index.
    is_rowid = [(each.name, each.declared) for each in found] == [
        (key.name, "INTEGER")
    ] and not connection.scalar(KEY_INDEX, {"name": table.name})
    if not is_rowid:
        yield (
            f"its column {key.name} is not INTEGER PRIMARY KEY, "
            f"which alone numbers new rows by itself. {REBUILD}"
        )


def _column_reasons(found: Any, column: Column[Any]) -> Iterator[str]:
    affinity = _affinity(found.declared)
    if affinity not in _served(column.type):
        yield (
            f"its column {found.name} has the type {found.declared}, in which SQLite stores "
            f"other values than {column.type} has. {REBUILD}"
        )
    if found.generated:
        yield f"its column {found.name} is generated, so that no value can be stored in it"
    if found.required and column.nullable:
        yield f"its column {found.name} is NOT NULL, and clients may leave it out. {REBUILD}"
    if not found.required and not column.nullable:
        yield f"its column {found.name} may be null, and no client expects that. {REBUILD}"


def _affinity(declared: str) -> str:
    """The affinity of a declared type (https://sqlite.org/datatype3.html#determination_of_column_affinity)."""
    if "INT" in declared:
        return "INTEGER"
    if any(part in declared for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not declared or "BLOB" in declared:
        return "BLOB"
    return "REAL" if any(part in declared for part in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _served(type_: TypeEngine[Any]) -> set[str]:
    """The affinities that keep the values of a type as SQLAlchemy stores them."""
    own = underlying_type(type_)
    if isinstance(own, Integer | Boolean):
        return {"INTEGER", "NUMERIC", "BLOB"}
    if isinstance(own, Float | Numeric):
        return {"REAL", "NUMERIC", "BLOB"}
    if isinstance(own, String):
        return {"TEXT", "BLOB"}
    return {"INTEGER", "NUMERIC", "TEXT", "BLOB", "REAL"}
