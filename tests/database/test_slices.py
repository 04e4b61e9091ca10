"""Slow reads on SQLite move to another thread, and keep their snapshot and transaction."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from sqlalchemy import event, func, update

from graph.database.base import Session
from graph.database.sqlite import connection, writer
from graph.database.sqlite.connection import SLICE, STEPS
from graph.database.sqlite.database import SQLiteDatabase
from graph.database.sqlite.slow_reads import AT_ONCE
from graph.database.sqlite.write_ahead_log import LOG_LIMIT, LONGEST_LOG
from graph.database.statement import Statement
from graph.errors import ServiceUnavailableError
from graph.hero.model import HERO
from tests.support.hero_statements import new_hero
from tests.support.slow_statements import ENDLESS, LONG, QUICK, counted
from tests.support.sqlite_database import HEROES, THREAD, fetched, is_here, opened, operation, run
from tests.support.sqlite_file import names
from tests.support.waiting import wait_until

READ = Statement(counted(THREAD, HEROES))
SCAN = Statement(counted(THREAD, HEROES), scans=True)

ALL_NAMES = update(HERO).values(name=counted().scalar_subquery())
ENDLESS_SCAN = Statement(counted().where(func.began().is_(None)), scans=True)
ENDLESS_READ = Statement(counted(HEROES).where(func.began().is_(None)), scans=True)
"""Reads the table: its snapshot keeps the log from beginning again."""

RENAMED = Statement(ALL_NAMES.returning(THREAD))
RENAMED_BY_SCAN = Statement(ALL_NAMES.returning(THREAD), scans=True)


began = threading.Event()
"""Set when an endless statement begins."""


def add_began(raw: Any, _record: object) -> None:
    raw.create_function("began", 0, began.set)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


def test_a_quick_read_stays_on_the_loop_and_a_slow_one_moves(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        for upto in (QUICK, LONG, QUICK):
            row = await fetched(database, READ, upto=upto)
            assert row.n == upto
            assert is_here(row) == (upto == QUICK)
        assert not is_here(await fetched(database, SCAN, upto=QUICK))

    run(file, work)


def test_waiting_for_the_disk_does_not_make_a_read_slow(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LONGEST_SLICE", 60)

    def begin(raw: Any, _record: object) -> None:
        raw.create_function("wait", 0, lambda: sleep(2 * SLICE), deterministic=True)

    async def work(database: SQLiteDatabase) -> None:
        event.listen(database.file.engine, "connect", begin)
        waits = Statement(counted(THREAD).where(func.wait().is_(None)))
        assert is_here(await fetched(database, waits, upto=STEPS))

    run(file, work)


def test_a_slow_read_keeps_its_snapshot(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        session = database.session()
        await session.snapshot()
        for upto in (QUICK, LONG, QUICK, LONG):
            (row,) = await session.fetch(READ, upto=upto)
            assert (row.n, row.heroes, is_here(row)) == (upto, 0, upto == QUICK)
            await operation(database, "Meanwhile")
        await session.close()
        assert (await fetched(database, READ, upto=LONG)).heroes == 4

    run(file, work)


@pytest.mark.parametrize("statement", [READ, SCAN])
def test_a_slow_read_in_a_transaction_sees_its_writes(
    file: Path, statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 60)

    async def read(session: Session) -> None:
        (row,) = await session.fetch(statement, upto=LONG)
        assert row.n == LONG
        assert row.heroes == len(seen) + 1
        assert not is_here(row)
        seen.append(row)

    async def work(database: SQLiteDatabase) -> None:
        # They share one transaction: each began before the first commit.
        operations = [operation(database, f"Hero {turn}", read) for turn in range(3)]
        await asyncio.gather(*operations)

    seen: list[Any] = []
    run(file, work)
    assert names(file) == ["Hero 0", "Hero 1", "Hero 2"]


@pytest.mark.parametrize("statement", [READ, SCAN])
def test_an_endless_read_rolls_back_its_own_operation_alone(
    file: Path, statement: Statement
) -> None:
    async def read(session: Session) -> None:
        await session.fetch(statement, upto=ENDLESS)

    async def work(database: SQLiteDatabase) -> None:
        outcomes = await asyncio.gather(
            operation(database, "Before"),
            operation(database, "Endless", read),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), ServiceUnavailableError]
        await operation(database, "After")

    run(file, work, timeout=3)
    assert names(file) == ["Before", "After"]


def test_a_write_stays_on_the_loop(file: Path) -> None:
    async def write(session: Session) -> None:
        assert is_here((await session.fetch(READ, upto=QUICK))[0])
        (row,) = await session.fetch(RENAMED, upto=LONG)
        assert is_here(row)

    run(file, lambda database: operation(database, "Hero", write))
    assert names(file) == [str(LONG)]


def test_a_write_that_scans_moves_to_a_thread(file: Path) -> None:
    async def write(session: Session) -> None:
        (row,) = await session.fetch(RENAMED_BY_SCAN, upto=LONG)
        assert not is_here(row)

    run(file, lambda database: operation(database, "Hero", write))
    assert names(file) == [str(LONG)]


@pytest.mark.slow
def test_nothing_is_stored_after_an_interrupted_write(file: Path) -> None:
    """SQLite rolls the transaction back with the statement, and would autocommit the next one."""

    async def write(session: Session) -> None:
        with pytest.raises(ServiceUnavailableError):
            await session.fetch(RENAMED_BY_SCAN, upto=ENDLESS)
        with pytest.raises(ServiceUnavailableError):
            await session.fetch(new_hero(("id",)), name="Alone", secret_name="x", age=None)  # noqa: S106 (a hero's)
        raise KeyError

    async def work(database: SQLiteDatabase) -> None:
        with pytest.raises(KeyError):
            await operation(database, "Hero", write)
        await operation(database, "After")

    run(file, work, timeout=3)
    assert names(file) == ["After"]


def test_a_statement_of_the_orm_is_not_interrupted(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        await operation(database, "Hero")
        session = database.session()
        await session.snapshot()
        await session.fetch(READ, upto=QUICK)
        (count,) = (await session.orm.exec(counted(), params={"upto": LONG})).all()  # type: ignore[call-overload] # (SQLModel knows its own `select`)
        assert count == (LONG,)
        await session.close()

    run(file, work)


def test_slow_reads_take_turns(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        places = [database.slow_reads.lane(scans=True).place("") for _ in range(AT_ONCE)]
        for place in places:
            await place.__aenter__()
        waiting = asyncio.create_task(fetched(database, SCAN, upto=LONG))
        assert (await fetched(database, READ, upto=LONG)).n == LONG
        assert is_here(await fetched(database, READ, upto=QUICK))
        await operation(database, "Hero", lambda session: session.fetch(READ, upto=LONG))  # type: ignore[arg-type,return-value] # (the rows are not used)
        assert not waiting.done()
        await places.pop().__aexit__(None, None, None)
        assert (await waiting).n == LONG

    run(file, work)


async def overwrite(session: Session, size: int) -> None:
    """Write at least this many bytes to the log."""
    text = func.hex(func.zeroblob(size // 2))
    await session.fetch(Statement(update(HERO).values(secret_name=text).returning(HERO.c.id)))


def test_the_log_of_a_file_behind_a_link_begins_again(tmp_path: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        await operation(database, "Hero", partial(overwrite, size=LOG_LIMIT))
        for _ in range(2):  # one has it used from its start, and the next is written there
            await operation(database, "Hero")
        assert (tmp_path / "elsewhere-wal").stat().st_size <= LOG_LIMIT

    link, file = tmp_path / "database.db", tmp_path / "elsewhere"
    file.touch()
    link.symlink_to(file)
    run(link, work)


def log_size(file: Path) -> int:
    return file.with_name("database.db-wal").stat().st_size


async def read_in_a_snapshot(database: SQLiteDatabase) -> None:
    """Begin an endless read in a snapshot that was read before."""
    session = database.session()
    try:
        await session.snapshot()
        await session.fetch(READ, upto=QUICK)
        began.set()
        await session.fetch(SCAN, upto=ENDLESS)
    finally:
        await session.close()


async def wait_for_a_turn_in_a_snapshot(database: SQLiteDatabase) -> None:
    lane = database.slow_reads.lane(scans=True)
    async with lane.place(""), lane.place(""):
        await read_in_a_snapshot(database)


async def read_without_an_end(database: SQLiteDatabase) -> None:
    await fetched(database, ENDLESS_READ, upto=ENDLESS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "read", [read_without_an_end, read_in_a_snapshot, wait_for_a_turn_in_a_snapshot]
)
def test_no_read_keeps_the_log_growing(
    file: Path, read: Callable[[SQLiteDatabase], Awaitable[None]]
) -> None:
    async def work(database: SQLiteDatabase) -> None:
        other = opened(file)  # like that of another process
        event.listen(other.file.engine, "connect", add_began)
        began.clear()
        reading = asyncio.ensure_future(read(other))
        await asyncio.to_thread(began.wait)
        await operation(database, "Hero", partial(overwrite, size=LONGEST_LOG))
        assert not reading.done()
        async with asyncio.timeout(20):
            with pytest.raises(ServiceUnavailableError):
                await reading
        await operation(database, "Hero", partial(overwrite, size=LOG_LIMIT))
        for _ in range(2):  # one has it used from its start, and the next is written there
            await operation(database, "Hero")
        assert log_size(file) <= LOG_LIMIT
        assert (await fetched(other, READ, upto=LONG)).heroes == 4
        await other.dispose()

    run(file, work)


@pytest.mark.slow
def test_the_log_begins_again_however_many_wait_to_read(file: Path) -> None:
    """Waiting reads hold no snapshot before they run, and are not ended."""

    async def read(database: SQLiteDatabase) -> None:
        while log_size(file) > LOG_LIMIT:
            session = database.session()
            await session.snapshot()
            await session.fetch(READ, upto=5 * LONG)
            await session.close()

    async def work(database: SQLiteDatabase) -> None:
        other = opened(file)
        await operation(database, "Hero", partial(overwrite, size=LONGEST_LOG))
        reads = [asyncio.create_task(read(each)) for each in [database, other] for _ in range(4)]
        while log_size(file) > LOG_LIMIT:
            await operation(database, "Hero")
        await asyncio.gather(*reads)
        await other.dispose()

    run(file, work)


@pytest.mark.slow
def test_no_read_is_ended_because_of_another_programs_reader(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(database: SQLiteDatabase) -> None:
        with closing(sqlite3.connect(file)) as backup:
            backup.execute("BEGIN")
            backup.execute("SELECT * FROM hero").fetchall()
            await operation(database, "Hero", partial(overwrite, size=LONGEST_LOG))
            while not caplog.messages:
                await operation(database, "Hero")
                assert (await fetched(database, READ, upto=LONG)).n == LONG
        assert "cannot restart while another program reads" in caplog.text
        await operation(database, "Hero", partial(overwrite, size=LONGEST_LOG))
        while log_size(file) > LOG_LIMIT:
            await operation(database, "Hero")

    run(file, work)


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_read_of_a_cancelled_caller_is_ended(file: Path, *, snapshot: bool) -> None:
    async def work(database: SQLiteDatabase) -> None:
        event.listen(database.file.engine, "connect", add_began)
        for _ in range(AT_ONCE + 1):
            began.clear()
            session = database.session()
            if snapshot:
                await session.snapshot()
            reading = asyncio.create_task(session.fetch(ENDLESS_SCAN, upto=ENDLESS))
            await asyncio.to_thread(began.wait)
            reading.cancel()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert (await session.fetch(READ, upto=LONG)).tuples[0][0] == LONG
            await session.close()

    run(file, work)
    wait_until(lambda: not [each for each in threading.enumerate() if "sqlite" in each.name])
