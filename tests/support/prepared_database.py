"""A database that is set up, without a service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from graph.database import open_database
from graph.database.base import Database
from graph.migrations import prepare
from graph.settings import Settings

Configure = Callable[..., Settings]


@asynccontextmanager
async def prepared(settings: Settings) -> AsyncIterator[Database]:
    database = open_database(settings)
    await prepare(database)
    try:
        yield database
    finally:
        await database.dispose()


def set_up(database_url: str) -> None:
    """Make a database what a service makes of it when it starts."""

    async def main() -> None:
        async with prepared(Settings(database_url=database_url)):
            pass

    with ThreadPoolExecutor(1) as threads:  # Playwright's loop may run in this thread
        threads.submit(asyncio.run, main()).result()


def run(configure: Configure, work: Callable[[Database], Awaitable[None]]) -> None:
    """Run the work on a database that has one connection only, so that one kept is missed."""

    async def main() -> None:
        async with prepared(configure(pool_size=1, database_timeout=5)) as database:
            await work(database)

    asyncio.run(main())
