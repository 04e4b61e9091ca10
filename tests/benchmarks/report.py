"""Measurements as tables."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from tests.benchmarks.measure import Measurement

HEADER = (
    "server",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "errors",
    "peak MB",
    "start s",
    "ours ÷ it",
)

DASHES = ("-",) * (len(HEADER) - 1)
"""Cells of a server that does not support a workload."""


def ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> float | None:
    """Divide our requests/s by theirs, round by round, and take the median.

    Both are in the order of the rounds. Rounds in which one of the two hung say
    nothing about its speed; None when that leaves none.
    """
    pairs = zip(ours, theirs, strict=False)
    ratios = [
        a.requests_per_second / b.requests_per_second
        for a, b in pairs
        if b.requests_per_second and not (a.hung or b.hung)
    ]
    return median(ratios) if ratios else None


def row(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> tuple[str, ...]:
    """Summarize one server's rounds: medians, the highest peak, all errors."""
    times = ratio(ours, theirs)
    hung = sum(one.hung for one in theirs)
    return (
        theirs[0].server,
        f"{median(one.requests_per_second for one in theirs):,.0f}",
        f"{median(one.p50_ms for one in theirs):,.1f}",
        f"{median(one.p99_ms for one in theirs):,.1f}",
        f"{median(one.cpu_ms for one in theirs):,.2f}",
        f"{sum(one.errors for one in theirs):,}" + (f", hung in {hung}" if hung else ""),
        f"{max(one.peak_mb for one in theirs):,.0f}",
        f"{median(one.start_seconds for one in theirs):,.2f}",
        f"{times:,.2f}" if times else "",
    )


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        for cells in rows
    ]
    rule = [
        "-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)
    ]
    for cells in (lines[0], rule, *lines[1:]):
        yield f"| {' | '.join(cells)} |"


def report(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Give the lines to print: a table for each load, and one that compares our pages."""
    servers = dict.fromkeys(one.server for one in measurements)
    workloads = dict.fromkeys(one.workload for one in measurements)
    connections = dict.fromkeys(one.connections for one in measurements)
    rounds: dict[tuple[str, str, int], list[Measurement]] = {}
    for one in measurements:
        rounds.setdefault((one.server, one.workload, one.connections), []).append(one)
    for load in itertools.product(workloads, connections):
        ours = rounds.get(("ours", *load), ())
        found = ((server, rounds.get((server, *load))) for server in servers)
        yield ""
        yield f"{load[0]}, {load[1]} connections"
        yield from table(
            [HEADER, *(row(ours, them) if them else (name, *DASHES) for name, them in found)]
        )
    yield from pages(rounds, connections)


def pages(
    rounds: Mapping[tuple[str, str, int], Sequence[Measurement]], connections: Iterable[int]
) -> Iterator[str]:
    """Compare our other pages of a hundred heroes with the plain one, if both were measured."""
    rows = []
    for kind, number in itertools.product(("connection", "filtered"), connections):
        these = rounds.get(("ours", kind, number), ())
        plain = rounds.get(("ours", "heroes", number), ())
        if times := ratio(these, plain):
            cpu = median(one.cpu_ms for one in these) / median(one.cpu_ms for one in plain)
            rows.append((f"{kind} ÷ heroes, {number} connections", f"{times:.2f}", f"{cpu:.2f}"))
    if rows:
        yield ""
        yield from table([("ours", "requests/s", "CPU ms"), *rows])
