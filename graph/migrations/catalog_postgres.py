"""Checks a table on PostgreSQL against its model, by the system catalog.

Each reason says what does not fit and, if possible, has the SQL to fix it
(https://www.postgresql.org/docs/current/catalogs.html).
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    Row,
    String,
    Table,
    Time,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from graph.tables.columns import BY_CODE_POINT
from graph.tables.sql.functions import underlying_type
from graph.tables.sql.keys import key_of

KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table, whose rows are on another server",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
}
"""Relations that are not tables, by `pg_class.relkind`."""

RELATION = text("""
SELECT relation.oid, relation.relkind::text AS kind, current_user::text AS role,
  pg_encoding_to_char(encoding)::text AS encoding,
  EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation.oid AND relation.relkind = 'r')
    AS has_children,
  (SELECT min(rulename)::text FROM pg_rewrite
    WHERE ev_class = relation.oid AND is_instead AND ev_enabled <> 'D' AND ev_type <> '1') AS rule
FROM pg_class AS relation, pg_database
WHERE relation.oid = to_regclass(CAST(:name AS text)) AND datname = current_database()
""")

COLUMNS = text("""
WITH RECURSIVE types AS (
  SELECT attnum, typname, typtype, typbasetype, attnotnull OR typnotnull AS required,
    typdefault IS NOT NULL AS has_default
  FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
  WHERE attrelid = CAST(:oid AS oid) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT attnum, pg_type.typname, pg_type.typtype, pg_type.typbasetype,
    required OR pg_type.typnotnull, has_default OR pg_type.typdefault IS NOT NULL
  FROM types JOIN pg_type ON pg_type.oid = types.typbasetype WHERE types.typtype = 'd'
)
SELECT attname::text AS name, format_type(atttypid, atttypmod) AS declared,
  (SELECT typname::text FROM types WHERE types.attnum = it.attnum AND typtype <> 'd') AS type,
  (SELECT bool_or(required) FROM types WHERE types.attnum = it.attnum) AS required,
  atthasdef OR attidentity <> ''
    OR (SELECT bool_or(has_default) FROM types WHERE types.attnum = it.attnum) AS has_default,
  attgenerated <> '' OR attidentity = 'a' AS generated,
  EXISTS (
    SELECT FROM pg_index
    WHERE indrelid = CAST(:oid AS oid) AND indisunique AND indisvalid AND indimmediate
      AND indpred IS NULL AND indnkeyatts = 1 AND indkey[0] = it.attnum AND attnotnull
  ) AS is_key
FROM pg_attribute AS it WHERE attrelid = CAST(:oid AS oid) AND attnum > 0 AND NOT attisdropped
""")

# Any type can be cast to and from a text.
CAN_CAST = text("""
SELECT EXISTS (
  SELECT FROM pg_cast
  WHERE castsource = to_regtype(CAST(:type AS text))
    AND casttarget = to_regtype(CAST(:wanted AS text))
) OR EXISTS (
  SELECT FROM pg_type WHERE typcategory = 'S'
    AND oid IN (to_regtype(CAST(:type AS text)), to_regtype(CAST(:wanted AS text)))
)
""")

HAS_KEY = text("""
SELECT EXISTS (
  SELECT FROM pg_index
  WHERE indrelid = CAST(:oid AS oid) AND indisunique AND indisvalid AND indimmediate
    AND indpred IS NULL AND indexprs IS NULL AND indnkeyatts = indnatts
    AND CAST(:names AS text[]) = (
      SELECT array_agg(attname::text ORDER BY attname::text COLLATE "C") FROM pg_attribute
      WHERE attrelid = indrelid AND attnum = ANY (indkey)
    )
)
""")

MISSING_RIGHTS = text("""
SELECT needed FROM unnest(CAST(:needed AS text[])) AS needed
WHERE NOT has_table_privilege(CAST(:oid AS oid), needed) AND (needed = 'DELETE' OR NOT (
  SELECT bool_and(has_column_privilege(CAST(:oid AS oid), attnum, needed))
  FROM pg_attribute WHERE attrelid = CAST(:oid AS oid) AND attname = ANY(CAST(:columns AS text[]))
    AND (needed = 'SELECT' OR attname <> ALL(CAST(:keys AS text[])))
))
""")

# An identity's sequence needs no right. A column that was made as `serial` goes on owning its first
# sequence when its default takes the numbers of another.
SEQUENCE = text("""
SELECT pg_class.oid::regclass::text AS name, seqincrement AS step, seqcycle AS cycles,
  attidentity <> '' OR has_sequence_privilege(seqrelid, 'USAGE') AS usable,
  has_sequence_privilege(seqrelid, 'SELECT') AND has_schema_privilege(relnamespace, 'USAGE')
    AS readable
