"""`python -m tests.load.starving [--postgres]`: quick requests beside slow ones.

Some clients repeat requests that scan a large table of a service with default settings; others
read by an index, or write a row. It measures how long these others wait, and how many of their
requests are refused.
"""

import argparse
import asyncio
import random
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from tests.support.cluster import run_sql, running_cluster
from tests.support.crowd import CREATE, HERO, PAGE, Connection
from tests.support.service_process import environment, service

NOTHING = {"or": [{"name": {"contains": f"no such text {n}"}} for n in range(20)]}
"""A filter that scans all rows and matches none."""

NEXT = """query Next($after: String) {
  heroesConnection(first: 100, after: $after, orderBy: [{field: NAME}]) {
    nodes { id name } pageInfo { hasPreviousPage endCursor }
  }
}"""
FILTERED = "query Filtered($where: HeroFilter!) { heroes(where: $where) { id } }"
COUNTED = """query Counted($where: HeroFilter!) {
  heroesConnection(first: 1, where: $where) { totalCount }
}"""
DELETED = "mutation Deleted($where: HeroFilter!) { deleteHeroes(where: $where) { id } }"
COUNT = "{ heroesConnection(first: 1) { totalCount } }"

GREEDY = {"filtered": FILTERED, "counted": COUNTED, "deleted": DELETED}

ONE = {"id": {"eq": "1"}}
"""A filter that an index has."""

TWICE = """query Twice($where: HeroFilter!) {
  first: heroes(where: $where) { id }
  then: heroes(limit: 1) { id }
}"""
SECOND = """mutation Second($where: HeroFilter!) {
  createHero(input: {name: "Greedy", secretName: "One of many"}) { id }
  updateHeroes(where: $where, input: {}) { id }
}"""
TURNING = {"twice": TWICE, "second": SECOND}
"""Operations whose statements share a snapshot or a transaction, so that they share a lane, too."""


Request: TypeAlias = tuple[str, str, dict[str, Any]]


class Documents(StrEnum):
    """What the greedy clients send."""

    SAME = "same"
    """The same documents again and again."""
    NEW = "new"
    """Another document each time."""
    TURNING = "turning"
    """Another document every second time: first with a filter by an index, then with a scan."""


def greedy_requests(number: int, documents: Documents) -> Iterator[Request]:
    """Names, documents and variables of the requests of one greedy client."""
    kinds = [*(TURNING if documents is Documents.TURNING else GREEDY).items()]
    name, query = kinds[number % len(kinds)]
    for again in count():
        document = query if documents is Documents.SAME else f"# {number} {again}\n{query}"
        if documents is Documents.TURNING:
            yield f"{name}, first", document, {"where": ONE}
        yield name, document, {"where": NOTHING}


def requests(name: str, query: str, variables: Callable[[], dict[str, Any]]) -> Iterator[Request]:
    """Repeat one document with changing variables."""
    while True:
        yield name, query, variables()


PAUSE = 0.02
"""Seconds between two requests of a quick client: the load generator needs CPU time, too."""

FILL = """INSERT INTO hero (name, age, secret_name)
SELECT 'Hero ' || (CAST(n AS BIGINT) * 7919 % {rows}), CASE WHEN n % 10 > 0 THEN n % 75 + 16 END,
'Secret ' || n
FROM {numbers}"""
SERIES = "generate_series(1, {rows}) AS n"
RECURSIVE = """(WITH RECURSIVE numbers(n) AS
(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) SELECT n FROM numbers)"""


class Seen(NamedTuple):
    """The answers to one kind of request."""

    latencies: list[float]
    codes: Counter[str]

    def __str__(self) -> str:
        ordered = sorted(self.latencies)
        p50, p99 = (1000 * ordered[int(len(ordered) * part)] for part in (0.5, 0.99))
        return (
            f"{len(ordered):6} answers, p50 {p50:7.1f} ms, p99 {p99:7.1f} ms, "
            f"longest {ordered[-1]:5.2f} s, refused {dict(self.codes)}"
        )


