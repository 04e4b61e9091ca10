"""The indexes of pages: they save sorting, and are compared with the models."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Select, make_url, select
from sqlalchemy.dialects import postgresql, sqlite

from graph.database.codepoint import comparable
from graph.hero.model import HERO
from tests.cluster import Sql, on_postgresql
from tests.process import run

ROWS = """INSERT INTO hero (name, age, secret_name)
SELECT 'Hero ' || (n % 89), CASE WHEN n % 5 > 0 THEN n % 89 END, '' FROM numbers"""

NUMBERS = "numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)"

DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


@pytest.fixture(autouse=True)
def _made(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    made = run("db", "upgrade")
    assert made.returncode == 0, made.stderr


def parts_of_pages(name: str, value: Any) -> Iterator[Select[Any]]:
    """What pages in the order of a column are put together from, in both directions."""
    column, key = comparable(HERO.c[name]), HERO.c.id
    up, down = (column.asc(), key.asc()), (column.desc(), key.desc())
    yield select(HERO).order_by(*up)
    yield select(HERO).order_by(*down)
    yield select(HERO).where(column > value).order_by(*up)
    yield select(HERO).where(column < value).order_by(*down)
    yield select(HERO).where(column == value, key > 7000).order_by(key.asc())
    yield select(HERO).where(column == value, key < 7000).order_by(key.desc())
    if HERO.c[name].nullable:
        # Ordered by the key alone, PostgreSQL looks for many nulls along the key.
        yield select(HERO).where(column.is_(None), key > 7000).order_by(*up)
        yield select(HERO).where(column.is_(None), key < 7000).order_by(*down)


@pytest.mark.parametrize(("name", "value"), [("age", 40), ("name", "Hero 40")])
def test_no_page_is_sorted(database_url: str, sql: Sql, name: str, value: Any) -> None:
    kind = make_url(database_url).get_backend_name()
    sql(f"WITH RECURSIVE {NUMBERS} {ROWS}")
    sql("ANALYZE hero")
    for part in parts_of_pages(name, value):
        statement = part.limit(20).compile(
            dialect=DIALECTS[kind](), compile_kwargs={"literal_binds": True}
        )
        explain = "EXPLAIN QUERY PLAN" if kind == "sqlite" else "EXPLAIN"
        plan = str(sql(f"{explain} {statement}"))
        # SQLite has the key in every index, and may well take the tutorial's.
        assert f"ix_hero_{name}" + "_and_id" * (kind == "postgresql") in plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


def check() -> str:
    """What `db check` says of a database that is not as the models have it."""
    done = run("db", "check")
    assert done.returncode == 4, done
    return done.stderr


@pytest.mark.parametrize("name", ["ix_hero_name_and_id", "ix_hero_age_and_id"])
def test_a_missing_index_is_seen(sql: Sql, name: str) -> None:
    sql(f"DROP INDEX {name}")
    assert name in check()


@on_postgresql
def test_an_index_of_texts_in_another_order_is_seen(sql: Sql) -> None:
    sql("DROP INDEX ix_hero_name_and_id")
    sql("CREATE INDEX ix_hero_name_and_id ON hero (name, id)")
    says = check()
    assert "ix_hero_name_and_id" in says
    assert 'COLLATE "C"' in says


@on_postgresql
def test_an_index_that_was_not_finished_is_seen(sql: Sql) -> None:
    sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_hero_age_and_id'::regclass")
    assert "ix_hero_age_and_id is invalid" in check()