FROM pg_attribute JOIN pg_sequence ON seqrelid = CASE
  WHEN attidentity <> '' THEN pg_get_serial_sequence(:name, :column)::regclass
  ELSE (
    SELECT min(refobjid) FROM pg_attrdef JOIN pg_depend
      ON objid = pg_attrdef.oid AND pg_depend.classid = 'pg_attrdef'::regclass
        AND refclassid = 'pg_class'::regclass
    JOIN pg_class AS referred ON referred.oid = refobjid AND referred.relkind = 'S'
    WHERE adrelid = attrelid AND adnum = attnum
  ) END
JOIN pg_class ON pg_class.oid = seqrelid
WHERE attrelid = CAST(:oid AS oid) AND attname = :column
""")

INDEXES = text("""
SELECT relname, nspname, pg_table_is_visible(indexrelid) AS is_visible, indisvalid, (
  SELECT coalesce(array_agg(attname::text), '{}')
  FROM unnest(indcollation) WITH ORDINALITY AS it (code, place)
  JOIN pg_collation ON pg_collation.oid = it.code AND collname = 'C'
  JOIN pg_attribute ON attrelid = indexrelid AND attnum = place
) AS by_code_point
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_table_is_visible(indexrelid) OR nspname = ANY(CAST(:schemas AS text[]))
""")


def reasons(
    connection: Connection, table: Table, names: Collection[str], *, writes: bool
) -> Iterator[str]:
    """Yield the reasons why the table cannot be served.

    Args:
        connection: to the database.
        table: as the model has it.
        names: the columns that must be there.
        writes: whether rows are written, too.
    """
    preparer, key = connection.dialect.identifier_preparer, key_of(table)
    name = preparer.format_table(table)
    relation = connection.execute(RELATION, {"name": name}).first()
    if relation is None:
        yield "it was dropped meanwhile"
        return
    if relation.encoding != "UTF8":
        yield (
            f"the database has the encoding {relation.encoding}, which cannot store and "
            "compare every text: restore a dump into a database created with ENCODING 'UTF8'"
        )
    if relation.kind in KINDS:
        yield f"it is {KINDS[relation.kind]}"
        return
    if relation.has_children:
        yield "other tables inherit from it, so that several rows can have the same key"
    if relation.rule is not None:
        rule = preparer.quote(relation.rule)
        yield f"its rule {rule} replaces writes (DO INSTEAD): DROP RULE {rule} ON {name}"
    found = {row.name: row for row in connection.execute(COLUMNS, {"oid": relation.oid})}
    if missing := set(names) - found.keys():
        yield f"it has no column {', '.join(sorted(missing))}"
        return
    for column in found.values():
        if column.name in table.c and column.name in names:
            quoted = preparer.quote(column.name)
            yield from _type_reasons(connection, name, quoted, column, table)
            yield from _column_reasons(name, quoted, column, table)
        elif column.required and not column.has_default and not column.generated:
            quoted = preparer.quote(column.name)
            yield (
                f"its column {quoted} is NOT NULL without a default, and gets no value from us: "
                f"ALTER TABLE {name} ALTER COLUMN {quoted} DROP NOT NULL"
            )
    yield from _composite_key_reasons(connection, table, name, relation.oid)
    needed = ["SELECT", "INSERT", "UPDATE", "DELETE"] if writes else ["SELECT"]
    asked = {
        "oid": relation.oid,
        "needed": needed,
        "columns": sorted(names),
        "keys": list(key.names) if key.is_numbered else [],  # which the database gives
    }
    role = preparer.quote(relation.role)
    if lacks := connection.scalars(MISSING_RIGHTS, asked).all():
        yield (
            f"the role {role} lacks privileges: GRANT {', '.join(lacks)} ON {name} TO {role}"
            + (", or set GRAPH_READ_ONLY=true" if writes and "SELECT" not in lacks else "")
        )
    elif (
        writes
        and key.is_numbered
        and found[key.names[0]].type in ACCEPTED[Integer]
        and found[key.names[0]].has_default
    ):
        yield from _sequence_reasons(connection, table, name, role, relation.oid)


def _type_reasons(
    connection: Connection, name: str, quoted: str, found: Row[Any], table: Table
) -> Iterator[str]:
    accepted = _accepted(table.c[found.name].type)
    if not accepted or found.type in accepted:
        return
    wanted = accepted[0]
    why = f"its column {quoted} has the type {found.declared} instead of {wanted}"
    if connection.scalar(CAN_CAST, {"type": found.type, "wanted": wanted}):
        why += f": ALTER TABLE {name} ALTER COLUMN {quoted} TYPE {wanted} USING {quoted}::{wanted}"
    yield why


def _column_reasons(name: str, quoted: str, found: Row[Any], table: Table) -> Iterator[str]:
    column = table.c[found.name]
    alter = f"ALTER TABLE {name} ALTER COLUMN {quoted}"
    key = key_of(table)
    if column.primary_key and key.is_single:
        yield from _key_reasons(name, quoted, found, is_numbered=key.is_numbered)
        return
    if found.generated:
        yield f"its column {quoted} is generated, so that values cannot be written"
    if found.required and column.nullable:
        why = "is NOT NULL, but may be null in the model"
        yield f"its column {quoted} {why}: {alter} DROP NOT NULL"
    if not found.required and not column.nullable:
        yield f"its column {quoted} may be null, but not in the model: {alter} SET NOT NULL"


def _composite_key_reasons(
    connection: Connection, table: Table, name: str, oid: int
) -> Iterator[str]:
    names = sorted(column.name for column in table.primary_key)
    if len(names) == 1 or connection.scalar(HAS_KEY, {"oid": oid, "names": names}):
        return
    preparer = connection.dialect.identifier_preparer
    quoted = ", ".join([preparer.quote(column.name) for column in table.primary_key])
    yield (
        f"its columns {quoted} are not a key, so that several rows can have the same id: "
        f"ALTER TABLE {name} ADD PRIMARY KEY ({quoted})"
    )


def _key_reasons(name: str, quoted: str, found: Row[Any], *, is_numbered: bool) -> Iterator[str]:
    if not found.is_key:
        yield (
            f"its column {quoted} is not a key, so that several rows can have the same id: "
            f"ALTER TABLE {name} ALTER COLUMN {quoted} SET NOT NULL, ADD UNIQUE ({quoted})"
        )
    if is_numbered and not found.has_default:
        yield (
            f"its column {quoted} has no default that numbers new rows: "
            f"ALTER TABLE {name} ALTER COLUMN {quoted} ADD GENERATED BY DEFAULT AS IDENTITY"
        )


def _sequence_reasons(
    connection: Connection, table: Table, name: str, role: str, oid: int
) -> Iterator[str]:
    (key,) = table.primary_key
    asked = {"name": name, "column": key.name, "oid": oid}
    # Read before the sequence: the sequence has numbered every row visible here.
    greatest = connection.scalar(select(func.max(key)))
    sequence = connection.execute(SEQUENCE, asked).first()
    quoted = connection.dialect.identifier_preparer.quote(key.name)
    if sequence is None:
        column = f"ALTER COLUMN {quoted}"
        yield (
            f"its column {quoted} has a default that is not of a sequence, so that new ids may be "
            f"out of order or there already: ALTER TABLE {name} {column} DROP DEFAULT, "
            f"{column} ADD GENERATED BY DEFAULT AS IDENTITY"
        )
        return
    if sequence.step < 1 or sequence.cycles:
        yield (
            f"the sequence {sequence.name} does not only count upwards: "
            f"ALTER SEQUENCE {sequence.name} INCREMENT 1 NO MAXVALUE NO CYCLE"
        )
        return
    if not sequence.usable:
        grant = f"GRANT USAGE ON SEQUENCE {sequence.name} TO {role}"
        yield f"the role {role} lacks privileges: {grant}"
    if not sequence.readable or greatest is None:
        return
    last, is_called = connection.execute(
        text(f"SELECT last_value, is_called FROM {sequence.name}")  # noqa: S608 (PostgreSQL quotes it)
    ).one()
    if last + (sequence.step if is_called else 0) <= greatest:
        mend = f"SELECT setval('{sequence.name}', (SELECT max({quoted}) FROM {name}))"  # noqa: S608 (shown, not run)
        yield f"the sequence {sequence.name} is behind the ids in the table: {mend}"


def _accepted(type_: TypeEngine[Any]) -> tuple[str, ...]:
    """Return PostgreSQL's types for a type of the model, default first; empty: any type."""
    own = underlying_type(type_)
    if isinstance(own, DateTime):
        return ("timestamptz",) if own.timezone else ("timestamp",)
    if isinstance(own, Time):
        return ("time",)
    for of_model, accepted in ACCEPTED.items():
        if isinstance(own, of_model):
            return accepted
    return ()


