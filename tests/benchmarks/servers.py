"""The servers to compare, each run as a process."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from tests.benchmarks.workloads import WORKLOADS, Language, Request, Workload

ROOT = Path(__file__).parents[2]
PEERS = "tests.benchmarks.peers"
SCRIPTS = Path(__file__).parent / "peers"
NODE = shutil.which("node", path=f"{SCRIPTS}/node_modules/.bin:{os.environ['PATH']}")
"""Node from `npm ci`, if there is one for this machine; its packages are compiled for it."""
START_SECONDS = 30
ANSWER_SECONDS = 5
STOP_SECONDS = 5


class ServerError(Exception):
    """A server did not start, or gave a wrong answer: its name and the reason."""

    def __str__(self) -> str:
        """The error in one line."""
        return " ".join(map(str, self.args))


@dataclass(frozen=True)
class Server:
    """A server: how to start it, and which API it has."""

    name: str
    language: Language
    app: str | None = None
    """The app for uvicorn, if uvicorn serves it."""
    options: tuple[str, ...] = ()
    """Further arguments of uvicorn."""
    script: str | None = None
    """The script for Node, if Node runs it. Our own service has neither."""
    sqlite: bool = True
    """Whether it supports SQLite."""
    postgres: bool = True
    """Whether it supports PostgreSQL."""
    workers: int = 1
    """Number of processes; only our own service supports several."""
    workload: str | None = None
    """The only workload of a server that gives the same answer to every request."""

    def can(self, workload: Workload) -> bool:
        """Whether it supports a workload on this kind of database."""
        if self.workload is not None:
            return workload.name == self.workload
        return workload.asks(self.language) is not None

    def missing(self) -> str | None:
        """What this machine lacks to run it."""
        if self.script is None or (NODE and (SCRIPTS / "node_modules").exists()):
            return None
        return f"{self.name} needs Node 22, and `npm ci` in tests/benchmarks/peers"

    def request(self, workload: Workload, subject: Any) -> Request:
        """The request about a subject, if it supports the workload."""
        ask = workload.asks(self.language)
        assert ask is not None
        return ask(subject)

    def command(self, port: int) -> list[str]:
        """Command that makes it listen on `port` of loopback."""
        listen = ["--host", "127.0.0.1", "--port", str(port)]
        if self.script is not None:
            return [NODE or "node", str(SCRIPTS / self.script), "127.0.0.1", str(port)]
        if self.app is None:
            serve = [sys.executable, "-m", "graph", "serve", "--upgrade"]
            return [*serve, *listen, "--workers", str(self.workers)]
        quiet = ["--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", self.app, *listen, *quiet, *self.options]

    def environment(self, database: URL) -> dict[str, str]:
        """Environment with its database's URL; our own service chooses the driver itself."""
        if self.app is None and self.script is None:
            variable, database = (
                "GRAPH_DATABASE_URL",
                database.set(drivername=database.get_backend_name()),
            )
        else:
            variable = "DATABASE_URL"
        url = database.render_as_string(hide_password=False)
        return {**os.environ, "PYTHONPATH": str(ROOT), variable: url}


SERVERS = {
    server.name: server
    for server in (
        Server("ours", "graphql"),
        Server("rest", "rest", f"{PEERS}.tutorial_rest:app"),
        Server("strawberry", "graphql", f"{PEERS}.obvious_strawberry:app"),
        Server("ariadne", "graphql", f"{PEERS}.ariadne_cached:app", postgres=False),
        Server("mercurius", "graphql", script="mercurius.mjs"),
        Server("postgraphile", "postgraphile", script="postgraphile.mjs", sqlite=False),
        Server("uvicorn", "graphql", f"{PEERS}.bare:app", workload="hero"),
        Server(  # its default without httptools and uvloop
            "uvicorn-h11",
            "graphql",
            f"{PEERS}.bare:app",
            options=("--http", "h11", "--loop", "asyncio"),
            workload="hero",
        ),
    )
}


@dataclass
class Running:
    """A server's process, and its port on loopback."""

    server: Server
    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float = 0.0
    """From its start to its first answer."""

    def ask(self, request: Request) -> Any:
        """Send a request, and decode its successful answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            connection.request(request.method, request.path, request.body or None, headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        answer = json.loads(body) if response.status == 200 else None
        if answer is None or (isinstance(answer, dict) and answer.get("errors")):
            raise ServerError(self.server.name, "answered", response.status, body[:300])
        return answer

    def answers(self) -> bool:
        """Whether it answers a simple request in time, right or wrong."""
        try:
            self.ask(self.server.request(WORKLOADS["hero"], 1))
        except (OSError, http.client.HTTPException):
            return False
        except ServerError:
            return True
        return True

    def memory_mb(self, field: str = "VmHWM") -> float:
        """Read the memory of its processes, in MB: `VmHWM` is the peak, `VmRSS` the present."""
        return sum(_memory_kb(pid, field) for pid in _family(self.process.pid)) / 1024

    def cpu_seconds(self) -> float:
        """Read the CPU time that its processes have used."""
        return sum(_ticks(pid) for pid in _family(self.process.pid)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(server: Server, database: URL, directory: Path, cores: set[int]) -> Iterator[Running]:
    """Run a server on these cores in `directory`, until the end of the block."""
    log = directory / "server.log"
    port = _free_port()
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command(port),
            cwd=directory,
            env=server.environment(database),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        os.sched_setaffinity(process.pid, cores)
        one = Running(server, process, port)
        while not one.answers():
            if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
                raise ServerError(server.name, "did not start:", lines[-1])
            time.sleep(0.01)
        one.start_seconds = time.perf_counter() - started
        yield one
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and its workers, by SIGTERM first."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in _family(int(child)))]


def _memory_kb(pid: int, field: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))


def _ticks(pid: int) -> int:
    """Add up the user and system time of one process: fields 14 and 15 of its `stat`."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
