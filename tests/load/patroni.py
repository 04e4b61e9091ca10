"""`python -m tests.load.patroni`: a PostgreSQL cluster that fails over under keyed creates.

Three nodes under Patroni with synchronous replication, etcd and HAProxy, and four processes of the
service: two by way of HAProxy, two by the hosts in their URL. It needs the extra `cluster` and the
programs `etcd`, `haproxy` and PostgreSQL's.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from graph.migrations import HERE as MIGRATIONS
from tests.support.cluster import find, unprivileged
from tests.support.service_process import Service, service

README = MIGRATIONS.parent / "cli" / "README.md"
"""Has the configuration that is run, but for its addresses and paths."""

NODES = ("one", "two", "three")

ETCD, SERVERS, RESTS, HAPROXY = 12_379, 15_432, 18_008, 16_432
"""The first port of each kind, below those that the system gives to connections."""

CREATE = """mutation Create($name: String!) {
  createHero(input: { name: $name, secretName: "One of many" }) { id }
}"""

SUPERUSER = "postgresql://postgres:secret"

FIND = "query Find($id: ID!) { hero(id: $id) { name } }"


def configuration(file: str) -> str:
    """The text of a file as the README shows it."""
    found = re.search(rf"```\w*\n(# {file}\n.*?)```", README.read_text(), re.DOTALL)
    assert found, f"the README shows no {file}"
    return found[1]


def replaced(text: str, changes: Mapping[str, object]) -> str:
    """The text with these changes, each of which must be of something in it."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, str(new))
    return text


