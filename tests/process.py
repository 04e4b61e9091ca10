"""The service as its users run it: a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

READY = re.compile(rb"API +(http://\S+)/graphql")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "graph", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Service(NamedTuple):
    """A running `serve`: its base URL and its process, which is ended with the test."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def service(
    database_url: str, *arguments: str, prefix: Sequence[str] = (), **settings: object
) -> Iterator[Service]:
    """Run `serve` on a free port, with settings by their names in `Settings`.

    Args:
        database_url: what it serves.
        arguments: further arguments of `serve`.
        prefix: the command that starts it, such as one that takes its privileges away.
        settings: its settings.
    """
    settings["database_url"] = database_url
    environment = {f"GRAPH_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "graph", "serve", "--port", "0", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        output = b""
        while not (found := READY.search(output)):
            line = process.stdout.readline()
            assert line, output.decode()
            output += line
        yield Service(found[1].decode(), process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
