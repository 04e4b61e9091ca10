"""The service as its users run it: a process of its own."""

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
"""The variable in the environment of all that the tests of one process have started."""

PLAIN = """
from functools import partial
import graph.app, graph.cli
graph.app.create_app = partial(graph.app.create_app, fast_execution=False)
graph.cli.main()
"""
"""The command, for one process without the fast path."""

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
    """A running `serve`: its base URL, and its process, which is ended with the test."""

    url: str
    process: subprocess.Popen[bytes]


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The environment of a command with these settings, by their names in `Settings`."""
    return {**os.environ, **{f"GRAPH_{name.upper()}": str(settings[name]) for name in settings}}


def memory(pid: int) -> int:
    """Bytes that a process has in memory, where the files of processes are in /proc."""
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
        settings: its settings; and `fast_execution`, whether operations are compiled.
    """
    program = ["-m", "graph"] if settings.pop("fast_execution", True) else ["-c", PLAIN]
    settings["database_url"] = database_url
    command = [*prefix, sys.executable, *program, "serve", "--port", "0", *arguments]
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
            httpx.get(f"{url}/health", timeout=60)  # it listens before it has started
            yield Service(url, process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with its workers
            process.wait()
            process.stdout.close()
            log.seek(0)
            sys.stderr.write(log.read().decode())  # which pytest shows when the test failed


def started_with(variable: str) -> list[str]:
    """The command lines of the running processes whose environment has this `NAME=value`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone, or somebody else's
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def workers(running: Service) -> set[int]:
    """The process ids of the workers, which are children that Python spawned."""
    tasks = Path(f"/proc/{running.process.pid}/task").glob("*/children")
    children = {int(pid) for task in tasks for pid in task.read_text().split()}
    return {pid for pid in children if b"spawn_main" in command_line(pid)}


def command_line(pid: int) -> bytes:
    """The command of a process; nothing of one that is gone by now."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
