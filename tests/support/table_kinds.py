"""Kinds of hero tables that other tools create, each with the line that refuses it, if any."""

from typing import NamedTuple

TEXTS = "name TEXT NOT NULL, age INTEGER, secret_name TEXT NOT NULL"


class Kind(NamedTuple):
    """A kind of table, with the statements that create it."""

    about: str
    statements: tuple[str, ...]
    refused: str = ""
    """Part of the line that refuses the table; empty if it is served."""


def table(about: str, *statements: str, refused: str = "") -> Kind:
    """A kind of table, from its statements, or from the columns that follow its id."""
    return Kind(about, tuple(map(_table, statements)), refused)


def _table(statement: str) -> str:
    return f"CREATE TABLE hero ({statement})" if statement.startswith("id") else statement


KEY = "id INTEGER PRIMARY KEY"

SQLITE = [
    table("the tutorial's", f"{KEY}, {TEXTS}"),
    table("strict", f"CREATE TABLE hero ({KEY}, {TEXTS}) STRICT"),
    table("AUTOINCREMENT", f"{KEY} AUTOINCREMENT, {TEXTS}"),
    table("varchars", f"{KEY}, name VARCHAR(50) NOT NULL, age INT, secret_name VARCHAR NOT NULL"),
    table("NOCASE", f"{KEY}, {TEXTS.replace('TEXT', 'TEXT COLLATE NOCASE')}"),
    table("RTRIM", f"{KEY}, {TEXTS.replace('TEXT', 'TEXT COLLATE RTRIM')}"),
    table(
        "an index of a column with NOCASE",
        f"{KEY}, {TEXTS.replace('TEXT', 'TEXT COLLATE NOCASE')}",
        "CREATE INDEX ix_hero_name ON hero (name)",
    ),
    table(
        "an index with NOCASE of its own",
        f"{KEY}, {TEXTS}",
        "CREATE INDEX by_name ON hero (name COLLATE NOCASE)",
    ),
    table("no declared types", "id INTEGER PRIMARY KEY, name NOT NULL, age, secret_name NOT NULL"),
    table("a date for an age", f"{KEY}, {TEXTS.replace('INTEGER', 'DATE')}"),
    table("a 64-bit age", f"{KEY}, {TEXTS.replace('INTEGER', 'BIGINT')}"),
    table("a further column", f"{KEY}, {TEXTS}, team TEXT"),
    table("a further column with a default", f"{KEY}, {TEXTS}, team TEXT NOT NULL DEFAULT 'x'"),
    table(
        "a further column that is generated",
        f"{KEY}, {TEXTS}, loud TEXT NOT NULL GENERATED ALWAYS AS (upper(name)) STORED",
    ),
    table("a check", f"{KEY}, {TEXTS}, CHECK (age < 1000)"),
    table("a unique secret", f"{KEY}, {TEXTS}, UNIQUE (secret_name, id)"),
    table(
        "a trigger that writes elsewhere",
        f"{KEY}, {TEXTS}",
        "CREATE TABLE log (name)",
        "CREATE TRIGGER note AFTER INSERT ON hero BEGIN INSERT INTO log VALUES (new.name); END",
    ),
    table(
        "columns in another order",
        f"CREATE TABLE hero (age INTEGER, secret_name TEXT NOT NULL, name TEXT NOT NULL, {KEY})",
    ),
    table(
        "a view",
        "CREATE VIEW hero AS SELECT 1 AS id, '' AS name, 1 AS age, '' AS secret_name",
        refused="it is a view",
    ),
    table(
        "a virtual table",
        "CREATE VIRTUAL TABLE hero USING fts5(name, age, secret_name)",
        refused="virtual table",
    ),
    table("UTF-16", "PRAGMA encoding = 'UTF-16le'", f"{KEY}, {TEXTS}", refused="UTF-16le"),
    table("big-endian", "PRAGMA encoding = 'UTF-16be'", f"{KEY}, {TEXTS}", refused="UTF-16be"),
    table("another case", f'CREATE TABLE "Hero" ({KEY}, {TEXTS})', refused="RENAME TO hero"),
    table(
        "a column in another case",
        f"{KEY}, {TEXTS.replace('name', 'Name', 1)}",
        refused='RENAME COLUMN "Name" TO name',
    ),
    table("a column less", f"{KEY}, name TEXT NOT NULL, age INTEGER", refused="secret_name"),
    table("a text key", f"id TEXT PRIMARY KEY, {TEXTS}", refused="column id"),
    table("a key that is INT", f"id INT PRIMARY KEY, {TEXTS}", refused="column id"),
    table("a key that is BIGINT", f"id BIGINT PRIMARY KEY, {TEXTS}", refused="column id"),
    table("a descending key", f"id INTEGER PRIMARY KEY DESC, {TEXTS}", refused="column id"),
    table("no key", f"id INTEGER, {TEXTS}", refused="column id"),
    table("a unique id", f"id INTEGER NOT NULL UNIQUE, {TEXTS}", refused="column id"),
    table("two keys", f"id INTEGER, {TEXTS}, PRIMARY KEY (id, name)", refused="column id"),
    table(
        "no rowid",
        f"CREATE TABLE hero ({KEY}, {TEXTS}) WITHOUT ROWID",
        refused="column id",
    ),
    table(
        "a name that may be null",
        f"{KEY}, {TEXTS.replace(' NOT NULL', '', 1)}",
        refused="name may be null",
    ),
    table(
        "an age that may not",
        f"{KEY}, {TEXTS.replace('INTEGER', 'INTEGER NOT NULL')}",
        refused="age is NOT NULL",
    ),
    table("an age as a text", f"{KEY}, {TEXTS.replace('INTEGER', 'TEXT')}", refused="type TEXT"),
    table("an age as a real", f"{KEY}, {TEXTS.replace('INTEGER', 'REAL')}", refused="type REAL"),
    table(
        "a name as a number",
        f"{KEY}, {TEXTS.replace('TEXT', 'NUMERIC', 1)}",
        refused="type NUMERIC",
    ),
    table("a required column", f"{KEY}, {TEXTS}, team TEXT NOT NULL", refused="column team"),
    table(
        "a generated name",
        f"{KEY}, age INTEGER, secret_name TEXT NOT NULL, name TEXT NOT NULL AS (secret_name)",
        refused="name is generated",
    ),
    table(
        "a trigger that writes to a table that is gone",
        f"{KEY}, {TEXTS}",
        "CREATE TABLE gone (name)",
        "CREATE TRIGGER note AFTER INSERT ON hero BEGIN INSERT INTO gone VALUES (new.name); END",
        "DROP TABLE gone",
        refused="SQLite cannot INSERT: no such table: main.gone",
    ),
    table(
        "a check by a function of another program",
        f"{KEY}, {TEXTS}, CHECK (lower(name))",
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_master SET sql = replace(sql, 'lower(', 'is_hero(')",
        refused="SQLite cannot INSERT: .*is_hero",
    ),
    table(
        "a reference to a table that is gone",
        f"{KEY}, {TEXTS}, team INTEGER REFERENCES team (id)",
        refused="its column team refers to the table team, which does not exist",
    ),
    table(
        "a reference",
        "CREATE TABLE team (id INTEGER PRIMARY KEY)",
        f"{KEY}, {TEXTS}, team INTEGER REFERENCES Team (id)",
    ),
    table(
        "names with quotes, dots and colons",
        f"""{KEY}, {TEXTS}, "a.""b'c" TEXT, "%s" TEXT, ":x" TEXT DEFAULT '?'""",
        'CREATE INDEX "i.""j" ON hero (name)',
        'CREATE TABLE "hero.x" (a)',
        'CREATE TRIGGER "t.""r" AFTER INSERT ON hero BEGIN SELECT 1; END',
    ),
    table(
        "a required column whose name has two lines",
        f'{KEY}, {TEXTS}, "a.""b\nc" TEXT NOT NULL',
        refused='its column a."b c is NOT NULL',
    ),
    table(
        "a thousand others",
        f"{KEY}, {TEXTS}",
        *[f'CREATE TABLE "t.""{number}" (a)' for number in range(1000)],
    ),
]

