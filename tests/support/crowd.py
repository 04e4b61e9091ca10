"""Many connections at once, whose answers are all checked."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT = 10.0
"""Seconds within which every answer must arrive."""

PAGE = "query Page($offset: Int!) { heroes(offset: $offset, limit: 10) { id name age secretName } }"
HERO = "query Hero($id: ID!) { hero(id: $id) { id name age secretName } }"
CREATE = "mutation Create($input: CreateHeroInput!) { createHero(input: $input) { id name } }"
DELETE = "mutation Delete($id: ID!) { deleteHero(id: $id) { id } }"


class Mix(StrEnum):
    """The mix of requests."""

    READS = "reads"
    ALL = "mix"


@dataclass
class Report:
    """Latencies and failures of all connections.

    `kept` and `deleted` are ids whose creation, or deletion, was acknowledged.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    kept: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        ordered = sorted(self.latencies)
        p50, p99 = (ordered[int(len(ordered) * part)] for part in (0.5, 0.99))
        return (
            f"{len(ordered)} answers, {len(ordered) / self.seconds:.0f} a second, "
            f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {ordered[-1]:.2f} s, "
            f"{len(self.kept)} kept, {len(self.deleted)} deleted, failures: {dict(self.failures)}"
        )


class Connection:
    """A connection with one request after another."""

    def __init__(
        self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """A connection to the service at a base URL."""
        parts = urlsplit(url)
        host = str(parts.hostname)
        return cls(host, *await asyncio.open_connection(host, int(parts.port or 80)))

    async def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer to an operation, whose status must be 200."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = f"POST /graphql HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
        content: dict[str, Any] = json.loads(await self._reader.readexactly(int(length)))
        assert answer.startswith(b"HTTP/1.1 200"), content
        return content

    def close(self) -> None:
        """Close it."""
        self._writer.close()


class Member:
    """One connection, which sends a request as soon as the last is answered."""

    def __init__(self, url: str, report: Report, mix: Mix, rows: int) -> None:
        self._url = url
        self._report = report
        self._mix = mix
        self._rows = rows
        self._own: list[str] = []
        self._random = random.Random()  # noqa: S311 (nothing secret)

    async def run(self, until: float) -> None:
        """Send requests until this time of `perf_counter`."""
        connection = None
        try:
            async with asyncio.timeout(TIMEOUT):
                connection = await Connection.open(self._url)
            self._connection = connection
            while perf_counter() < until:
                await self._turn()
        except (OSError, EOFError, TimeoutError, AssertionError) as error:
            self._report.failures[f"{type(error).__name__}: {error}"[:200]] += 1
        finally:
            if connection is not None:
                connection.close()

    async def _turn(self) -> None:
        choice = self._random.random()
        if self._mix is Mix.READS or choice < 0.6:
            if choice < 0.3:
                page = await self._ask(PAGE, offset=self._random.randrange(self._rows - 10))
                assert len(page["heroes"]) == 10, page
            else:
                wanted = str(self._random.randint(1, self._rows))
                found = await self._ask(HERO, id=wanted)
                assert found["hero"]["id"] == wanted, found
        elif choice < 0.8 or not self._own:
            hero = {"name": f"Crowd {self._random.random()}", "secretName": "One of many"}
            created = (await self._ask(CREATE, input=hero))["createHero"]
            assert created["name"] == hero["name"], created
            self._own.append(created["id"])
            self._report.kept.add(created["id"])
        else:
            own = self._own.pop()
            self._report.kept.discard(own)  # unknown until the deletion is answered
            deleted = await self._ask(DELETE, id=own)
            assert deleted["deleteHero"]["id"] == own, deleted
            self._report.deleted.add(own)

    async def _ask(self, query: str, **variables: Any) -> Any:
        start = perf_counter()
        async with asyncio.timeout(TIMEOUT):
            content = await self._connection.ask(query, variables)
        self._report.latencies.append(perf_counter() - start)
        assert "errors" not in content, content
        return content["data"]


async def crowd(url: str, connections: int, seconds: float, mix: Mix, rows: int) -> Report:
    """Load a service from all connections at once.

    Args:
        url: its base URL.
        connections: how many there are, all open before the first one asks again.
        seconds: duration.
        mix: the mix of requests.
        rows: how many heroes there are, with the ids from 1 on, which nobody else deletes.
    """
    report = Report()
    start = perf_counter()
    members = (Member(url, report, mix, rows) for _ in range(connections))
    await asyncio.gather(*(member.run(start + seconds) for member in members))
    report.seconds = perf_counter() - start
    return report
