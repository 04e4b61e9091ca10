"""Pages read an index without sorting or scanning; `db check` reports missing indexes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects import postgresql, sqlite

from graph.database import open_database
from graph.database.postgres.database import PostgresDatabase
from graph.database.postgres.session import PostgresSession
from graph.database.sqlite.database import SQLiteDatabase, SQLiteSession
from graph.database.statement import Rows, Statement
from graph.hero.model import HERO
from graph.settings import Settings
from graph.tables.sql.conditions import EVERYTHING, Condition
from graph.tables.sql.page import Page
from graph.tables.sql.segments import Bound, Order, Term, backward, total_order
from tests.support.databases import Sql, on_postgresql, on_sqlite, slow_on_postgresql
from tests.support.hero_api import MIGRATIONS
from tests.support.service_process import run

ROWS = """INSERT INTO hero (name, age, secret_name)
SELECT 'Hero ' || (n % 89), CASE WHEN n % 5 > 0 THEN n % 89 END, '' FROM numbers"""

NUMBERS = "numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)"

DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


@pytest.fixture(autouse=True)
def _made(configure: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configure()
    monkeypatch.setenv("GRAPH_DATABASE_URL", settings.database_url)

    async def make() -> None:
        database = open_database(settings)
        await MIGRATIONS.prepare(database)
        await database.dispose()

    asyncio.run(make())


class Recorder:
    """A fake session without rows that records statements."""

    def __init__(self, kind: str) -> None:
        self.dialect = DIALECTS[kind]()
        self.statements: list[Any] = []

    async def fetch(self, statement: Statement, **values: Any) -> Rows:
        self.statements.append(statement.clause.params(**values))
        return Rows(statement, [])

    async def snapshot(self, **_: object) -> bool:
        return False


def statements(order: Order, value: Any, kind: str, condition: Condition = EVERYTHING) -> list[Any]:
    """Statements of pages in an order: from each end, and from any row."""
    recorder: Any = Recorder(kind)
    for key, nulls in ((7_000, False), (7_000, True)):
        first = None if nulls and HERO.c[order[0].column].nullable else value
        position = [first, key] if len(order) == 2 else [key]
        for after in (None, Bound(position), Bound(position, inclusive=True)):
            for each in (order, backward(order)):
                page = Page(HERO, None, each, condition, after)
                asyncio.run(page.fetch(recorder, 20))
    return list(recorder.statements)


ORDERS = [
    (Term("id"), None, ("PRIMARY KEY", "hero_pkey")),
    (Term("name"), "Hero 40", ("ix_hero_name", "ix_hero_name_and_id")),
    (Term("age"), 40, ("ix_hero_age", "ix_hero_age_and_id")),
    (Term("age", nulls_first=True), 40, ("ix_hero_age", "ix_hero_age_and_id")),
]
"""A term of an order, a value in its middle, and the index for it on SQLite and PostgreSQL: SQLite
has the key in every index, and may well take the tutorial's."""


def explained(sql: Sql, statement: Any, kind: str) -> tuple[str, str]:
    """Text of a statement, and the database's plan of it."""
    options = {"dialect": DIALECTS[kind](), "compile_kwargs": {"literal_binds": True}}
    text = str(statement.compile(**options))
    return text, str(sql(f"EXPLAIN {'QUERY PLAN' if kind == 'sqlite' else ''} {text}"))


@pytest.mark.parametrize(("term", "value", "indexes"), ORDERS)
def test_no_page_sorts_or_scans(
    database_url: str, sql: Sql, term: Term, value: Any, indexes: tuple[str, str]
) -> None:
    kind = make_url(database_url).get_backend_name()
    is_sqlite = kind == "sqlite"
    sql(f"WITH RECURSIVE {NUMBERS} {ROWS}")
    sql("ANALYZE hero")
    for statement in statements(total_order(HERO, (term,)), value, kind):
        text, plan = explained(sql, statement, kind)
        # SQLite stores tables in the order of the key.
        whole = "'SCAN hero'" in plan and term.column == "id"
        assert indexes[not is_sqlite] in plan or whole, (text, plan)
        for sign in ("Seq Scan", "Sort", "TEMP B-TREE", "Filter"):
            assert sign not in plan, (text, plan)


