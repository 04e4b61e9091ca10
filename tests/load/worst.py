"""`python -m tests.load.worst --seconds 60`: searches for the document that holds the loop longest.

A random generator over the schema makes each document from a few numbers (its shape). The search is
a hill climb: it starts from shapes that each attack one limit, and varies the worst ones. It sends
each document, in process, to a service with default settings and 1,000 heroes, and measures the CPU
time of the longest turn of the event loop and the bytes of the answer. The time is the minimum of
a few tries, because other programs and garbage collections add to single tries; the longest
collection is printed separately.
"""

import argparse
import asyncio
import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic, thread_time
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message

from graph.app import create_app
from graph.database import open_database
from graph.hero.model import HERO
from graph.hero.seed import REALISTIC
from graph.settings import Settings
from graph.tables.samples import add_samples
from tests.load.documents import RANGES, SHAPES, Shape, body_of

LETTERS = (b"Q", b"R", b"S")


class Example(NamedTuple):
    """A request and its cost."""

    shape: Shape
    body: bytes
    status: int
    answer: bytes
    held: float
    """CPU seconds of the longest turn of the loop, in the best try."""


class Collections:
    """The garbage collections of this process."""

    def __init__(self) -> None:
        self.longest = 0.0
        """CPU seconds."""
        self._start = 0.0
        gc.callbacks.append(self._count)

    def _count(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._start = thread_time()
        else:
            self.longest = max(self.longest, thread_time() - self._start)


async def ask(app: ASGIApp, shape: Shape) -> Example:
    """Send a request to the app a few times, with new operation names, so that none is cached."""
    body = body_of(shape)
    tries = [await _ask(app, shape, re.sub(rb"Q(?=\d)", letter, body)) for letter in LETTERS]
    return min(tries, key=lambda example: example.held)


async def _ask(app: ASGIApp, shape: Shape, body: bytes) -> Example:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        messages.append(message)

    longest = 0.0
    answered = asyncio.ensure_future(app(scope, receive, send))
    while not answered.done():
        start = thread_time()
        await asyncio.sleep(0)
        longest = max(longest, thread_time() - start)
    await answered
    answer = b"".join([message.get("body", b"") for message in messages])
    return Example(shape, body, messages[0]["status"], answer, longest)


def changed(shape: Shape, random: Random) -> Shape:
    """A random variation of a shape."""
    name = random.choice([*RANGES])
    least, most = RANGES[name]
    value = getattr(shape, name) * random.choice([0.5, 0.8, 1.25, 2]) + random.choice([-1, 0, 1])
    changes: dict[str, Any] = {"seed": random.randrange(2**32)}
    changes[name] = random.random() if most == 1 else int(max(least, min(most, value)))
    return replace(shape, **changes)


@asynccontextmanager
async def service(folder: Path, **limits: Any) -> AsyncIterator[ASGIApp]:
    """A service with 1,000 heroes, and default settings but for these limits."""
    settings = Settings(database_url=f"sqlite:///{folder / 'database.db'}", **limits)
    app = create_app(settings)
    async with app.fastapi.router.lifespan_context(app.fastapi):
        database = open_database(settings)
        async for _ in add_samples(database, [HERO], 1000, REALISTIC):
            pass
        await database.dispose()
        yield app


async def search(app: ASGIApp, count: int, seconds: float, seed: int = 0) -> list[Example]:
    """Send this many documents, or for this many seconds; returns the worst first."""
    random = Random(seed)  # noqa: S311 (nothing secret)
    seen = [await ask(app, shape) for shape in SHAPES]
    end = monotonic() + seconds
    while len(seen) < count and monotonic() < end:
        seen.sort(key=lambda example: example.held, reverse=True)
        seen.append(await ask(app, changed(random.choice(seen[:8]).shape, random)))
    return sorted(seen, key=lambda example: example.held, reverse=True)


async def main() -> None:
    """Print the worst documents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    collections = Collections()
    with TemporaryDirectory() as folder:
        async with service(Path(folder)) as app:
            found = await search(app, 1_000_000, given.seconds, given.seed)
    print(f"{len(found)} documents")  # noqa: T201 (a command)
    for example in found[:5]:
        answer = example.answer
        print(  # noqa: T201
            f"{example.held * 1000:.1f} ms held, {len(answer)} bytes, {example.status}, "
            f"{example.shape}\n  {example.body[:300]!r}\n  {answer[:100]!r}"
        )
    print(f"largest answer: {max(len(example.answer) for example in found)} bytes")  # noqa: T201
    print(f"longest garbage collection: {collections.longest * 1000:.1f} ms")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
