"""`python -m tests.load.memory`: the memory of a worker whose clients hold what they have.

For each attack a service of its own, with default settings and 100 heroes, whose page has nearly
2 MB. Connections are opened, and send a part of a request, do not read what they asked for, or wait
for their turn.
Meanwhile an ordinary client asks for a hero again and again, each time by a new connection. Printed
are the memory before, at most and at the end, in MB, and what the ordinary client saw.
"""

import argparse
import re
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import NamedTuple

import httpx

from graph.http.server import allow_many_connections
from tests.support.prepared_database import set_up
from tests.support.raw_http import HEAD, post
from tests.support.service_process import Service, service

TEXT_BYTES = 19_500
HERO = post("{ hero(id: 1) { id name } }")
LARGE = post("{ heroes { id name secretName } }")
SLOW_QUERY = '{ heroesConnection(where: { name: { contains: "none" } }) { totalCount } }'
SLOW = post(SLOW_QUERY)
SERIAL = b"000000"
"""What each connection replaces by a number of its own of as many digits."""
NEW = post(
    f"query a{SERIAL.decode()} {{ {'heroes { id } ' * 190} ...f }} fragment f on Query "
    '{ heroesConnection(where: { name: { contains: "none" } }) { totalCount } }'
)
HOLDING = post("{ heroes { id name secretName } }", SLOW_QUERY)
BODY = HEAD + b"Content-Length: 99000\r\n\r\n"


class Attack(NamedTuple):
    """Connections that are opened one after another, and what each sends."""

    sent: bytes
    connections: int
    seconds: float = 0
    """For which all are kept open once the last one has sent."""


ATTACKS: Mapping[str, Attack] = {
    "nothing sent": Attack(b"", 9_000),
    "half a head": Attack(HEAD, 9_000, 1),
    "half a head of 60 kB": Attack(HEAD + b"X-Long: " + b"x" * 60_000, 2_000, 3),
    "half a body": Attack(BODY + b"{", 9_000, 1),
    "half a body of 90 kB": Attack(BODY + b" " * 90_000, 2_000, 3),
    "no next request": Attack(HERO, 9_000),
    "waiting for their turn": Attack(SLOW, 9_000),
    "waiting with a document of 950 tokens": Attack(NEW, 1_000, 5),
    "waiting with an answer of 2 MB": Attack(HOLDING, 1_000, 5),
    "answers of 2 MB not read": Attack(LARGE, 500, 5),
    "the same, two by two": Attack(LARGE * 2, 500, 5),
}


class Ordinary:
    """A client that asks for a hero again and again."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[str] = Counter()
        self.longest = 0.0
        self._url = url
        self._leaves = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        while not self._leaves.wait(0.05):
            start = perf_counter()
            try:
                answer = httpx.post(
                    f"{self._url}/graphql", json={"query": "{ hero(id: 1) { id } }"}, timeout=30
                )
                self.seen[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                self.seen[type(error).__name__] += 1
            self.longest = max(self.longest, perf_counter() - start)

    def leave(self) -> None:
        """Stop."""
        self._leaves.set()
        self._thread.join()


def megabytes(running: Service, name: str) -> int:
    """A size in the status of the service's process."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) // 1024


def opened(url: str, sent: bytes) -> socket.socket:
    """A connection that has sent this, and takes little of what is sent to it."""
    parts = httpx.URL(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((parts.host, parts.port))
    with suppress(ConnectionError):
        connection.sendall(sent)
    return connection


def answered(connections: list[socket.socket]) -> Counter[str]:
    """How many have been sent something (its status), or were closed."""
    seen: Counter[str] = Counter()
    for connection in connections:
        connection.settimeout(0)
        try:
            start = connection.recv(12)
            seen[start[9:12].decode() or "closed"] += 1
        except BlockingIOError:
            seen["nothing"] += 1
        except ConnectionError:
            seen["reset"] += 1
    return seen


def measure(name: str, attack: Attack, folder: Path) -> None:
    """Run an attack, and print what it did."""
    file = folder / "database.db"
    with service(f"sqlite:///{file}", log_level="error") as running:
        ordinary = Ordinary(running.url)
        sleep(2)
        before = megabytes(running, "VmRSS")
        start = perf_counter()
        connections = [
            opened(running.url, attack.sent.replace(SERIAL, b"%06d" % number))
            for number in range(attack.connections)
        ]
        sleep(attack.seconds)
        took = perf_counter() - start
        most, now = megabytes(running, "VmHWM"), megabytes(running, "VmRSS")
        seen = answered(connections)
        for connection in connections:
            connection.close()
        sleep(1)
        ordinary.leave()
        after = megabytes(running, "VmRSS")
    print(  # noqa: T201 (a command)
        f"{name}, {attack.connections} connections in {took:.1f} s: {before} MB before, {most} at "
        f"most, {now} at the end, {after} after; they saw {dict(seen)}; others saw "
        f"{dict(ordinary.seen)}, after {ordinary.longest:.2f} s at most",
        flush=True,
    )


def main() -> None:
    """Measure all attacks, or the given ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attacks", nargs="*", help="parts of their names")
    given = parser.parse_args()
    allow_many_connections()
    with TemporaryDirectory() as name:
        folder = Path(name)
        set_up(f"sqlite:///{folder / 'database.db'}", heroes=100)
        with sqlite3.connect(folder / "database.db") as connection:
            connection.execute("UPDATE hero SET secret_name = ?", ("x" * TEXT_BYTES,))
        connection.close()
        for title, attack in ATTACKS.items():
            if not given.attacks or any(part in title for part in given.attacks):
                measure(title, attack, folder)


if __name__ == "__main__":
    main()
