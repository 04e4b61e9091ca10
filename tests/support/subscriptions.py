"""A schema with subscriptions, as Strawberry documents them, and events from tests to them."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from queue import SimpleQueue
from typing import Any

import strawberry

from graph.engine.context import Info
from graph.engine.subscriptions import Resumable


class Feed:
    """Sends events of a test to the running subscriptions of `fed` and similar fields.

    `happened` has `begun`, and at the end `closed`, of each subscription, in order.
    """

    def __init__(self) -> None:
        self.happened = SimpleQueue[str]()
        self._queues: list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Any]]] = []

    def forget(self) -> None:
        """Forget what happened in other tests."""
        self.happened = SimpleQueue[str]()

    def push(self, event: Any) -> None:
        """Send an event; an exception is raised by the resolvers, and None ends them."""
        for loop, queue in self._queues:
            loop.call_soon_threadsafe(queue.put_nowait, event)

    def wait(self, expected: str) -> None:
        """Wait until this happened."""
        assert self.happened.get(timeout=30) == expected

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record when a subscription begins, and when it is closed."""
        self.happened.put("begun")
        try:
            yield
        finally:
            self.happened.put("closed")

    async def events(self) -> AsyncGenerator[Any, None]:
        """Yield the events for one subscription."""
        queue = asyncio.Queue[Any]()
        place = asyncio.get_running_loop(), queue
        self._queues.append(place)
        try:
            with self.recorded():
                while (event := await queue.get()) is not None:
                    if isinstance(event, Exception):
                        raise event
                    yield event
        finally:
            self._queues.remove(place)


feed = Feed()


@strawberry.type
class Letter(Resumable):
    """An event with an id."""

    text: str

    @property
    def event_id(self) -> str | None:
        """The text without spaces; None if it is empty."""
        return self.text.replace(" ", "") or None


@strawberry.type
class Subscription:
    """The subscriptions."""

    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncGenerator[int, None]:
        """Yield the numbers below this one."""
        for number in range(to):
            yield number

    @strawberry.subscription
    async def fed(self) -> AsyncGenerator[str, None]:
        """Yield what the test sends."""
        async with aclosing(feed.events()) as events:
            async for event in events:
                yield event

    @strawberry.subscription
    async def letters(self, info: Info) -> AsyncGenerator[Letter, None]:
        """Yield the id of the last event before it reconnected, and three more events."""
        for text in (f"after {info.context.last_event_id}", "", "b c"):
            yield Letter(text=text)

    @strawberry.subscription
    async def post(self, info: Info) -> AsyncGenerator[Letter, None]:
        """Yield the id of the last event before it reconnected, and what the test sends."""
        yield Letter(text=f"after {info.context.last_event_id}")
        async with aclosing(feed.events()) as events:
            async for event in events:
                yield Letter(text=event)

    @strawberry.subscription
    async def flood(self, size: int) -> AsyncGenerator[str, None]:
        """Yield texts of this size as fast as they are read."""
        with feed.recorded():
            while True:
                feed.happened.put("asked")
                yield "x" * size
