"""What the measurements say, as tables."""

from collections.abc import Iterator, Sequence
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


def ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> float | None:
    """Divide our requests/s by theirs, round by round, and take the median.

    Both are of the same load, in the order of the rounds. Rounds in which one of the two hung say
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
    """Sum up one server's rounds: medians, the worst peak, all errors."""
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
    """Lay out rows of cells as lines of Markdown, the first row as the header."""
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
    """Give the lines to print: a table for each load, in the order they were measured."""
    loads = dict.fromkeys((one.workload, one.connections) for one in measurements)
    for workload, connections in loads:
        rounds: dict[str, list[Measurement]] = {}
        for one in measurements:
            if (one.workload, one.connections) == (workload, connections):
                rounds.setdefault(one.server, []).append(one)
        yield ""
        yield f"{workload}, {connections} connections"
        yield from table([HEADER, *(row(rounds.get("ours", ()), one) for one in rounds.values())])
