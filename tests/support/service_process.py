"""The service and its commands as processes."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import httpx

MARK = "HERO_GRAPH_TESTS"
"""Environment variable of all processes that the tests of one process start."""

PLAIN = """
from functools import partial
import graph.app, graph.cli
graph.app.create_app = partial(graph.app.create_app, fast_execution=False)
graph.cli.main()
"""
"""The command for a single process without the fast path."""

READY = re.compile(rb"API +(http://\S+)/graphql")


def run(*arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; `prefix` is as in `service`."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "graph", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def succeeds(*command: str) -> str:
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Service(NamedTuple):
    """Base URL and process of a running `serve`, which stops with the test."""

    url: str
    process: subprocess.Popen[bytes]


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Environment of a command with these settings, by their names in `Settings`."""
    return {**os.environ, **{f"GRAPH_{name.upper()}": str(settings[name]) for name in settings}}


def memory(pid: int) -> int:
    """Resident memory of a process in bytes, from /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def service(
    database_url: str, *arguments: str, prefix: Sequence[str] = (), **settings: object
) -> Iterator[Service]:
    """Run `serve` on a free port, with settings by their names in `Settings`.

    Args:
        database_url: what it serves.
        arguments: further arguments of `serve`.
        prefix: the command that starts it, such as one that takes its privileges away.
        settings: its settings; and `fast_execution`, whether operations are compiled, and
            `python`, the interpreter of the environment in which it is installed.
    """
    program = ["-m", "graph"] if settings.pop("fast_execution", True) else ["-c", PLAIN]
    python = settings.pop("python", sys.executable)
    settings["database_url"] = database_url
    command = [*prefix, str(python), *program, "serve", "--port", "0", *arguments]
    with TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            address = READY.match(process.stdout.readline())
            assert address is not None, "the service did not start"
            url = address[1].decode()
            httpx.get(f"{url}/health", timeout=60)  # it listens before it is ready
            yield Service(url, process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and its workers
            process.wait()
            process.stdout.close()
            log.seek(0)
            sys.stderr.write(log.read().decode())  # pytest shows it for a failed test


def started_with(variable: str) -> list[str]:
    """Command lines of the running processes with this `NAME=value` in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def workers(running: Service) -> set[int]:
    """Process ids of the workers: children that Python spawned."""
    tasks = Path(f"/proc/{running.process.pid}/task").glob("*/children")
    children = {int(pid) for task in tasks for pid in task.read_text().split()}
    return {pid for pid in children if b"spawn_main" in command_line(pid)}


def command_line(pid: int) -> bytes:
    """Command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
