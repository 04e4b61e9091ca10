"""Compare the service with others that its users could run instead, in one run."""

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.databases import Databases, PostgresDatabases, SqliteFiles
from tests.benchmarks.load import missing
from tests.benchmarks.measure import Bench, Measurement, prepare
from tests.benchmarks.report import report
from tests.benchmarks.servers import SERVERS, ServerError
from tests.benchmarks.workloads import WORKLOADS


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    add = parser.add_argument
    add("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    add("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    add("--connections", nargs="+", type=int, default=[8, 64], metavar="N")
    add("--seconds", type=int, default=5, help="of load, for each measurement")
    add("--rounds", type=int, default=3, help="of all servers in turn; medians are reported")
    add("--rows", type=int, default=10_000, help="heroes in the table")
    add("--workers", type=int, metavar="N", help="measure ours with N processes as well")
    add("--database-url", help="a postgresql:// URL whose user may create databases")
    add("--postgres", action="store_true", help="use a PostgreSQL that is started, and is durable")
    add("--json", type=Path, metavar="FILE", help="keep every measurement there")
    return parser.parse_args()


@contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL with durable commits; yields its URL."""
    from tests.support.cluster import running_cluster  # noqa: PLC0415 (needs the extra `test`)

    with running_cluster({"fsync": "on", "full_page_writes": "on"}) as cluster:
        yield cluster.url("postgres")


@contextmanager
def databases(chosen: argparse.Namespace) -> Iterator[Databases]:
    """Create the servers' databases: SQLite files, or databases in a PostgreSQL."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres()) if chosen.postgres else chosen.database_url
        if url:
            made = PostgresDatabases(url, chosen.rows)
            stack.callback(made.drop)
            yield made
        else:
            directory = tempfile.TemporaryDirectory(prefix="hero-benchmark-")
            yield SqliteFiles(Path(stack.enter_context(directory)), chosen.rows)


def measurements(chosen: argparse.Namespace) -> Iterator[Measurement]:
    """Measure all servers in turn, so that changes of the machine's speed affect all of them."""
    servers = [SERVERS[name] for name in chosen.servers]
    if chosen.workers:
        name = f"ours, {chosen.workers} workers"
        servers.append(replace(SERVERS["ours"], name=name, workers=chosen.workers))
    on_postgres = chosen.postgres or chosen.database_url
    servers = [one for one in servers if (one.postgres if on_postgres else one.sqlite)]
    for server in [*servers]:
        if reason := server.missing():
            if os.environ.get("CI"):  # in CI, no server may be missing
                raise ServerError(reason)
            print(f"left out: {reason}", file=sys.stderr)
            servers.remove(server)
    cores = prepare()
    with databases(chosen) as source:
        bench = Bench(source, chosen.rows, cores)
        # Short rounds, because loads are compared with each other, too.
        loads = itertools.product(range(chosen.rounds), chosen.connections, chosen.workloads)
        for _, connections, name in loads:
            for server in servers:
                if server.can(workload := WORKLOADS[name]):
                    yield bench.measure(server, workload, connections, chosen.seconds)


def main() -> int:
    """Measure, print, and save; returns the exit code."""
    chosen = options()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 2
    done = []
    try:
        for one in measurements(chosen):
            done.append(one)
            rate = f"{one.requests_per_second:,.0f}/s" + (" (hung)" if one.hung else "")
            print(f"{one.workload} {one.connections} {one.server} {rate}", file=sys.stderr)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report(done)))
    if chosen.json:
        packages = ("graphql-core", "sqlalchemy", "strawberry-graphql", "fastapi", "ariadne")
        about = {
            "python": platform.python_version(),
            "machine": platform.platform(),
            "packages": {package: version(package) for package in packages},
            "options": {key: value for key, value in vars(chosen).items() if key != "json"},
            "measurements": [asdict(one) for one in done],
        }
        chosen.json.write_text(json.dumps(about, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
