"""`python -m tests.load.refusals`: time of refused requests, next to a served one.

Each document is new, because the service caches documents.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from starlette.types import Message

from graph.app import create_app
from graph.database import open_database
from graph.hero.model import HERO
from graph.hero.seed import REALISTIC
from graph.settings import Settings
from graph.tables.samples import add_samples

TIMES = 300
TOKEN = "secret"  # noqa: S105 (of a service that nobody else reaches)


def requests() -> Iterator[tuple[str, Callable[[int], bytes], dict[str, str]]]:
    """The requests: name, body (made new by a number) and headers."""

    def query(text: str) -> Callable[[int], bytes]:
        return lambda number: json.dumps({"query": text.replace("N", str(number))}).encode()

    fields = "id name age secretName"
    yield "served: a hero", query(f"query QN {{ hero(id: 7) {{ {fields} }} }}"), {}
    yield "served: 100 heroes", query(f"query QN {{ heroes {{ {fields} }} }}"), {}
    pages = "".join(f" a{n}: heroes {{ id }}" for n in range(10))
    yield "served: 1,000 heroes", query(f"query QN {{ {pages} }}"), {}
    yield "body too large", lambda _: b" " * 100_001, {}
    yield "content type", query("{ a }"), {"content-type": "text/plain"}
    yield "no token", query("{ a }"), {"authorization": ""}
    yield "not JSON", lambda number: b'{"query": "%d' % number, {}
    yield "not JSON, 100 kB deep", lambda _: b"[" * 100_000, {}
    yield "does not parse", query("query QN {"), {}
    yield "does not validate", query("query QN { heros { id } }"), {}
    yield "1,001 tokens", query("query QN {" + " a" * 1_000), {}
    yield "50,000 tokens", query("query QN {" + " a" * 48_000), {}
    yield "16 aliases", query("query QN {" + "".join(f" a{n}: b" for n in range(16)) + "}"), {}
    yield "21 levels", query("query QN " + "{ a" * 21 + "}" * 21), {}
    yield "1,100 rows", query(f"query QN {{ {pages} a: heroes {{ id }} }}"), {}
    yield "page out of bounds", query("query QN { heroes(limit: 101) { id } }"), {}


async def measure(settings: Settings) -> None:
    """Print the median time of each, in process, without uvicorn."""
    database = open_database(settings)
    app = create_app(settings)
    async with app.fastapi.router.lifespan_context(app.fastapi):
        async for _ in add_samples(database, [HERO], 1000, REALISTIC):
            pass
        numbers = count()
        for name, body_of, headers in requests():
            times, status = [], 0
            for _ in range(TIMES):
                body = body_of(next(numbers))
                given = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
                given |= {"content-length": str(len(body)), **headers}
                scope: dict[str, Any] = {
                    "type": "http",
                    "method": "POST",
                    "path": "/graphql",
                    "query_string": b"",
                    "headers": [(key.encode(), value.encode()) for key, value in given.items()],
                }
                messages: list[Message] = []

                async def receive(body: bytes = body) -> Message:
                    return {"type": "http.request", "body": body}

                async def send(message: Message, messages: list[Message] = messages) -> None:
                    messages.append(message)

                start = perf_counter()
                await app(scope, receive, send)
                times.append(perf_counter() - start)
                status = messages[0]["status"]
            print(f"{name:24} {status} {median(times) * 1e6:8.0f} µs")  # noqa: T201 (a command)
    await database.dispose()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'database.db'}"
        asyncio.run(measure(Settings.model_validate({"database_url": url, "token": TOKEN})))
