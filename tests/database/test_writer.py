"""Writes that arrive together: committed together, undone alone, acknowledged when stored."""

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


def test_one_commit_is_for_all_that_are_at_hand(file: Path) -> None:
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


def test_nothing_is_acknowledged_before_it_is_stored(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        async def create(name: str) -> None:
            await operation(database, name)
            assert name in names(file)

        await asyncio.gather(*(create(f"Hero {turn}") for turn in range(10)))

    run(file, work)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_what_fails_is_undone_alone(file: Path, failing: int) -> None:
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


def test_a_commit_that_fails_is_nobodys(file: Path) -> None:
    """A foreign key that is checked at the commit stands for whatever may go wrong there."""

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


def test_a_file_that_is_gone_before_the_commit(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        write = asyncio.create_task(operation(database, "Lost"))
        await asyncio.sleep(0)  # it has finished, and waits for the commit
        file.unlink()  # noqa: ASYNC240 (quick, and nobody waits)
        with pytest.raises(UnknownOutcomeError):
            await write

    run(file, work)


def test_a_file_replaced_during_a_checkpoint_is_served_after_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead_log, "LOG_LIMIT", 0)  # each commit is followed by a checkpoint
    began, go_on = threading.Event(), threading.Event()

    async def work(database: SQLiteDatabase) -> None:
        checkpoint = database.file.log.checkpoint

        def wait_and_checkpoint(raw: sqlite3.Connection) -> None:
            began.set()
            assert go_on.wait(30)
            checkpoint(raw)

        await operation(database, "Before")
        await database.writer.acquire()  # when its checkpoint is done, which a reader would delay
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


def test_a_cancelled_request_learns_what_became_of_it(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        write = asyncio.create_task(operation(database, "Stored"))
        await asyncio.sleep(0)
        write.cancel()
        await write

    run(file, work)
    assert names(file) == ["Stored"]


def test_a_request_cancelled_time_and_again_holds_up_nobody(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        writes = [asyncio.create_task(operation(database, f"Hero {turn}")) for turn in range(4)]
        await asyncio.sleep(0)
        await database.writer.acquire()  # before the commit, which has to wait
        for _ in range(3):
            writes[1].cancel()
            await asyncio.sleep(0)
        database.writer.undo()
        _, waiting = await asyncio.wait(writes, timeout=5)
        for write in [*waiting, *waiting]:  # so that the test ends in any case
            write.cancel()
            await asyncio.sleep(0)
        assert not waiting

    run(file, work)
    assert len(names(file)) == 4


def keep_writing(file: Path) -> None:
    """Write without a pause, until the process is killed."""

    async def work(database: SQLiteDatabase) -> None:
        async def write() -> None:
            while True:
                await operation(database, "Other")

        # Of two, one has its transaction at hand when that of the other is committed.
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


def test_a_process_that_is_stopped_while_it_has_its_turn_holds_up_nobody(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        other = Turn(file)
        assert other.take()
        await operation(database, "Hero")
        other.close()
        await operation(database, "Hero")

    run(file, work)
    assert len(names(file)) == 2


def test_what_takes_long_waits_for_its_like(file: Path) -> None:
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
