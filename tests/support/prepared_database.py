"""Prepared databases without a service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from graph.database import open_database
from graph.database.base import Database
from graph.hero.model import HERO
from graph.hero.seed import REALISTIC
from graph.settings import Settings
from graph.tables.samples import add_samples
from tests.support.hero_api import MIGRATIONS

Configure = Callable[..., Settings]


@asynccontextmanager
async def prepared(settings: Settings) -> AsyncIterator[Database]:
    database = open_database(settings)
    await MIGRATIONS.prepare(database)
    try:
        yield database
    finally:
        await database.dispose()


def set_up(database_url: str, heroes: int = 0) -> None:
    """Prepare a database as the service does at start, and add this many sample heroes."""

    async def main() -> None:
        async with prepared(Settings(database_url=database_url)) as database:
            async for _ in add_samples(database, [HERO], heroes, REALISTIC):
                pass

    with ThreadPoolExecutor(1) as threads:  # Playwright's loop may run in this thread
        threads.submit(asyncio.run, main()).result()


def run(configure: Configure, work: Callable[[Database], Awaitable[None]]) -> None:
    """Run the work on a database with a single connection, so that a leak is noticed."""

    async def main() -> None:
        async with prepared(configure(pool_size=1, database_timeout=5)) as database:
            await work(database)

    asyncio.run(main())
