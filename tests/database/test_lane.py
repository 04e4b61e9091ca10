"""The queue of slow statements: whose turn is next, and which statements are slow."""

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from graph.database.lane import Lane
from graph.database.postgres import pool as postgres_pool
from graph.database.postgres.pool import Pool, Pooled
from graph.hero.model import HERO
from graph.tables.sql.conditions import EVERYTHING, NOTHING, Condition, Template
from graph.tables.sql.page import FAR, Page, is_indexed
from graph.tables.sql.segments import Bound, Order, Term, backward, total_order

BY_ID, BY_AGE = total_order(HERO), total_order(HERO, (Term("age"),))
AGED = ("eq", "age")


async def settle() -> None:
    """Run all tasks until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_callers_take_turns() -> None:
    async def work() -> None:
        async def statement(caller: str) -> None:
            async with lane.place(caller):
                had.append(caller)
                await go.wait()
                await asyncio.sleep(0)

        lane, go, had = Lane(2), asyncio.Event(), list[str]()
        tasks = [
            asyncio.create_task(statement(name)) for name in ["ann"] * 6 + ["bob", "cy", "bob"]
        ]
        await settle()
        assert had == ["ann", "ann"]
        go.set()
        await asyncio.gather(*tasks)
        assert had == ["ann", "ann", "ann", "bob", "cy", "ann", "bob", "ann", "ann"]

    run(work)


def test_a_cancelled_caller_has_no_turn() -> None:
    async def work() -> None:
        lane = Lane(1)
        await lane.acquire("ann")
        tasks = [asyncio.create_task(lane.acquire(name)) for name in ["ann", "bob", "ann", "cy"]]
        await settle()
        tasks[1].cancel()  # while it waits
        lane.release()
        tasks[0].cancel()  # after its turn has come, before it runs
        await settle()
        assert [task.cancelled() for task in tasks] == [True, True, False, False]
        assert tasks[3].done() != tasks[2].done()
        lane.release()
        await asyncio.gather(*tasks[2:])
        lane.release()
        await asyncio.wait_for(lane.acquire("dan"), 5)

    run(work)


def pool(size: int) -> Pool:
    """A pool of fake connections."""

    async def connect() -> Pooled:
        raw: Any = SimpleNamespace(is_closed=bool)
        return Pooled(raw, raw, raw, frozenset())

    return Pool(connect, size, 5)


def test_half_of_the_pool_is_kept_for_quick_statements() -> None:
    async def work() -> None:
        connections = pool(4)
        slow = [asyncio.create_task(connections.acquire_for_slow("")) for _ in range(4)]
        await settle()
        assert [task.done() for task in slow] == [True, True, False, False]
        quick = [await connections.acquire() for _ in range(2)]
        connections.release(quick.pop())
        await settle()
        assert not slow[2].done()
        connections.release(slow[0].result())
        await settle()
        assert [task.done() for task in slow] == [True, True, True, False]
        slow[3].cancel()

    run(work)


def test_a_statement_that_takes_long_counts_as_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        connections = pool(4)
        late = [await connections.acquire() for _ in range(2)]
        monkeypatch.setattr(postgres_pool, "OVERDUE", -1)
        slow = asyncio.create_task(connections.acquire_for_slow(""))
        await settle()
        assert not slow.done()
        connections.release(late.pop())
        await settle()
        assert slow.done()

    run(work)


@pytest.mark.parametrize(
    ("order", "where", "expected"),
    [
        (BY_ID, EVERYTHING.template, True),
        (BY_ID, NOTHING.template, True),
        (BY_ID, AGED, True),
        (BY_ID, ("gte", "id"), True),
        (BY_ID, ("eq", "secret_name"), False),
        (BY_ID, ("gte", "age"), False),
        (BY_ID, ("null", "age"), False),
        (BY_ID, ("contains", "name"), False),
        (BY_ID, ("or", (AGED, AGED)), False),
        (BY_ID, ("not", AGED), False),
        (BY_ID, ("and", (AGED, ("contains", "name"))), False),
        (BY_ID, ("and", (("in", "id", 4), ("contains", "name"))), True),
        (BY_AGE, EVERYTHING.template, True),
        (backward(BY_AGE), EVERYTHING.template, True),
        (BY_AGE, ("and", (("gte", "age"), ("lt", "age"))), True),
        (BY_AGE, ("eq", "name"), False),
        (total_order(HERO, (Term("age"), Term("id", descending=True))), EVERYTHING.template, False),
        (total_order(HERO, (Term("age"), Term("name"))), EVERYTHING.template, False),
        (total_order(HERO, (Term("secret_name"),)), EVERYTHING.template, False),
    ],
)
def test_a_lookup_by_index_does_not_scan(order: Order, where: Template, *, expected: bool) -> None:
    assert is_indexed(HERO, order, where) == expected
    page = Page(HERO, None, order, Condition(where, ()))
    assert page.may_scan != expected
    assert page._replace(before=Bound([1, 1])).may_scan


def test_a_page_far_from_the_start_may_scan() -> None:
    page = Page(HERO, None, BY_ID, EVERYTHING)
    assert [page.template(offset).may_scan for offset in (0, FAR, FAR + 1)] == [False, False, True]