SERIAL = "id SERIAL PRIMARY KEY"

GERMAN = 'TEXT COLLATE "de-x-icu"'

LOOSE = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
"""Pages of a table whose collation ignores case."""

LOUD = "NOT NULL GENERATED ALWAYS AS (upper(secret_name)) STORED"

POSTGRESQL = [
    table("the tutorial's", f"{SERIAL}, {TEXTS.replace('TEXT', 'VARCHAR')}"),
    table("an identity", f"id INT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, {TEXTS}"),
    table("an identity, always", f"id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {TEXTS}"),
    table("a big key", f"id BIGSERIAL PRIMARY KEY, {TEXTS}"),
    table("a small age", f"{SERIAL}, {TEXTS.replace('INTEGER', 'SMALLINT')}"),
    table("a unique id", f"id SERIAL UNIQUE, {TEXTS}"),
    table("limited texts", f"{SERIAL}, {TEXTS.replace('TEXT', 'VARCHAR(300)')}"),
    table(
        "a collation that ignores case",
        f"CREATE COLLATION loose {LOOSE}",
        f"{SERIAL}, {TEXTS.replace('TEXT', 'TEXT COLLATE loose')}",
        "CREATE INDEX ix_hero_name ON hero (name)",
    ),
    table("a collation of a language", f"{SERIAL}, {TEXTS.replace('TEXT', GERMAN)}"),
    table(
        "a domain",
        "CREATE DOMAIN label AS text CHECK (length(VALUE) < 200)",
        f"{SERIAL}, {TEXTS.replace('TEXT', 'label')}",
    ),
    table(
        "a domain of a domain",
        "CREATE DOMAIN a AS text",
        "CREATE DOMAIN b AS a NOT NULL",
        f"{SERIAL}, name b, age INTEGER, secret_name b",
    ),
    table("a further column", f"{SERIAL}, {TEXTS}, team TEXT"),
    table("a further column with a default", f"{SERIAL}, {TEXTS}, team TEXT NOT NULL DEFAULT 'x'"),
    table(
        "a further column that is generated",
        f"{SERIAL}, {TEXTS}, loud TEXT NOT NULL GENERATED ALWAYS AS (upper(name)) STORED",
    ),
    table(
        "partitions",
        f"CREATE TABLE hero ({SERIAL}, {TEXTS}) PARTITION BY RANGE (id)",
        "CREATE TABLE hero_1 PARTITION OF hero DEFAULT",
    ),
    table("a check", f"{SERIAL}, {TEXTS}, CHECK (age < 1000)"),
    table("an unlogged table", f"CREATE UNLOGGED TABLE hero ({SERIAL}, {TEXTS})"),
    table(
        "a rule that does more",
        f"{SERIAL}, {TEXTS}",
        "CREATE TABLE log (name TEXT)",
        "CREATE RULE note AS ON DELETE TO hero DO ALSO INSERT INTO log VALUES (old.name)",
    ),
    table(
        "a key of its own sequence",
        "CREATE SEQUENCE numbers",
        f"id INTEGER PRIMARY KEY DEFAULT nextval('numbers'), {TEXTS}",
    ),
    table(
        "a key that has left its own sequence",
        "CREATE SEQUENCE numbers",
        f"{SERIAL}, {TEXTS}",
        "ALTER TABLE hero ALTER id SET DEFAULT nextval('numbers')",
    ),
    table(
        "a view",
        "CREATE VIEW hero AS SELECT 1 AS id, '' AS name, 1 AS age, '' AS secret_name",
        refused="it is a view",
    ),
    table(
        "a stored view",
        "CREATE MATERIALIZED VIEW hero AS SELECT 1 AS id, '' AS name",
        refused="materialized view",
    ),
    table(
        "a foreign table",
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER s FOREIGN DATA WRAPPER w",
        "CREATE FOREIGN TABLE hero (id INT, name TEXT, age INT, secret_name TEXT) SERVER s",
        refused="foreign table",
    ),
    table(
        "a child",
        f"{SERIAL}, {TEXTS}",
        "CREATE TABLE villain () INHERITS (hero)",
        refused="inherit",
    ),
    table(
        "a rule instead",
        f"{SERIAL}, {TEXTS}",
        "CREATE RULE none AS ON DELETE TO hero DO INSTEAD NOTHING",
        refused="DROP RULE none ON hero",
    ),
    table("no key", f"id SERIAL, {TEXTS}", refused=r"ADD UNIQUE \(id\)"),
    table("two keys", f"id SERIAL, {TEXTS}, PRIMARY KEY (id, name)", refused=r"ADD UNIQUE"),
    table(
        "a key that does not number", f"id INTEGER PRIMARY KEY, {TEXTS}", refused="ADD GENERATED"
    ),
    table("a text key", f"id TEXT PRIMARY KEY, {TEXTS}", refused="column id has the type text"),
    table(
        "a UUID key",
        f"id UUID PRIMARY KEY DEFAULT gen_random_uuid(), {TEXTS}",
        refused="column id has the type uuid",
    ),
    table(
        "a name that may be null",
        f"{SERIAL}, {TEXTS.replace(' NOT NULL', '', 1)}",
        refused="name SET NOT NULL",
    ),
    table(
        "an age that may not",
        f"{SERIAL}, {TEXTS.replace('INTEGER', 'INTEGER NOT NULL')}",
        refused="age DROP NOT NULL",
    ),
    *[
        table(
            f"an age as {type_}",
            f"{SERIAL}, {TEXTS.replace('INTEGER', type_)}",
            refused="age TYPE int4",
        )
        for type_ in ("TEXT", "NUMERIC", "REAL", "BOOLEAN", "JSONB")
    ],
    *[
        table(
            f"an age as {type_}",
            f"{SERIAL}, {TEXTS.replace('INTEGER', type_)}",
            refused="column age has the type .* instead of int4$",
        )
        for type_ in ("DATE", "MONEY", "INTEGER[]")
    ],
    *[
        table(
            f"a name as {type_}",
            f"{SERIAL}, {TEXTS.replace('TEXT', type_, 1)}",
            refused="name TYPE text",
        )
        for type_ in ("CHAR(20)", "NAME", "BYTEA", "INTEGER", "XML", "TEXT[]")
    ],
    table(
        "an enum",
        "CREATE TYPE mood AS ENUM ('sad')",
        f"{SERIAL}, {TEXTS.replace('TEXT', 'mood', 1)}",
        refused="type mood",
    ),
    table(
        "citext",
        "CREATE EXTENSION citext",
        f"{SERIAL}, {TEXTS.replace('TEXT', 'citext', 1)}",
        refused="type citext",
    ),
    table(
        "a domain over citext",
        "CREATE EXTENSION citext",
        "CREATE DOMAIN mail AS citext",
        f"{SERIAL}, {TEXTS.replace('TEXT', 'mail', 1)}",
        refused="type mail",
    ),
    table(
        "a required column", f"{SERIAL}, {TEXTS}, team TEXT NOT NULL", refused="team DROP NOT NULL"
    ),
    table("a column less", f"{SERIAL}, name TEXT NOT NULL, age INTEGER", refused="secret_name"),
    table(
        "another case",
        f"CREATE TABLE hero ({SERIAL}, {TEXTS.replace('name', chr(34) + 'Name' + chr(34), 1)})",
        refused="no column name",
    ),
    table(
        "a generated name",
        f"{SERIAL}, secret_name TEXT NOT NULL, age INTEGER, name TEXT {LOUD}",
        refused="name is generated",
    ),
    table(
        "a sequence that is behind",
        f"{SERIAL}, {TEXTS}",
        "INSERT INTO hero VALUES (7, 'a', 1, 'b')",
        refused=r"SELECT setval\('hero_id_seq', \(SELECT max\(id\) FROM hero\)\)",
    ),
    table(
        "a sequence that counts downwards",
        f"{SERIAL}, {TEXTS}",
        "ALTER SEQUENCE hero_id_seq INCREMENT -1 MINVALUE -1000 MAXVALUE 1",
        refused="ALTER SEQUENCE hero_id_seq INCREMENT 1",
    ),
    table(
        "a sequence that begins again",
        f"{SERIAL}, {TEXTS}",
        "ALTER SEQUENCE hero_id_seq MAXVALUE 99 CYCLE",
        refused="NO CYCLE",
    ),
    table(
        "a random key",
        f"id INTEGER PRIMARY KEY DEFAULT (random() * 1e9)::int, {TEXTS}",
        refused="default that is not of a sequence",
    ),
    table(
        "a key that is checked late",
        f"id SERIAL PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, {TEXTS}",
        refused=r"ADD UNIQUE \(id\)",
    ),
    table(
        "a typed table",
        "CREATE TYPE person AS (id INT, name TEXT, age INT, secret_name TEXT)",
        """CREATE TABLE hero OF person (
          id PRIMARY KEY DEFAULT 1, name NOT NULL, secret_name NOT NULL)""",
        "CREATE SEQUENCE numbers",
        "ALTER TABLE hero ALTER id SET DEFAULT nextval('numbers')",
    ),
    table("a rule that excludes", f"{SERIAL}, {TEXTS}, EXCLUDE (name WITH =)"),
    table(
        "names with quotes, dots and colons",
        f"""{SERIAL}, {TEXTS}, "a.""b'c" TEXT, "%s" TEXT, ":x" TEXT DEFAULT '$1'""",
        'CREATE INDEX "i.""j" ON hero (name)',
        'CREATE TABLE "hero.x" (a INT)',
        'CREATE SCHEMA "s.""t"',
        'CREATE SEQUENCE "s.""t"."n.""o"',
        """ALTER TABLE hero ALTER id SET DEFAULT nextval('"s.""t"."n.""o"')""",
    ),
    table(
        "a required column whose name has quotes and two lines",
        f'{SERIAL}, {TEXTS}, "a.""b\nc" TEXT NOT NULL',
        refused='ALTER COLUMN "a.""b c" DROP NOT NULL',
    ),
    table(
        "a thousand others",
        f"{SERIAL}, {TEXTS}",
        """DO $$ BEGIN FOR number IN 1..1000 LOOP
          EXECUTE format('CREATE TABLE %I (a INT)', 't."' || number); END LOOP; END $$""",
    ),
]
