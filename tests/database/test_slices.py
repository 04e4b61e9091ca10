"""Which thread SQLite runs a statement on, and what a long one leaves as it was."""

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, update

from graph.database.base import Session
from graph.database.sqlite import SQLiteDatabase
from graph.database.sqlite_log import LOG_LIMIT
from graph.database.sqlite_long import AT_ONCE
from graph.database.sqlite_writer import LONGEST_LOG
from graph.database.statement import Statement
from graph.errors import ServiceUnavailableError
from graph.hero.model import HERO
from graph.hero.statements import new_hero
from tests.cluster import wait_until
from tests.database.test_writer import names, operation
from tests.long import ENDLESS, LONG, QUICK, counted
from tests.threads import HEROES, THREAD, fetched, is_here, run

READ = Statement(counted(THREAD, HEROES))
SCAN = Statement(counted(THREAD, HEROES), scans=True)

ALL_NAMES = update(HERO).values(name=counted().scalar_subquery())
RENAMED = Statement(ALL_NAMES.returning(THREAD))
RENAMED_BY_SCAN = Statement(ALL_NAMES.returning(THREAD), scans=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "database.db"


def test_a_quick_read_is_made_here_and_a_long_one_elsewhere(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        for upto in (QUICK, LONG, QUICK):
            row = await fetched(database, READ, upto=upto)
            assert row.n == upto
            assert is_here(row) == (upto == QUICK)
        assert not is_here(await fetched(database, SCAN, upto=QUICK))

    run(file, work)


def test_a_long_read_of_a_snapshot_sees_it(file: Path) -> None:
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
def test_a_long_read_of_an_operation_that_writes_sees_it_and_undoes_nothing(
    file: Path, statement: Statement
) -> None:
    async def read(session: Session) -> None:
        (row,) = await session.fetch(statement, upto=LONG)
        assert row.n == LONG
        assert row.heroes == len(seen) + 1
        assert not is_here(row)
        seen.append(row)

    async def work(database: SQLiteDatabase) -> None:
        # They are one transaction, as each has come before the commit of the first.
        operations = [operation(database, f"Hero {turn}", read) for turn in range(3)]
        await asyncio.gather(*operations)

    seen: list[Any] = []
    run(file, work)
    assert names(file) == ["Hero 0", "Hero 1", "Hero 2"]


@pytest.mark.parametrize("statement", [READ, SCAN])
def test_a_read_without_an_end_undoes_its_own_operation_alone(
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


def test_a_write_is_made_here_however_long_it_takes(file: Path) -> None:
    async def write(session: Session) -> None:
        assert is_here((await session.fetch(READ, upto=QUICK))[0])
        (row,) = await session.fetch(RENAMED, upto=LONG)
        assert is_here(row)

    run(file, lambda database: operation(database, "Hero", write))
    assert names(file) == [str(LONG)]


def test_a_write_that_says_so_is_made_elsewhere(file: Path) -> None:
    async def write(session: Session) -> None:
        (row,) = await session.fetch(RENAMED_BY_SCAN, upto=LONG)
        assert not is_here(row)

    run(file, lambda database: operation(database, "Hero", write))
    assert names(file) == [str(LONG)]


@pytest.mark.slow
def test_nothing_is_stored_after_a_write_that_was_ended(file: Path) -> None:
    """SQLite undoes the transaction with it, and takes the next statement for one alone."""

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


def test_a_statement_of_the_orm_is_not_ended(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        await operation(database, "Hero")
        session = database.session()
        await session.snapshot()
        await session.fetch(READ, upto=QUICK)
        (count,) = (await session.orm.exec(counted(), params={"upto": LONG})).all()  # type: ignore[call-overload] # (SQLModel knows its own `select`)
        assert count == (LONG,)
        await session.close()

    run(file, work)


def test_long_reads_take_turns(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        turns = [database.long.turn() for _ in range(AT_ONCE)]
        for turn in turns:
            await turn.__aenter__()
        with pytest.raises(ServiceUnavailableError):
            await fetched(database, READ, upto=LONG)
        assert is_here(await fetched(database, READ, upto=QUICK))
        await operation(database, "Hero", lambda session: session.fetch(READ, upto=LONG))  # type: ignore[arg-type,return-value] # (nobody asks for the rows)
        waiting = asyncio.create_task(fetched(database, READ, upto=LONG))
        await asyncio.sleep(0)
        await turns.pop().__aexit__(None, None, None)
        assert (await waiting).n == LONG

    run(file, work, timeout=3)


async def overwrite(session: Session, size: int) -> None:
    """Write so many bytes to the log, at least."""
    text = func.hex(func.zeroblob(size // 2))
    await session.fetch(Statement(update(HERO).values(name=text).returning(HERO.c.id)))


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


@pytest.mark.slow
def test_no_read_keeps_the_log_growing(file: Path) -> None:
    async def work(database: SQLiteDatabase) -> None:
        session = database.session()
        await session.snapshot()
        await session.fetch(READ, upto=QUICK)
        reading = asyncio.create_task(session.fetch(SCAN, upto=ENDLESS))
        await operation(database, "Hero", partial(overwrite, size=LONGEST_LOG))
        await operation(database, "Hero")  # for which the log has to be seen to
        assert reading.done()
        with pytest.raises(ServiceUnavailableError):
            await reading
        await session.close()
        for _ in range(2):  # one has it used from its start, and the next is written there
            await operation(database, "Hero")
        assert file.with_name("database.db-wal").stat().st_size <= LOG_LIMIT
        assert (await fetched(database, READ, upto=LONG)).heroes == 4

    run(file, work)


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_read_whose_caller_is_gone_is_ended(file: Path, *, snapshot: bool) -> None:
    began = threading.Event()

    def begin(raw: Any, _record: object) -> None:
        raw.create_function("began", 0, began.set)

    async def work(database: SQLiteDatabase) -> None:
        event.listen(database.file.engine, "connect", begin)
        statement = Statement(counted().where(func.began().is_(None)), scans=True)
        for _ in range(AT_ONCE + 1):
            began.clear()
            session = database.session()
            if snapshot:
                await session.snapshot()
            reading = asyncio.create_task(session.fetch(statement, upto=ENDLESS))
            await asyncio.to_thread(began.wait)
            reading.cancel()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert (await session.fetch(READ, upto=LONG)).tuples[0][0] == LONG
            await session.close()

    run(file, work)
    wait_until(lambda: not [each for each in threading.enumerate() if "sqlite" in each.name])
