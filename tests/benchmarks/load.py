"""Load by `wrk`."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.workloads import Request

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_SECONDS = 10
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Load:
    """Result of one load; latencies are of answered requests."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    non_2xx: int
    wrong: int
    """Answers without a hero, or with GraphQL errors."""
    socket: int
    timeouts: int

    @property
    def acknowledged(self) -> int:
        """Number of correctly answered requests."""
        return self.requests - self.non_2xx - self.wrong

    @property
    def errors(self) -> int:
        """Number of failures of any kind."""
        return self.non_2xx + self.wrong + self.socket + self.timeouts


def missing() -> str | None:
    """How to get wrk, if it is missing."""
    return None if shutil.which("wrk") else "wrk is needed: `apt-get install wrk` (or brew, dnf)"


def write(requests: Iterable[Request], file: Path) -> Path:
    """Write requests for the load, one a line."""
    file.write_text("".join("\t".join(request) + "\n" for request in requests))
    return file


def load(port: int, requests: Path, connections: int, seconds: int) -> Load:
    """Send the prepared requests to a loopback port, from one thread, over these connections."""
    command = (
        *("wrk", "--threads", "1", "--connections", str(connections)),
        *("--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s"),
        *("--script", str(SCRIPT), f"http://127.0.0.1:{port}"),
        *("--", str(requests), str(connections)),
    )
    patience = seconds + PATIENCE_SECONDS
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=patience)
    except subprocess.TimeoutExpired:
        return Load(0, patience, 0.0, 0.0, 0, 0, 0, timeouts=connections)
    return Load(**json.loads(done.stdout.splitlines()[-1]))