class Node:
    """A server of PostgreSQL, with the Patroni that looks after it."""

    def __init__(self, name: str, place: Path) -> None:
        number = NODES.index(name)
        self.name = name
        self.port, self.rest = SERVERS + number, RESTS + number
        self._place = place / name
        self._place.mkdir()
        if os.geteuid() == 0:
            os.chown(self._place, unprivileged()["user"], unprivileged()["group"])
        changes = {
            "name: one": f"name: {name}",
            "0.0.0.0:8008": f"127.0.0.1:{self.rest}",
            "one:8008": f"127.0.0.1:{self.rest}",
            "0.0.0.0:5432": f"127.0.0.1:{self.port}",
            "one:5432": f"127.0.0.1:{self.port}",
            "etcd:2379": f"127.0.0.1:{ETCD}",
            "/var/lib/postgresql/heroes": self._place / "data",
            "/var/run/postgresql": self._place,
            "/usr/lib/postgresql/15/bin": Path(find("initdb") or "").resolve().parent,
        }
        text = replaced(configuration("patroni.yml"), changes)
        (self._place / "patroni.yml").write_text(text)
        self._patroni: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        with (self._place / "log").open("ab") as log:
            self._patroni = subprocess.Popen(
                [sys.executable, "-m", "patroni", str(self._place / "patroni.yml")],
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(self._place)},
                start_new_session=True,
                **unprivileged(),
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes, Patroni first."""
        assert self._patroni is not None
        pids = [self._patroni.pid]
        with suppress(FileNotFoundError):
            server = int((self._place / "data" / "postmaster.pid").read_text().splitlines()[0])
            pids += [server, *_children(server)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:
            self._patroni.wait()

    def stop(self) -> None:
        """End all of its processes."""
        if self._patroni is not None and self._patroni.poll() is None:
            self.signal(signal.SIGKILL)


def _children(pid: int) -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            status = (place / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == pid:
                yield int(place.name)


@dataclass
class Way:
    """How one service reaches the primary, and what its clients saw."""

    service: Service
    errors: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    """Names of heroes, which are the keys that they were created under."""
    missed: list[str] = field(default_factory=list)
    """Names that were acknowledged, and not found when they were read."""
    times: list[float] = field(default_factory=list)
    """When each was acknowledged."""


@dataclass
class Load:
    """Clients of both services, and somebody who looks which node is the primary."""

    ways: dict[str, Way]
    nodes: dict[str, Node]
    primaries: list[tuple[float, str]] = field(default_factory=list)
    """When a node was first seen as the primary, after another one or none."""
    primary: str | None = None

    @asynccontextmanager
    async def running(self, clients: int) -> AsyncIterator[None]:
        """Have so many clients of each service write and read."""
        tasks = [asyncio.create_task(self._watch())]
        for way in self.ways.values():
            tasks += [asyncio.create_task(self._write(way)) for _ in range(clients)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(result, asyncio.CancelledError):
                    print(f"a client ended: {result!r}")

    async def _watch(self) -> None:
        """Look which node can be written to."""
        connections: dict[str, Any] = {}
        while True:
            for node in self.nodes.values():
                found = None
                try:
                    if node.name not in connections:
                        url = f"{SUPERUSER}@127.0.0.1:{node.port}/postgres"
                        connections[node.name] = await asyncpg.connect(url, timeout=0.3)
                    asked = "SELECT NOT pg_is_in_recovery()"
                    found = await connections[node.name].fetchval(asked, timeout=0.3)
                except (
                    OSError,
                    asyncpg.PostgresError,
                    asyncpg.InterfaceError,
                    asyncpg.InternalClientError,
                ):
                    if (broken := connections.pop(node.name, None)) is not None:
                        broken.terminate()
                if found and self.primary != node.name:
                    self.primary = node.name
                    self.primaries.append((monotonic(), node.name))
                elif found is False and self.primary == node.name:
                    self.primary = None
            await asyncio.sleep(0.05)

    async def _write(self, way: Way) -> None:
        """Create heroes, each under a key until that is acknowledged, and read each."""
        async with httpx.AsyncClient(base_url=way.service.url, timeout=60) as http:
            while True:
                key = str(uuid4())
                data = await self._ask(way, http, key, CREATE, name=key)
                way.times.append(monotonic())
                hero = data["createHero"]["id"]
                way.acknowledged.add(key)
                if (await self._ask(way, http, None, FIND, id=hero))["hero"] != {"name": key}:
                    way.missed.append(key)

    async def _ask(
        self, way: Way, http: httpx.AsyncClient, key: str | None, query: str, **variables: str
    ) -> Any:
        headers = {"Idempotency-Key": f'"{key}"'} if key else {}
        while True:
            try:
                answer = await http.post(
                    "/graphql", json={"query": query, "variables": variables}, headers=headers
                )
                body = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                way.errors[type(error).__name__] += 1
                await asyncio.sleep(0.1)
                continue
            if "errors" not in body:
                return body["data"]
            [refusal] = body["errors"]
            unknown = " (unknown outcome)" if "not known" in refusal["message"] else ""
            way.errors[f"{refusal['extensions']['code']}{unknown}"] += 1
            await asyncio.sleep(0.1)

    async def until_written(self, since: float) -> None:
        """Wait until a node is the primary and every service has written to it.

        Args:
            since: from when on a new primary counts.
        """
        while True:
            at = next((at for at, _ in self.primaries if at > since), None)
            if at is not None and all(
                way.times and way.times[-1] > at for way in self.ways.values()
            ):
                return
            await asyncio.sleep(0.05)


async def healthy(nodes: dict[str, Node]) -> None:
    """Wait until the cluster has a primary, a synchronous standby and another one."""
    async with httpx.AsyncClient(timeout=2) as http:
        while True:
            for node in nodes.values():
                with suppress(httpx.HTTPError, ValueError, KeyError):
                    answer = await http.get(f"http://127.0.0.1:{node.rest}/cluster")
                    members = answer.json()["members"]
                    roles = Counter(member["role"] for member in members)
                    states = {member["state"] for member in members}
                    if (
                        len(members) == len(NODES)
                        and states <= {"running", "streaming"}
                        and roles["leader"] == 1
                        and roles["sync_standby"] == 1
                    ):
                        return
            await asyncio.sleep(0.5)


@contextmanager
def started(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, **unprivileged())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def switchover(load: Load, _: subprocess.Popen[bytes]) -> None:
    """Patroni hands the role over."""
    node = load.nodes[load.primary or ""]
    async with httpx.AsyncClient(timeout=60) as http:
        url = f"http://127.0.0.1:{node.rest}/switchover"
        answer = await http.post(url, json={"leader": node.name})
        answer.raise_for_status()


async def killed(load: Load, _: subprocess.Popen[bytes]) -> None:
    """kill -9 of the primary with its Patroni; they come back when there is another."""
    node = load.nodes[load.primary or ""]
    node.signal(signal.SIGKILL)
    await load.until_written(monotonic())
    node.start()


async def frozen(load: Load, _: subprocess.Popen[bytes]) -> None:
    """The primary and its Patroni are stopped for 30 s, and go on."""
    node = load.nodes[load.primary or ""]
    node.signal(signal.SIGSTOP)
    await asyncio.sleep(30)
    node.signal(signal.SIGCONT)


async def without_etcd(_: Load, etcd: subprocess.Popen[bytes]) -> None:
    """etcd is stopped for 40 s, and goes on."""
    etcd.send_signal(signal.SIGSTOP)
    await asyncio.sleep(40)
    etcd.send_signal(signal.SIGCONT)


Event = Callable[[Load, "subprocess.Popen[bytes]"], Awaitable[None]]

EVENTS: tuple[Event, ...] = (switchover, killed, frozen, without_etcd)


async def run(load: Load, etcd: subprocess.Popen[bytes], clients: int) -> None:
    """Let everything happen, and say what was seen."""
    before = {way: processes(load.ways[way].service) for way in load.ways}
    async with load.running(clients):
        for event in EVENTS:
            await asyncio.sleep(5)
            since = monotonic()
            seen = {name: Counter(way.errors) for name, way in load.ways.items()}
            await asyncio.gather(event(load, etcd), load.until_written(since))
            at, node = next((at, node) for at, node in load.primaries if at > since)
            print(f"{event.__name__}: {node} is the primary after {at - since:.2f} s")
            for name, way in load.ways.items():
                first = next(time for time in way.times if time > at) - at
                print(f"  {name}: first write {first:.2f} s later, {dict(way.errors - seen[name])}")
            sys.stdout.flush()
            await healthy(load.nodes)
    after = {way: processes(load.ways[way].service) for way in load.ways}
    print(f"processes restarted: {sum(len(before[way] - after[way]) for way in load.ways)}")


def processes(of: Service) -> set[int]:
    """The processes that a service has started."""
    return set(_children(of.process.pid))


async def check(load: Load) -> None:
    """Say what of that which was acknowledged is stored, and how often.

    Raises:
        SystemExit: something is lost, or there twice, or was answered otherwise than it may be.
    """
    acknowledged = set().union(*(way.acknowledged for way in load.ways.values()))
    node = load.nodes[load.primary or ""]
    connection = await asyncpg.connect(f"{SUPERUSER}@127.0.0.1:{node.port}/heroes")
    names = Counter(name for (name,) in await connection.fetch("SELECT name FROM hero"))
    await connection.close()
    print(
        f"{len(acknowledged)} acknowledged, lost {len(acknowledged - names.keys())}, "
        f"twice {sum(count > 1 for count in names.values())}, "
        f"not found when read {sum(len(way.missed) for way in load.ways.values())}"
    )
    for name, way in load.ways.items():
        print(f"{name}: {len(way.acknowledged)} acknowledged, errors {dict(way.errors)}")
    others = {code for way in load.ways.values() for code in way.errors if "UNAVAIL" not in code}
    missed = any(way.missed for way in load.ways.values())
    sys.exit(bool(acknowledged - names.keys() or max(names.values()) > 1 or others or missed))


def main() -> None:
    """Start everything, and run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8, help="clients of each service")
    given = parser.parse_args()
    assert which("etcd"), "etcd is not installed"
    assert which("haproxy"), "haproxy is not installed"
    with TemporaryDirectory(prefix="hero-graph-") as directory, ExitStack() as stack:
        place = Path(directory)
        if os.geteuid() == 0:
            os.chown(place, unprivileged()["user"], unprivileged()["group"])
        client, peer = (f"http://127.0.0.1:{port}" for port in (ETCD, ETCD + 1))
        command = ["etcd", "--data-dir", str(place / "etcd"), "--listen-client-urls", client]
        command += ["--advertise-client-urls", client, "--listen-peer-urls", peer]
        command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
        etcd = stack.enter_context(started(command, place / "etcd.log"))
        nodes = {name: Node(name, place) for name in NODES}
        for node in nodes.values():
            stack.callback(node.stop)
            node.start()
        changes = {
            f"{name}:5432 check port 8008": f"127.0.0.1:{node.port} check port {node.rest}"
            for name, node in nodes.items()
        }
        text = replaced(configuration("haproxy.cfg"), {":6432": f"127.0.0.1:{HAPROXY}", **changes})
        (place / "haproxy.cfg").write_text(text)
        command = ["haproxy", "-f", str(place / "haproxy.cfg")]
        stack.enter_context(started(command, place / "haproxy.log"))
        asyncio.run(asyncio.wait_for(healthy(nodes), 120))
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes.values())
        asyncio.run(create_database(f"{SUPERUSER}@{hosts}/postgres?target_session_attrs=primary"))
        [several, proxied] = re.findall(
            "GRAPH_DATABASE_URL='([^']*(?:one|haproxy)[^']*)'", README.read_text()
        )
        urls = {
            "by several hosts": replaced(several, {"one,two,three": hosts}),
            "behind HAProxy": replaced(proxied, {"haproxy:6432": f"127.0.0.1:{HAPROXY}"}),
        }
        ways = {
            name: Way(stack.enter_context(service(url, "--workers", "2")))
            for name, url in urls.items()
        }
        load = Load(ways, nodes)
        asyncio.run(run(load, etcd, given.clients))
        asyncio.run(check(load))


async def create_database(url: str) -> None:
    """Create the database of the service."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE ROLE hero LOGIN PASSWORD 'secret'")
    await connection.execute("CREATE DATABASE heroes OWNER hero")
    await connection.close()


if __name__ == "__main__":
    main()
