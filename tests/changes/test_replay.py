"""Who applies the changes has the table, whoever writes it, and however often it reconnects."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from random import Random
from typing import Any

import pytest

from graph.database import feed
from graph.database.changes import Batch
from graph.database.postgres.change_log import Position, PostgresChangeLog, Snapshot
from graph.database.statement import Statement
from graph.tables import changes as followed
from tests.support.client import Client
from tests.support.databases import on_postgresql
from tests.support.follower import apply, cursor_of, following
from tests.support.writers import write

QUIET = 3
"""Events without changes, one after another, after which nothing more is to come."""

STAY = 0.7
"""Probability that a follower waits for another event before it reconnects."""

SIZES = [(4, 40), pytest.param((8, 400), marks=pytest.mark.slow)]
"""Numbers of writers, and of transactions of each."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the position often, so that the last change need not be waited for."""
    monkeypatch.setattr(followed, "PATIENCE", 0.2)


class Replay:
    """A copy of the table, which a follower keeps through reconnects.

    Args:
        api: the service.
        cursor: where it begins; the table was empty then.
    """

    def __init__(self, api: Client, cursor: str) -> None:
        self._api = api
        self._cursor = cursor
        self.heroes: dict[str, Any] = {}
        self.log: list[Any] = []

    def follow(self, done: threading.Event, seed: int) -> None:
        """Follow until nothing more happens after `done`; reconnect at random."""
        random, quiet = Random(seed), 0  # noqa: S311 (a test)
        with Client(self._api.url) as client:
            while quiet < QUIET:
                with following(client, self._cursor) as follower:
                    while quiet < QUIET and random.random() < STAY:
                        was_done, changes = done.is_set(), follower.event()
                        self._apply(changes)
                        self._cursor = follower.cursor
                        quiet = quiet + 1 if was_done and not changes else 0

    def of_each_row(self) -> dict[str, list[Any]]:
        """The changes by id: on PostgreSQL those of different rows may come in another order."""
        rows: dict[str, list[Any]] = {}
        for change in self.log:
            rows.setdefault(change["id"], []).append(change)
        return rows

    def _apply(self, changes: list[Any]) -> None:
        for change in changes:
            assert change["old"] == self.heroes.get(change["id"]), change
            apply([change], self.heroes)
            self.log.append(change)


def replay(api: Client, database_url: str, size: tuple[int, int]) -> None:
    """Let several follow while others write; check that each has the table in the end."""
    cursor, done = cursor_of(api), threading.Event()
    followers = [Replay(api, cursor) for _ in range(3)]
    with ThreadPoolExecutor() as threads:
        threads_of = [threads.submit(each.follow, done, n) for n, each in enumerate(followers)]
        try:
            write(database_url, *size)
        finally:
            done.set()
        for thread in threads_of:
            thread.result()
    heroes = {hero["id"]: hero for hero in api.heroes()}
    for each in followers:
        assert each.heroes == heroes
        assert each.of_each_row() == followers[0].of_each_row()


@pytest.mark.parametrize("size", SIZES)
def test_followers_have_the_table(api: Client, database_url: str, size: tuple[int, int]) -> None:
    replay(api, database_url, size)


def test_followers_that_read_from_the_log_have_the_table(
    api: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_CHANGES", 3)
    monkeypatch.setattr(feed, "CHUNK", 2)
    replay(api, database_url, (4, 30))


async def by_number(
    log: PostgresChangeLog, session: Any, after: Position, _: Any, most: int
) -> Batch[Position]:
    """Read all entries with a later number: a transaction that is committed late is left out."""
    now = (await log.newest(session)).snapshot
    everything = after._replace(snapshot=Snapshot(after.snapshot.text, 1, ()), until=now)
    batch: Batch[Position] = await READ(log, session, everything, None, most)
    return batch._replace(is_last=len(batch.changes) < most)


READ: Callable[..., Any] = PostgresChangeLog.read


def by_transaction(log: PostgresChangeLog) -> Statement:
    """Read in the order of the transactions' numbers, which is not that of a row's changes."""
    clause: Any = AFTER.func(log).clause
    columns = clause.selected_columns
    return Statement(clause.order_by(None).order_by(columns.transaction, columns.seq))


AFTER: cached_property[Statement] = PostgresChangeLog.__dict__["_after"]

MUTANTS = {"read": by_number, "_after": property(by_transaction)}


@on_postgresql
@pytest.mark.parametrize("name", MUTANTS)
def test_wrong_orders_are_noticed(
    api: Client, database_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(PostgresChangeLog, name, MUTANTS[name])
    with pytest.raises(AssertionError):
        replay(api, database_url, (8, 60))
