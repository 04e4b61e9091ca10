"""Costs of a long uptime, a big table, many connections and new queries for our service.

`python -m tests.benchmarks.endurance` takes about five minutes, and exits with 1 when a figure is
over its limit.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.benchmarks.databases import SqliteFiles
from tests.benchmarks.load import load, missing, write
from tests.benchmarks.measure import Bench, prepare
from tests.benchmarks.report import table
from tests.benchmarks.servers import SERVERS, ServerError
from tests.benchmarks.workloads import PAGE, WORKLOADS, graphql, page

OURS = SERVERS["ours"]
ROWS = 10_000
MANY_ROWS = 1_000_000
FEW = 8
CROWD = 64


class Figure(NamedTuple):
    """A ratio, with its subject, its operands and its limit."""

    of: str
    value: float
    found: str
    bound: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Cells of its row in the table."""
        bound = "" if self.bound is None else f"{self.bound:.2f}"
        verdict = "OVER" if self.over() else "ok" if bound else ""
        return (self.of, f"{self.value:.2f}", self.found, bound, verdict)

    def over(self) -> bool:
        """Whether it exceeds its limit."""
        return self.bound is not None and self.value > self.bound


def pages(bench: Bench) -> Iterator[Figure]:
    """Compare pages of a small and a big table, in ms of the worker's time for each."""
    with tempfile.TemporaryDirectory(prefix="hero-benchmark-") as name:
        big = Bench(SqliteFiles(Path(name), MANY_ROWS), MANY_ROWS, bench.cores)
        with bench.serving(OURS) as (few, _, directory), big.serving(OURS) as (many, truth, _):
            last = MANY_ROWS - PAGE
            first_page = write([page(0)], directory / "first.txt")
            last_page = write([page(last)], directory / "last.txt")
            kinds = ((few.port, first_page), (many.port, first_page), (many.port, last_page))
            rounds = [[_ms(port, file) for port, file in kinds] for _ in range(3)]
            small, first, end = (median(times) for times in zip(*rounds, strict=True))
            own = truth.page_ms(last) - truth.page_ms(0)
    yield Figure(
        f"first page of {MANY_ROWS:,} rows, to that of {bench.rows:,}",
        first / small,
        f"{first:.2f} and {small:.2f} ms",
        bound=1.25,
    )
    yield Figure(
        f"last page of {MANY_ROWS:,} rows, to the first",
        end / first,
        f"{end:.2f} and {first:.2f} ms; the database alone needs {own:.2f} ms more",
    )


def _ms(port: int, file: Path) -> float:
    outcome = load(port, file, FEW, seconds=1)
    return 1000 * outcome.seconds / max(1, outcome.requests)


def crowd(bench: Bench) -> Iterator[Figure]:
    """Compare the slowest of a hundred answers with the middle one, under many connections."""
    for workload in WORKLOADS.values():
        one = bench.measure(OURS, workload, CROWD, seconds=4)
        yield Figure(
            f"p99 to p50 of {workload.name}, {CROWD} connections",
            one.p99_ms / one.p50_ms,
            f"{one.p99_ms:.1f} and {one.p50_ms:.1f} ms, {one.errors} errors",
            bound=5,
        )


def life(bench: Bench) -> Iterator[Figure]:
    """Compare the memory after many requests of all kinds with that after some."""
    with bench.serving(OURS) as (one, _, directory):
        mix = [
            request
            for workload in WORKLOADS.values()
            for request in bench.requests(OURS, workload, 2000)
        ]
        random.shuffle(mix)
        file = write(mix, directory / "mix.txt")
        sent, memory = 0, []
        for target in (10_000, 100_000):
            while sent < target:
                outcome = load(one.port, file, FEW, seconds=2)
                if not outcome.requests or outcome.errors:
                    raise ServerError(OURS.name, "failed under a mixed load:", outcome)
                sent += outcome.requests
            memory.append(one.memory_mb("VmRSS"))
    yield _growth("memory after 100,000 requests, to that after 10,000", *memory)


def texts(bench: Bench) -> Iterator[Figure]:
    """Compare the memory after many different queries with that after enough to fill a cache."""
    with bench.serving(OURS) as (one, _, _):
        memory = []
        for turn in range(1, 10_001):
            one.ask(
                graphql(f"query Q{turn} {{ h{turn}: hero(id: 1) {{ id name age secretName }} }}")
            )
            if turn in {5000, 10_000}:
                memory.append(one.memory_mb("VmRSS"))
    yield _growth("memory after 10,000 different queries, to that after 5,000", *memory)


def _growth(of: str, before: float, after: float) -> Figure:
    return Figure(of, after / before, f"{after:.1f} and {before:.1f} MB", bound=1.1)


PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    part.__name__: part for part in (pages, crowd, life, texts)
}


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.endurance", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    chosen = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 2
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="hero-benchmark-") as name:
        bench = Bench(SqliteFiles(Path(name), ROWS), ROWS, prepare())
        for part in chosen.parts:
            for figure in PARTS[part](bench):
                print(part, *figure.cells(), file=sys.stderr)
                figures.append(figure)
    header = ("ratio of", "is", "from", "may be", "")
    print("\n".join(table([header, *(figure.cells() for figure in figures)])))
    return int(any(figure.over() for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
