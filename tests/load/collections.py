"""`python -m tests.load.collections`: the longest garbage collections, in CPU time of the loop.

A service with default settings and 1,000 heroes runs in this process; its clients run in others.
They fill the caches of statements and documents, open connections that send half a request, and
send new documents. For each part, it prints the collections of each generation, the longest of
them, and the memory of the process.
"""

import argparse
import asyncio
import gc
import http.client
import itertools
import json
import multiprocessing
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any

import uvicorn
import uvloop

from graph.app import create_app
from graph.database import open_database
from graph.hero.model import HERO
from graph.hero.seed import REALISTIC
from graph.http.server import ServerConfig, allow_many_connections
from graph.settings import Settings, Synchronous
from graph.tables.samples import add_samples

COLUMNS = ("id", "name", "age", "secretName")
SPAWN = multiprocessing.get_context("spawn")


class Collections:
    """The garbage collections of this process, in seconds of CPU time, by generation."""

    def __init__(self) -> None:
        self.times: dict[int, list[float]] = {0: [], 1: [], 2: []}
        self.visited = 0
        """The most objects that one of them visited."""
        self._start = 0.0
        gc.callbacks.append(self._count)

    def _count(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            generations = range(info["generation"] + 1)
            young = sum(len(gc.get_objects(generation)) for generation in generations)
            self.visited = max(self.visited, young)
            self._start = thread_time()
        else:
            self.times[info["generation"]].append(thread_time() - self._start)

    def report(self, part: str) -> None:
        """Print the collections since the last report."""
        lists = self.times.values()
        told = ", ".join(
            f"{len(times)} up to {max(times, default=0) * 1000:.1f}" for times in lists
        )
        memory = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
        frozen, tracked = gc.get_freeze_count(), len(gc.get_objects())
        print(  # noqa: T201 (a command)
            f"{part}: {told} ms, {self.visited} objects; {int(memory) // 1024} MB; "
            f"{frozen} frozen, {tracked} others",
            flush=True,
        )
        self.visited = 0
        for times in lists:
            times.clear()


class Client:
    """A client with one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, query: str, **variables: Any) -> None:
        """Send an operation."""
        body = json.dumps(
            {"query": query, "variables": variables}
        ).encode()  # sent at once with the head
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/graphql", body, headers)
        self._connection.getresponse().read()


def choices() -> list[str]:
    """The selections of a hero's fields."""
    several = range(1, len(COLUMNS) + 1)
    return [" ".join(each) for n in several for each in itertools.combinations(COLUMNS, n)]


def fill(port: int) -> None:
    """Fill all caches of statements, and the one of documents."""
    chance = random.Random(0)  # noqa: S311 (nothing secret)
    client = Client(port)
    names = [("name", "contains", '"a"'), ("name", "startsWith", '"a"'), ("name", "ne", '"b"')]
    tests = [*names, ("age", "gt", "1"), ("age", "lte", "90"), ("id", "eq", '"0"')]
    orders = ["NAME", "AGE", "ID"]
    for n in range(300):
        fields = chance.choice(choices())
        parts = chance.choices(tests, k=chance.randint(1, 6))
        where = ", ".join(f"{{{name}: {{{test}: {value}}}}}" for name, test, value in parts)
        where = f"where: {{and: [{where}]}}"
        first, second = chance.sample(orders, 2)
        direction = chance.choice(["ASC", "DESC"])
        order = f"orderBy: [{{field: {first}, direction: {direction}}}, {{field: {second}}}]"
        edges = f"totalCount edges {{ cursor node {{ {fields} }} }}"
        given = ", ".join(f'{{name: "n{m}", secretName: "s"}}' for m in range(1 + n % 100))
        client.ask(f"{{ heroes({where}, {order}) {{ {fields} }} }}")
        client.ask(f"{{ heroesConnection(first: 5, {where}, {order}) {{ {edges} }} }}")
        client.ask(f"{{ heroStats({where}) {{ count }} }}")
        client.ask(f"{{ hero(id: {n}) {{ {fields} }} }}")
        client.ask(f"mutation {{ createHeroes(inputs: [{given}]) {{ {fields} }} }}")
        client.ask(f"mutation {{ updateHeroes({where}, input: {{age: 7}}) {{ {fields} }} }}")
        client.ask(f"mutation {{ updateHero(id: 7, input: {{age: 8}}) {{ {fields} }} }}")
        client.ask(f"mutation {{ deleteHeroes({where}) {{ {fields} }} }}")
    for n in range(200):
        client.ask(document(n))


def document(number: int) -> str:
    """A document unlike all others."""
    fields = " ".join(f"a{n}: hero(id: {number}) {{ id name age }}" for n in range(15))
    return f"query New{number} {{ {fields} }}"


def ordinary(port: int) -> None:
    """Send ordinary requests."""
    client = Client(port)
    for n in range(4_000):
        client.ask("query Hero($id: ID!) { hero(id: $id) { id name age secretName } }", id=n)
        if n % 4 == 0:
            client.ask("query Page { heroes(limit: 100) { id name age secretName } }")


def new_documents(port: int) -> None:
    """Send new documents only."""
    client = Client(port)
    for n in range(2_000):
        client.ask(document(1_000_000 + n))


def half_sent(port: int, sent: bytes, count: int, there: Event, leave: Event) -> None:
    """Open connections that send part of a request; close them on the event."""
    allow_many_connections()
    opened = []
    for _ in range(count):
        opened.append(socket.create_connection(("127.0.0.1", port)))
        opened[-1].sendall(sent)
    there.set()
    leave.wait(60)
    for connection in opened:
        connection.close()


HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Accept: application/json\r\nUser-Agent: somebody/1.0\r\nContent-Length: 5000\r\n"
)


async def in_process(target: Callable[..., None], *arguments: Any) -> None:
    """Run a client in another process."""
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == 0


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[int]:
    """A service on a port of this machine."""
    allow_many_connections()
    settings = Settings(
        database_url=f"sqlite:///{folder / 'database.db'}",
        request_timeout=30,
        sqlite_synchronous=Synchronous.NORMAL,
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(ServerConfig(create_app(settings), settings))
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    database = open_database(settings)
    async for _ in add_samples(database, [HERO], 1_000, REALISTIC):
        pass
    await database.dispose()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=9_000)
    given = parser.parse_args()
    collections = Collections()
    with TemporaryDirectory() as folder:
        async with served(Path(folder)) as port:
            collections.report("start")
            await in_process(fill, port)
            collections.report("filling the caches")
            await in_process(ordinary, port)
            collections.report("ordinary requests")
            for name, sent in (("half heads", HEAD), ("half bodies", HEAD + b"\r\n{")):
                there, leave = SPAWN.Event(), SPAWN.Event()
                arguments = (port, sent, given.connections, there, leave)
                clients = asyncio.create_task(in_process(half_sent, *arguments))
                while not there.is_set():  # noqa: ASYNC110 (another process sets it)
                    await asyncio.sleep(0.05)
                collections.report(f"{given.connections} {name} arriving")
                await in_process(ordinary, port)
                collections.report("ordinary requests meanwhile")
                leave.set()
                await clients
                await asyncio.sleep(1)
                collections.report("leaving")
            await in_process(new_documents, port)
            collections.report("2,000 new documents")
            await in_process(ordinary, port)
            collections.report("ordinary requests")
            gc.unfreeze()
            gc.collect()
            collections.report("a collection of all that was frozen, too")


if __name__ == "__main__":
    uvloop.run(main())