class Load:
    """Clients of a service.

    Args:
        url: its base URL.
        rows: how many heroes there are, with the ids from 1 on.
        seconds: for how long they ask.
    """

    def __init__(self, url: str, rows: int, seconds: float) -> None:
        self._url = url
        self._rows = rows
        self._end = perf_counter() + seconds
        self.seen: dict[str, Seen] = defaultdict(lambda: Seen([], Counter()))

    async def client(self, requests: Iterator[Request], pause: float = 0) -> None:
        """Send requests until the end."""
        connection = await Connection.open(self._url)
        while perf_counter() < self._end:
            name, query, variables = next(requests)
            seen = self.seen[name]
            start = perf_counter()
            answer = await connection.ask(query, variables)
            seen.latencies.append(perf_counter() - start)
            seen.codes.update(error["extensions"]["code"] for error in answer.get("errors", ()))
            await asyncio.sleep(pause)
        connection.close()

    async def run(self, greedy: int, counting: int, documents: Documents) -> None:
        """Run all clients at once.

        Args:
            greedy: number of clients whose requests are slow.
            counting: number of clients that count the heroes.
            documents: what the greedy clients send.
        """
        dice = random.Random(self._rows)  # noqa: S311 (nothing secret)
        clients = [self.client(greedy_requests(n, documents)) for n in range(greedy)]
        counts = requests("totalCount", COUNT, dict)
        clients += [self.client(counts, PAUSE) for _ in range(counting)]
        for name, query, variables in (
            ("hero", HERO, lambda: {"id": str(dice.randint(1, self._rows))}),
            ("page by offset", PAGE, lambda: {"offset": dice.randrange(1000)}),
            ("page by cursor", NEXT, dict),
            ("create", CREATE, lambda: {"input": {"name": "Quick", "secretName": "One of many"}}),
        ):
            clients += [self.client(requests(name, query, variables), PAUSE) for _ in range(2)]
        await asyncio.gather(*clients)


def fill(database_url: str, rows: int) -> None:
    """Create the table with this many heroes."""
    upgrade = [sys.executable, "-m", "graph", "db", "upgrade"]
    env = environment({"database_url": database_url})
    subprocess.run(upgrade, env=env, check=True, stdout=subprocess.DEVNULL)
    if database_url.startswith("sqlite:///"):
        numbers = RECURSIVE.format(rows=rows)
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            connection.execute(FILL.format(rows=rows, numbers=numbers))
            connection.commit()
    else:
        run_sql(database_url, FILL.format(rows=rows, numbers=SERIES.format(rows=rows)))
        run_sql(database_url, "VACUUM ANALYZE hero")  # as autovacuum does later


@contextmanager
def database(rows: int, *, postgres: bool) -> Iterator[str]:
    """The URL of a database with this many heroes."""
    if postgres:
        with running_cluster() as cluster:
            url = cluster.url(cluster.create_database())
            fill(url, rows)
            yield url
    else:
        with TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'database.db'}"
            fill(url, rows)
            yield url


def main() -> None:
    """Print the report of each kind of request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--greedy", type=int, default=30)
    parser.add_argument("--counting", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--documents", type=Documents, choices=Documents, default=Documents.SAME)
    given = parser.parse_args()
    with (
        database(given.rows, postgres=given.postgres) as url,
        service(url, log_level="error") as running,
    ):
        for greedy in (0, given.greedy):
            load = Load(running.url, given.rows, given.seconds if greedy else given.seconds / 6)
            asyncio.run(load.run(greedy, given.counting, given.documents))
            print(f"{greedy} greedy clients")  # noqa: T201 (a command)
            for name, seen in load.seen.items():
                print(f"{name:15} {seen}")  # noqa: T201


if __name__ == "__main__":
    main()
