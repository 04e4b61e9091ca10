"""SQLite's database without a service; its SQL function `thread` returns the thread's id."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, event, func, make_url, select

from graph.database.base import Session
from graph.database.sqlite.database import SQLiteDatabase
from graph.database.statement import Statement
from graph.hero.model import HERO
from graph.settings import Settings
from tests.support.hero_api import MIGRATIONS
from tests.support.hero_statements import new_hero

THREAD = func.thread(type_=BigInteger).label("thread")
HEROES = select(func.count()).select_from(HERO).scalar_subquery().label("heroes")

Work = Callable[[SQLiteDatabase], Awaitable[None]]


def opened(file: Path, timeout: float = 60) -> SQLiteDatabase:
    """A database with the SQL function `thread`."""
    settings = Settings(database_url=f"sqlite:///{file}", database_timeout=timeout)
    database = SQLiteDatabase(make_url(settings.database_url), settings)
    event.listen(database.file.engine, "connect", add_thread)
    return database


def run(file: Path, work: Work, timeout: float = 60) -> None:
    """Run the work on a prepared database with the SQL function `thread`."""

    async def main() -> None:
        database = opened(file, timeout)
        await MIGRATIONS.prepare(database)
        try:
            await work(database)
        finally:
            await database.dispose()

    asyncio.run(main())


HERO_ROW: dict[str, object] = {"name": "Deadpond", "secret_name": "Dive Wilson", "age": None}

Write = Callable[[Session], Awaitable[None]]


async def operation(database: SQLiteDatabase, name: str, write: Write | None = None) -> None:
    """Run a mutation's transaction: create a hero, and write more."""
    session = database.session()
    try:
        session.start()
        await session.fetch(new_hero(("id",)), **{**HERO_ROW, "name": name})
        if write is not None:
            await write(session)
        await session.commit()
    finally:
        await session.close()


def add_thread(raw: Any, _record: object) -> None:
    raw.create_function("thread", 0, threading.get_ident)


async def fetched(database: SQLiteDatabase, statement: Statement, **values: object) -> Any:
    """The only row of a statement, in its own session."""
    session = database.session()
    try:
        (row,) = await session.fetch(statement, **values)
    finally:
        await session.close()
    return row


def is_here(row: Any) -> bool:
    return bool(row.thread == threading.get_ident())
