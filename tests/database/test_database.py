"""Sessions as resolvers use them: the ORM, statements and commits share one transaction."""

import asyncio
from operator import methodcaller

import pytest
from sqlalchemy import insert, update
from sqlmodel import func, select

from graph.database.base import Database, Session
from graph.database.postgres import pool
from graph.database.postgres.database import PostgresDatabase
from graph.errors import ConstraintError, ServiceUnavailableError
from graph.hero.model import HERO, Hero
from tests.support.databases import Sql, on_postgresql
from tests.support.hero_statements import new_hero, page_of_heroes
from tests.support.prepared_database import Configure, prepared, run

COLUMNS = ("id", "name")
DEADPOND: dict[str, object] = {"name": "Deadpond", "secret_name": "Dive Wilson", "age": None}


async def names(session: Session) -> list[str]:
    rows = await page_of_heroes(COLUMNS).fetch(session, 100)
    return [row.name for row in rows]


def test_the_orm_and_fetch_share_a_transaction(configure: Configure) -> None:
    async def work(database: Database) -> None:
        session = database.session()
        session.start()
        await session.fetch(new_hero(COLUMNS), **DEADPOND)
        session.orm.add(Hero(name="Spider-Boy", secret_name="Pedro Parqueador"))  # noqa: S106 (a hero's)
        assert (await session.orm.exec(select(func.count()).select_from(Hero))).one() == 2
        assert await names(session) == ["Deadpond", "Spider-Boy"]
        await session.commit()
        await session.close()
        session = database.session()
        assert await names(session) == ["Deadpond", "Spider-Boy"]
        await session.close()

    run(configure, work)


def test_statements_side_by_side_share_a_transaction(configure: Configure) -> None:
    async def work(database: Database) -> None:
        session = database.session()
        session.start()
        await session.snapshot()  # no effect in a transaction
        new = [session.fetch(new_hero(COLUMNS), **DEADPOND) for _ in range(3)]
        await asyncio.gather(*new)
        await session.rollback()
        assert await names(session) == []
        await session.close()

    run(configure, work)


def test_core_statements_go_through_the_orms_session_too(configure: Configure) -> None:
    async def work(database: Database) -> None:
        session = database.session()
        session.start()
        added = insert(HERO).returning(HERO.c.name)
        assert (await session.orm.exec(added, params=DEADPOND)).all() == [("Deadpond",)]
        await session.orm.exec(insert(HERO), params=DEADPOND)
        assert (await session.orm.exec(select(HERO.c.name))).all() == ["Deadpond"] * 2
        assert (await session.orm.exec(select(Hero.name, Hero.age))).all() == [
            ("Deadpond", None)
        ] * 2
        changed = update(HERO).values(age=7).returning(HERO.c.age)
        assert (await session.orm.exec(changed)).all() == [(7,)] * 2
        assert (await session.orm.exec(update(Hero).values(age=8))).rowcount == 2
        hero = await session.orm.get_one(Hero, 1)
        await session.orm.refresh(hero)
        assert hero.age == 8
        await session.commit()
        await session.close()

    run(configure, work)


def test_uncommitted_writes_are_not_stored(configure: Configure) -> None:
    async def work(database: Database) -> None:
        for end in (methodcaller("close"), methodcaller("rollback")):
            session = database.session()
            session.start()
            await session.fetch(new_hero(COLUMNS), **DEADPOND)
            session.orm.add(Hero(name="Spider-Boy", secret_name="Pedro Parqueador"))  # noqa: S106 (a hero's)
            await session.orm.flush()
            await end(session)
            assert await names(session) == []
            await session.close()

    run(configure, work)


def test_a_query_may_use_the_orm_and_write_nothing(configure: Configure) -> None:
    async def work(database: Database) -> None:
        await database.insert(HERO, [DEADPOND] * 3)
        for _ in range(3):
            session = database.session()
            heroes = (await session.orm.exec(select(Hero).order_by("id"))).all()
            assert [hero.name for hero in heroes] == ["Deadpond"] * 3
            assert await names(session) == ["Deadpond"] * 3
            heroes[0].name = "Changed"
            await session.orm.flush()
            await session.close()

    run(configure, work)


@on_postgresql
def test_an_orm_statement_without_a_free_connection_is_unavailable(configure: Configure) -> None:
    async def main() -> None:
        async with prepared(configure(pool_size=1, database_timeout=0.2)) as database:
            first, second = database.session(), database.session()
            await first.orm.exec(select(Hero))
            with pytest.raises(ServiceUnavailableError):
                await second.orm.exec(select(Hero))
            await second.close()
            await first.close()
            await second.orm.exec(select(Hero))
            await second.close()

    asyncio.run(main())


@on_postgresql
def test_nothing_is_committed_after_a_failed_statement(configure: Configure) -> None:
    async def work(database: Database) -> None:
        session = database.session()
        session.start()
        await session.fetch(new_hero(COLUMNS), **DEADPOND)
        with pytest.raises(ConstraintError):
            await session.fetch(new_hero(COLUMNS), **{**DEADPOND, "name": None})
        with pytest.raises(RuntimeError, match="nothing was committed"):
            await session.commit()
        await session.close()
        assert await names(session) == []

    run(configure, work)


def test_several_machines_start_at_once(configure: Configure, sql: Sql) -> None:
    async def start() -> None:
        async with prepared(configure()):
            pass

    async def main() -> None:
        await asyncio.gather(*(start() for _ in range(8)))

    asyncio.run(main())
    assert sql("SELECT count(*) FROM hero") == [(0,)]


@on_postgresql
def test_a_connection_that_was_idle_too_long_is_replaced(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def process(database: PostgresDatabase) -> int:
        pooled, pid = await database.transactions.acquire_and_run(
            lambda pooled: pooled.raw.fetchval("SELECT pg_backend_pid()")
        )
        database.transactions.pool.release(pooled)
        assert isinstance(pid, int)
        return pid

    async def work(database: Database) -> None:
        assert isinstance(database, PostgresDatabase)
        first = await process(database)
        assert await process(database) == first
        monkeypatch.setattr(pool, "MAX_IDLE", 0)
        assert await process(database) != first

    run(configure, work)
