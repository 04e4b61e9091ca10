"""Marks for the databases of a test, and transactions without the service."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

Sql = Callable[[str], list[tuple[Any, ...]]]
"""Runs a statement and returns the rows."""

on_sqlite = pytest.mark.database("sqlite")
"""Marks tests that need SQLite, or on which the database has no effect."""

on_postgresql = pytest.mark.database("postgresql")
"""Marks tests that need PostgreSQL."""

slow_on_postgresql = pytest.mark.database(
    "sqlite", pytest.param("postgresql", marks=pytest.mark.slow)
)
"""Marks slow tests on which the database has little effect."""

WAITING = """SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'hero'"""
"""Processes of the server that wait for a lock on the table."""


@contextmanager
def transaction(database_url: str, statement: str, end: str = "ROLLBACK") -> Iterator[None]:
    """Another client's open transaction, in which this statement was executed."""
    done, go = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute(f"BEGIN; {statement}")
        done.set()
        await asyncio.to_thread(go.wait)
        await connection.execute(end)
        await connection.close()

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(asyncio.run, hold())
        held.add_done_callback(lambda _: done.set())
        done.wait()
        try:
            yield
        finally:
            go.set()
            held.result()


@contextmanager
def held(
    database_url: str, sql: Sql, lock: str = "LOCK TABLE hero IN SHARE MODE"
) -> Iterator[Callable[[int], bool]]:
    """Block all commits; yields a function that tells whether this many mutations wait."""
    if database_url.startswith("postgresql"):
        with transaction(database_url, lock):
            yield lambda waiting: len(sql(WAITING)) == waiting
        return
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield lambda _: True
    other.execute("ROLLBACK")
    other.close()
