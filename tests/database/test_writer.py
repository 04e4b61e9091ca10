"""Concurrent writes on SQLite: committed together, rolled back alone, acknowledged once stored."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import select

from graph.database.base import Session
from graph.database.sqlite import write_ahead_log
from graph.database.sqlite.database import SQLiteDatabase
from graph.database.sqlite.writer import Turn
from graph.errors import ServiceUnavailableError, UnknownOutcomeError
from graph.hero.model import Hero
from tests.support.sqlite_database import operation, run
from tests.support.sqlite_file import names
from tests.support.waiting import wait_until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


async def fail(_session: Session) -> None:
    raise ValueError


def test_ready_writes_share_one_commit(file: Path) -> None:
    commits: list[str] = []

    async def work(database: SQLiteDatabase) -> None:
        await operation(database, "First")
        opened = await database.writer.acquire()
        opened.raw.set_trace_callback(commits.append)
        database.writer.undo()
        commits.clear()
        await asyncio.gather(*(operation(database, f"Hero {turn}") for turn in range(10)))

    run(file, work)
    assert commits.count("COMMIT") == 1
    assert names(file) == ["First", *(f"Hero {turn}" for turn in range(10))]


def test_a_write_is_acknowledged_once_stored(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        async def create(name: str) -> None:
            await operation(database, name)
            assert name in names(file)

        await asyncio.gather(*(create(f"Hero {turn}") for turn in range(10)))

    run(file, work)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failed_operation_is_rolled_back_alone(file: Path, failing: int) -> None:
    async def use_the_orm(session: Session) -> None:
        count = len((await session.orm.exec(select(Hero))).all())
        session.orm.add(Hero(name=f"{count}", secret_name="x"))  # noqa: S106 (a hero's)
        await session.orm.flush()
        raise ValueError

    async def work(database: SQLiteDatabase) -> None:
        for write in (fail, use_the_orm):
            outcomes = await asyncio.gather(
                *(
                    operation(database, f"Hero {turn}", write if turn == failing else None)
                    for turn in range(3)
                ),
                return_exceptions=True,
            )
            assert [type(outcome) for outcome in outcomes].index(ValueError) == failing
            assert outcomes.count(None) == 2

    run(file, work)
    assert names(file) == [f"Hero {turn}" for turn in range(3) if turn != failing] * 2


def test_a_failed_commit_fails_all_its_operations(file: Path) -> None:
    """A deferred foreign key stands for any failure of a commit."""

    async def work(database: SQLiteDatabase) -> None:
        async def break_the_commit(_session: Session) -> None:
            raw.execute("INSERT INTO sidekick VALUES (0)")

        raw = (await database.writer.acquire()).raw
        key = "REFERENCES hero (id) DEFERRABLE INITIALLY DEFERRED"
        raw.execute(f"CREATE TABLE sidekick (hero_id INTEGER {key})")
        await database.writer.finish()
        outcomes = await asyncio.gather(
            operation(database, "One"),
            operation(database, "Two", break_the_commit),
            operation(database, "Three"),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [ServiceUnavailableError] * 3
        await operation(database, "After")

    run(file, work)
    assert names(file) == ["After"]


def test_nothing_is_acknowledged_if_the_file_is_gone(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        write = asyncio.create_task(operation(database, "Lost"))
        await asyncio.sleep(0)  # it waits for the commit
        file.unlink()  # noqa: ASYNC240 (quick, and nobody waits)
        with pytest.raises(UnknownOutcomeError):
            await write

    run(file, work)


def test_a_file_replaced_during_a_checkpoint_is_served_after_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead_log, "LOG_LIMIT", 0)  # a checkpoint follows each commit
    began, go_on = threading.Event(), threading.Event()

    async def work(database: SQLiteDatabase) -> None:
        checkpoint = database.file.log.checkpoint

        def wait_and_checkpoint(raw: sqlite3.Connection) -> None:
            began.set()
            assert go_on.wait(30)
            checkpoint(raw)

        await operation(database, "Before")
        await database.writer.acquire()  # once its checkpoint is done
        database.writer.undo()
        with closing(sqlite3.connect(file)) as raw:
            raw.execute(f"VACUUM INTO '{file}.new'")
        with monkeypatch.context() as patch:
            patch.setattr(database.file.log, "checkpoint", wait_and_checkpoint)
            await operation(database, "In the former file")
            assert await asyncio.to_thread(began.wait, 30)
        Path(f"{file}.new").replace(file)  # noqa: ASYNC240 (quick, and nobody waits)
        with pytest.raises(sqlite3.OperationalError, match="still in use"):
            database.file.current.connection()
        go_on.set()
        await operation(database, "After")

    run(file, work)
    assert names(file) == ["Before", "After"]


def test_a_cancelled_request_waits_for_its_outcome(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        write = asyncio.create_task(operation(database, "Stored"))
        await asyncio.sleep(0)
        write.cancel()
        await write

    run(file, work)
    assert names(file) == ["Stored"]


def test_a_request_cancelled_repeatedly_holds_up_no_other(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        writes = [asyncio.create_task(operation(database, f"Hero {turn}")) for turn in range(4)]
        await asyncio.sleep(0)
        await database.writer.acquire()  # before the commit, which waits
        for _ in range(3):
            writes[1].cancel()
            await asyncio.sleep(0)
        database.writer.undo()
        _, waiting = await asyncio.wait(writes, timeout=5)
        for write in [*waiting, *waiting]:  # the test ends in any case
            write.cancel()
            await asyncio.sleep(0)
        assert not waiting

    run(file, work)
    assert len(names(file)) == 4


def keep_writing(file: Path) -> None:
    """Write until the process is killed."""

    async def work(database: SQLiteDatabase) -> None:
        async def write() -> None:
            while True:
                await operation(database, "Other")

        # One of two transactions is ready when the other is committed.
        await asyncio.gather(write(), write())

    run(file, work)


@pytest.mark.slow
def test_processes_take_turns(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        wait_until(lambda: "Other" in names(file))
        for _ in range(100):
            await operation(database, "Own")

    command = [sys.executable, "-c", f"import {__name__} as t; t.keep_writing(t.Path('{file}'))"]
    with subprocess.Popen(command) as other:
        try:
            run(file, work)
        finally:
            other.kill()
    own = [place for place, name in enumerate(names(file)) if name == "Own"]
    assert max(after - before for before, after in pairwise(own)) < 100


def test_a_stopped_process_holds_up_no_other(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        other = Turn(file)
        assert other.take()
        await operation(database, "Hero")
        other.close()
        await operation(database, "Hero")

    run(file, work)
    assert len(names(file)) == 2


def test_slow_transactions_wait_for_one_another(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        async def write(name: str, slow_of: str | None) -> None:
            await database.writer.acquire(slow_of)
            had.append(name)
            await database.writer.finish()

        had: list[str] = []
        await database.writer.acquire("ann")
        slow = [asyncio.create_task(write(name, name)) for name in ("ann", "ann", "bob")]
        await asyncio.sleep(0)
        quick = [asyncio.create_task(write("quick", None)) for _ in range(2)]
        await asyncio.sleep(0)
        slow[1].cancel()
        await database.writer.finish()
        await asyncio.gather(*slow, *quick, return_exceptions=True)
        assert had == ["quick", "quick", "ann", "bob"]

    run(file, work)
