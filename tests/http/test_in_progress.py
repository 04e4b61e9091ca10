"""Requests in progress have a bounded memory, and one caller leaves some of it to others."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import strawberry

from graph.hero.queries import Query
from graph.http import in_progress
from graph.http.in_progress import REQUEST_BYTES, TOKEN_BYTES
from tests.support.client import Client
from tests.support.databases import on_sqlite

pytestmark = on_sqlite

SMALL = 1_000
"""Bytes that a small request takes besides `REQUEST_BYTES`, at most."""

arrived = threading.Semaphore(0)
go = threading.Event()
WAITING = "{ waiting }"


@strawberry.type
class WaitingQuery(Query):
    @strawberry.field
    async def waiting(self) -> bool:
        arrived.release()
        while not go.is_set():  # noqa: ASYNC110 (the event is another thread's)
            await asyncio.sleep(0.001)
        return True

    @strawberry.field
    async def text(self, size: int) -> str:
        return "x" * size


class Clients:
    """A service, and clients whose requests wait."""

    def __init__(self, api: Client, threads: ThreadPoolExecutor) -> None:
        self.url = api.url
        self._threads = threads
        self.post("ann", {"query": "{ __typename }"})  # its document is no longer new
        go.set()
        self.post("ann", {"query": WAITING})
        arrived.acquire()
        go.clear()

    def post(self, name: str, body: Any) -> httpx.Response:
        """The answer to a client of this name."""
        with Client(self.url) as client:
            return client.post(body, headers={"authorization": f"Bearer {name}-token"})

    def wait(self, name: str, count: int, body: Any = None) -> list[Future[httpx.Response]]:
        """The answers to come of requests that are in progress."""
        sent = body or {"query": WAITING}
        answers = [self._threads.submit(self.post, name, sent) for _ in range(count)]
        for _ in range(count):
            assert arrived.acquire(timeout=30)
        return answers


@pytest.fixture
def clients(
    serve_schema: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clients]:
    monkeypatch.setattr(in_progress, "MAX_BYTES", 10 * (REQUEST_BYTES + SMALL))
    with ThreadPoolExecutor(20) as threads:
        tokens = "ann=ann-token,bob=bob-token"
        yield Clients(serve_schema(WaitingQuery, tokens=tokens), threads)
        go.set()


def commented(size: int) -> str:
    """A document that takes so many bytes: each comment is a token."""
    return "#\n" * (size // TOKEN_BYTES) + WAITING


def assert_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "Too many requests are in progress" in error["message"]


def test_a_caller_has_half_of_the_requests_in_progress(clients: Clients) -> None:
    of_ann = clients.wait("ann", 5)
    assert_refused(clients.post("ann", {"query": "{ __typename }"}))
    for path in ("/health", "/ready"):
        assert httpx.get(clients.url + path).status_code == 200
    of_bob = clients.wait("bob", 2)
    assert_refused(clients.post("bob", {"query": WAITING}))
    go.set()
    assert [each.result().status_code for each in of_ann + of_bob] == [200] * 7
    go.clear()
    assert len(clients.wait("ann", 5)) == 5


def test_variables_count(clients: Clients) -> None:
    large = {"query": "{ __typename }", "variables": {"unused": [{}] * 1_000}}
    assert_refused(clients.post("ann", large))
    assert clients.post("ann", {"query": "{ __typename }"}).status_code == 200


def test_a_new_document_counts(clients: Clients) -> None:
    assert_refused(clients.post("ann", {"query": commented(5 * REQUEST_BYTES)}))


def test_a_document_in_use_counts_once(clients: Clients) -> None:
    body = {"query": commented(2 * REQUEST_BYTES)}
    assert len(clients.wait("ann", 3, body)) == 3


def test_a_batch_holds_the_answers_of_its_first_operations(clients: Clients) -> None:
    batch = [{"query": "{ text(size: 1) }"}, {"query": f"{{ text(size: {5 * REQUEST_BYTES}) }}"}]
    first, second, third = clients.post("ann", [*batch, {"query": "{ __typename }"}]).json()
    assert first["data"] == {"text": "x"}
    assert len(second["data"]["text"]) == 5 * REQUEST_BYTES
    assert third["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "data" not in third