ACCEPTED: dict[type[TypeEngine[Any]], tuple[str, ...]] = {
    String: ("text", "varchar"),
    Integer: ("int4", "int8", "int2"),
    Float: ("float8",),
    Numeric: ("numeric",),
    Boolean: ("bool",),
    Date: ("date",),
    Uuid: ("uuid",),
    LargeBinary: ("bytea",),
    Interval: ("interval",),
}
"""By type of the model. Enums are stored as texts; `Float`, a subclass, precedes `Numeric`."""


def unusable_index(connection: Connection, tables: Sequence[Table]) -> str | None:
    """Return which index of the models cannot be used, and why; None if all can."""
    ours = {(each.schema, index.name): index for each in tables for index in each.indexes}
    schemas = sorted({each.schema for each in tables if each.schema is not None})
    found = connection.execute(INDEXES, {"schemas": schemas})
    for name, schema, is_visible, valid, by_code_point in found:
        index = ours.get((schema, name)) or (ours.get((None, name)) if is_visible else None)
        if index is not None:
            if not valid:  # a failed CREATE INDEX CONCURRENTLY leaves such an index
                return f"the index {name} is invalid: REINDEX INDEX {name}"
            if not set(index.info.get(BY_CODE_POINT, ())).issubset(by_code_point):
                return (
                    f'the index {name} is not in order of code points: create it with COLLATE "C"'
                )
    return None
