"""Programs that write heroes at the same time, without the service."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random

import asyncpg

IDS = range(1_001, 1_009)
"""The rows that all of them write."""


STATEMENTS = (
    """INSERT INTO hero (id, name, secret_name) VALUES ({key}, '{name}', 's')
    ON CONFLICT (id) DO NOTHING""",
    "UPDATE hero SET name = '{name}', age = {age} WHERE id = {key}",
    "UPDATE hero SET name = '{name}' WHERE id = {key}",
    "DELETE FROM hero WHERE id = {key}",
)


def statement(random: Random) -> str:
    """A random write of one of these rows."""
    key, name = random.choice(IDS), random.choice("abcdef")
    return random.choice(STATEMENTS).format(key=key, name=name, age=random.choice(IDS))


def plan(random: Random) -> list[str]:
    """A random transaction: some writes, a savepoint that is rolled back, and its end."""
    writes = [statement(random) for _ in range(random.randint(1, 3))]
    if random.random() < 0.2:
        writes += ["SAVEPOINT a", statement(random), "ROLLBACK TO SAVEPOINT a"]
    return [*writes, "ROLLBACK" if random.random() < 0.2 else "COMMIT"]


async def _write_on_postgres(url: str, seed: int, transactions: int) -> None:
    random = Random(seed)  # noqa: S311 (a test)
    connection = await asyncpg.connect(url)
    for _ in range(transactions):
        try:
            await connection.execute("BEGIN")
            await connection.fetchval("SELECT pg_current_xact_id()")
            for each in plan(random):
                await asyncio.sleep(random.choice([0, 0, 0.003]))
                await connection.execute(each)
        except asyncpg.DeadlockDetectedError:
            await connection.execute("ROLLBACK")
    await connection.close()


def _write_on_sqlite(url: str, seed: int, transactions: int) -> None:
    random = Random(seed)  # noqa: S311 (a test)
    file = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
        for _ in range(transactions):
            connection.execute("BEGIN IMMEDIATE")
            for each in plan(random):
                connection.execute(each)


def write(database_url: str, writers: int, transactions: int) -> None:
    """Run writers side by side, each with this many transactions."""
    if database_url.startswith("sqlite"):
        with ThreadPoolExecutor(writers) as threads:
            for done in [
                threads.submit(_write_on_sqlite, database_url, seed, transactions)
                for seed in range(writers)
            ]:
                done.result()
        return

    async def main() -> None:
        await asyncio.gather(
            *[_write_on_postgres(database_url, seed, transactions) for seed in range(writers)]
        )

    asyncio.run(main())
