"""One measurement: a new server on a new database is verified, warmed up, loaded and stopped."""

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
    """Result of one server under one load."""

    server: str
    workload: str
    connections: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """The server's CPU time for each request, which other work on the machine disturbs least."""
    errors: int
    """Failed answers, broken sockets, timeouts and lost acknowledged writes."""
    hung: bool
    """Whether it did not answer a simple request after the load."""
    peak_mb: float
    start_seconds: float
    """Seconds from its start to its first answer."""


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
    """CPU cores and databases of all measurements."""

    databases: Databases
    rows: int
    """Number of heroes in each database."""
    cores: set[int]
    """Cores of servers with one process; servers with several use all cores."""

    @contextmanager
    def serving(self, server: Server) -> Iterator[tuple[Running, Truth, Path]]:
        """Run a server on a new database; yields it, its rows, and a folder for files."""
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