@on_postgresql
@pytest.mark.parametrize("descending", [False, True])
def test_postgresql_skips_offset_rows_in_an_index(
    configure: Callable[..., Settings], sql: Sql, *, descending: bool
) -> None:
    sql(f"WITH RECURSIVE {NUMBERS} {ROWS}")
    sql("ANALYZE hero")
    page = Page(HERO, ("id", "name"), (Term("id", descending),), EVERYTHING)

    class Explained(PostgresSession):
        plans: ClassVar[list[str]] = []

        async def run(self, statement: Statement, text: str, values: Sequence[object]) -> list[Any]:
            self.plans.append(str(await super().run(statement, f"EXPLAIN {text}", values)))
            return await super().run(statement, text, values)

    async def read() -> list[int]:
        database = open_database(configure())
        assert isinstance(database, PostgresDatabase)
        session = Explained(database, database.transactions)
        found = [row.id for row in await page.fetch(session, 20, 9_000)]
        await database.dispose()
        return found

    ids = sorted((row[0] for row in sql("SELECT id FROM hero")), reverse=descending)
    assert asyncio.run(read()) == ids[9_000:9_020]
    (plan,) = Explained.plans
    assert "Index Only Scan" in plan
    assert "Sort" not in plan


@on_sqlite
@pytest.mark.parametrize(("term", "value"), [each[:2] for each in ORDERS])
@pytest.mark.parametrize("analyzed", [True, False])
def test_sqlite_does_not_sort_if_most_rows_match(
    sql: Sql, term: Term, value: Any, *, analyzed: bool
) -> None:
    sql(f"WITH RECURSIVE {NUMBERS} {ROWS}")
    if analyzed:
        sql("ANALYZE hero")
    for operator in ("gt", "gte", "lt", "lte", "set"):
        condition = Condition((operator, "age"), () if operator == "set" else (40,))
        for statement in statements(total_order(HERO, (term,)), value, "sqlite", condition):
            text, plan = explained(sql, statement, "sqlite")
            assert "TEMP B-TREE" not in plan, (text, plan)


@on_sqlite
@pytest.mark.parametrize("descending", [False, True])
def test_sqlite_reads_ties_by_the_second_index(
    configure: Callable[..., Settings], sql: Sql, *, descending: bool
) -> None:
    sql(f"WITH RECURSIVE {NUMBERS} {ROWS.replace('n % 5 > 0', 'n % 9 = 0')}")
    order = total_order(HERO, (Term("age"), Term("name", descending)))
    row_at = ("Hero 18", 9_000)

    class Explained(SQLiteSession):
        plans: ClassVar[list[str]] = []

        async def run(self, statement: Statement, text: str, values: Sequence[object]) -> list[Any]:
            plan = await super().run(statement, f"EXPLAIN QUERY PLAN {text}", values)
            self.plans.append(str([tuple(step) for step in plan]))
            return await super().run(statement, text, values)

    async def read() -> list[list[Any]]:
        database = open_database(configure())
        assert isinstance(database, SQLiteDatabase)
        session = Explained(database)
        found = []
        for age in (None, 18):
            page = Page(HERO, None, order, EVERYTHING, Bound([age, *row_at]))
            found.append([row.id for row in await page.fetch(session, 50)])
        await session.close()
        await database.dispose()
        return found

    nulls, others = asyncio.run(read())
    many, walked, few, sorted_, *_ = Explained.plans
    assert "COVERING INDEX ix_hero_age" in many
    assert "ix_hero_name" in walked
    assert "TEMP B-TREE" not in walked
    assert "COVERING INDEX ix_hero_age" in few
    assert "TEMP B-TREE" in sorted_  # few rows
    rows = sql("SELECT name, id, age FROM hero")
    for age, ids in ((None, nulls), (18, others)):
        equal = sorted([row[:2] for row in rows if row[2] == age], reverse=descending)
        beyond = [row[1] for row in equal if (row < row_at if descending else row > row_at)][:50]
        assert beyond
        assert ids[: len(beyond)] == beyond  # rows of the next ages follow


def check() -> str:
    """Output of `db check` on a database that differs from the models."""
    done = run("db", "check")
    assert done.returncode == 4, done
    return done.stderr


@slow_on_postgresql
@pytest.mark.parametrize(
    "name", ["ix_hero_name_and_id", pytest.param("ix_hero_age_and_id", marks=pytest.mark.slow)]
)
def test_a_missing_index_is_reported(sql: Sql, name: str) -> None:
    sql(f"DROP INDEX {name}")
    assert name in check()


@pytest.mark.slow
@on_postgresql
def test_an_index_with_another_collation_is_reported(sql: Sql) -> None:
    sql("DROP INDEX ix_hero_name_and_id")
    sql("CREATE INDEX ix_hero_name_and_id ON hero (name, id)")
    says = check()
    assert "ix_hero_name_and_id" in says
    assert 'COLLATE "C"' in says


@pytest.mark.slow
@on_postgresql
def test_an_invalid_index_is_reported(sql: Sql) -> None:
    sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_hero_age_and_id'::regclass")
    assert "ix_hero_age_and_id is invalid" in check()
