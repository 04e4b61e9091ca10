"""`python -m tests.load.workers`: several processes on one SQLite file.

Two runs for each number of workers: clients that create heroes one after another; then clients
that create many at once beside slow reads, with the largest size of the write-ahead log.
"""

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from tests.support.crowd import CREATE, Member, Mix, Report
from tests.support.prepared_database import set_up
from tests.support.service_process import service, workers
from tests.support.sqlite_file import count_open
from tests.support.waiting import wait_until

CREATE_MANY = "mutation M($inputs: [CreateHeroInput!]!) { createHeroes(inputs: $inputs) { id } }"
FILTERS = ", ".join(f'{{name: {{contains: "none {number}"}}}}' for number in range(3))
LONG = f"{{ heroesConnection(first: 1, where: {{or: [{FILTERS}]}}) {{ totalCount }} }}"


class Creator(Member):
    """A client that creates one hero after another."""

    async def _turn(self) -> None:
        await self._ask(CREATE, input={"name": "Crowd", "secretName": "One of many"})


class Filler(Member):
    """A client that creates many at once, so that the log grows quickly."""

    async def _turn(self) -> None:
        names = [f"{self._random.random()} {'x' * 150}" for _ in range(100)]
        await self._ask(CREATE_MANY, inputs=[{"name": name, "secretName": "x"} for name in names])


class Reader(Member):
    """A client that makes one slow read after another, and continues after an error."""

    async def _turn(self) -> None:
        try:
            await self._ask(LONG)
        except AssertionError as error:
            self._report.failures[str(error)[:100]] += 1
            await asyncio.sleep(0.1)


async def load(
    url: str, seconds: float, log: Path, *crowds: tuple[type[Member], int]
) -> tuple[list[Report], int]:
    """A report of each kind of client, and the largest size of the log in bytes."""
    start, largest = perf_counter(), 0
    reports = [Report() for _ in crowds]
    members = [
        kind(url, report, Mix.ALL, 0)
        for (kind, count), report in zip(crowds, reports, strict=True)
        for _ in range(count)
    ]
    running = asyncio.gather(*(member.run(start + seconds) for member in members))
    while not running.done():
        if log.exists():  # noqa: ASYNC240 (quick)
            largest = max(largest, log.stat().st_size)  # noqa: ASYNC240 (quick)
        await asyncio.wait([running], timeout=0.02)
    for report in reports:
        report.seconds = perf_counter() - start
    return reports, largest


def measure(count: int, rows: int, seconds: float, *crowds: tuple[type[Member], int]) -> None:
    """Print the reports of these clients with this many workers."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "database.db"
        settings: dict[str, Any] = {"database_url": f"sqlite:///{file}"}
        set_up(settings["database_url"], heroes=rows)
        with service(settings["database_url"], "--workers", str(count)) as running:
            if count > 1:
                wait_until(lambda: len(workers(running)) == count)
                wait_until(lambda: all(count_open(file, pid) for pid in workers(running)))
            reports, largest = asyncio.run(load(running.url, seconds, Path(f"{file}-wal"), *crowds))
    for (kind, _), report in zip(crowds, reports, strict=True):
        print(f"{count} workers, log {largest / 1e6:.0f} MB, {kind.__name__}: {report}")  # noqa: T201 (a command)


def main() -> None:
    """Measure each number of workers, in rounds, then once beside slow reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100_000, help="heroes that long reads scan")
    given = parser.parse_args()
    for _ in range(given.rounds):
        for count in given.workers:
            measure(count, 1000, given.seconds, (Creator, given.connections))
    for count in given.workers:
        measure(count, given.rows, 4 * given.seconds, (Filler, 8), (Reader, 8))


main()
