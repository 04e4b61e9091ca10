"""One measurement: a fresh server on a fresh database, verified, warmed up, loaded, stopped."""

import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.databases import Databases
from tests.benchmarks.heroes import Truth
from tests.benchmarks.load import load, write
from tests.benchmarks.servers import Running, Server, ServerError, running
from tests.benchmarks.workloads import Request, Workload, heroes_in

VERIFIED = 20
PREPARED = 5_000
WARM_UP_SECONDS = 1
WARM_UP_CONNECTIONS = 8
DICE = random.Random()


@dataclass(frozen=True)
class Measurement:
    """What one server did under one load."""

    server: str
    workload: str
    connections: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """The server's CPU time for each request: what least depends on who else uses the machine."""
    errors: int
    """Answers that are no success, broken sockets, time-outs, and acknowledged writes lost."""
    hung: bool
    """Whether it no longer answered one simple request after the load."""
    peak_mb: float
    start_seconds: float
    """From its start to its first answer."""


def prepare() -> set[int]:
    """Give the cores for the servers, and keep this process and the load on the last one.

    On a machine of one core they are the same. From here on a SIGTERM unwinds this process as an
    exit does, so that it leaves no server behind.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    *others, last = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {last})
    return set(others) or {last}


@dataclass(frozen=True)
class Bench:
    """The place where servers are measured."""

    databases: Databases
    rows: int
    """The heroes in each of its databases."""
    cores: set[int]
    """Where servers of one process run; those of more have all the cores."""

    @contextmanager
    def serving(self, server: Server) -> Iterator[tuple[Running, Truth, Path]]:
        """Run a server on a fresh database: gives it, what it holds, and a place for files."""
        with tempfile.TemporaryDirectory(prefix="hero-benchmark-") as name:
            directory = Path(name)
            database = self.databases.fresh(directory)
            cores = self.cores if server.workers == 1 else self.cores | os.sched_getaffinity(0)
            with running(server, database, directory, cores) as one:
                yield one, Truth(database), directory

    def verify(self, one: Running, workload: Workload, truth: Truth) -> None:
        """Compare answers with the database, field by field."""
        if one.server.workload is not None:
            return
        for _ in range(VERIFIED):
            subject = workload.subject(DICE, self.rows)
            answered = heroes_in(one.ask(one.server.request(workload, subject)))
            expected = workload.expected(subject, truth)
            stored = truth.rows(row.id for row in answered)
            if answered != expected or sorted(answered) != stored:
                raise ServerError(one.server.name, "is wrong about", workload.name, answered[:3])

    def requests(self, server: Server, workload: Workload, count: int) -> Iterator[Request]:
        """Draw requests for a server."""
        for _ in range(count):
            yield server.request(workload, workload.subject(DICE, self.rows))

    def measure(
        self, server: Server, workload: Workload, connections: int, seconds: int
    ) -> Measurement:
        """Measure one server under one load of `seconds`, which takes about three more."""
        with self.serving(server) as (one, truth, directory):
            self.verify(one, workload, truth)
            file = write(self.requests(server, workload, PREPARED), directory / "requests.txt")
            load(one.port, file, min(connections, WARM_UP_CONNECTIONS), WARM_UP_SECONDS)
            before = truth.last_id()
            cpu = one.cpu_seconds()
            outcome = load(one.port, file, connections, seconds)
            cpu = one.cpu_seconds() - cpu
            hung = not one.answers()
            stored = truth.last_id() - before
            lost = max(0, outcome.acknowledged - stored) if workload.name == "create" else 0
            return Measurement(
                server=server.name,
                workload=workload.name,
                connections=connections,
                requests_per_second=outcome.requests / outcome.seconds,
                p50_ms=outcome.p50_ms,
                p99_ms=outcome.p99_ms,
                cpu_ms=1000 * cpu / max(1, outcome.requests),
                errors=outcome.errors + lost,
                hung=hung,
                peak_mb=one.memory_mb(),
                start_seconds=one.start_seconds,
            )
