"""Streams of results, sent as they come, to clients that wait for them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from starlette.types import Receive, Send

from graph.engine.calls import Result
from graph.http.errors import CLIENT_GONE
from graph.http.response import Headers, result_body
from graph.http.stream_formats import Format

HEARTBEAT_SECONDS = 12
"""Seconds between two heartbeats; proxies close a silent connection, often after 60."""

HEADERS: Headers = (
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx passes on each event at once
)


class Stream:
    """A response that sends each result as an event.

    Args:
        format_: how results are written.
        results: the results.
        patience: seconds in which the client must read what was sent.
        ended: called at the end.
    """

    def __init__(
        self,
        format_: Format,
        results: AsyncGenerator[Result, None],
        patience: float,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._format = format_
        self._results = results
        self._patience = patience
        self._ended = ended

    async def send(self, headers: Headers, receive: Receive, send: Send) -> None:
        """Send all results.

        If the task is cancelled, the client has gone or the service ends: the results are closed.
        The response is not completed if the client has gone, or reads nothing.

        Args:
            headers: further headers.
            receive: receives the end of the connection.
            send: sends the response.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker)
        attending = asyncio.create_task(self._attend(task, receive, send))
        ending: bytes | None = None
        try:
            async with aclosing(self._results) as results:
                content_type = (b"content-type", self._format.content_type)
                headers = (content_type, *HEADERS, *headers)
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await self._write(send, self._format.opening)
                async for result in results:
                    body = result_body(result)
                    await self._write(send, self._format.event(body, result.event_id))
            ending = self._format.completion
        except OSError:
            pass  # the client reads nothing, or has gone
        except asyncio.CancelledError as cancelled:
            if CLIENT_GONE not in cancelled.args:
                ending = self._format.interruption()
        finally:
            self._ended()
            attending.cancel()
            await asyncio.wait([attending])
        if ending is not None:
            with suppress(OSError, asyncio.CancelledError):
                await self._write(send, ending, more_body=False)

    async def _attend(self, task: asyncio.Task[None], receive: Receive, send: Send) -> None:
        """Send heartbeats, and cancel the task when its client has gone, or does not read."""
        with suppress(OSError, RuntimeError):  # uvloop raises the latter if the client has gone
            while not await self._has_gone(receive):
                await self._write(send, self._format.heartbeat)
        if not task.cancelling():  # otherwise it is ending, and must not be interrupted
            task.cancel(CLIENT_GONE)

    async def _has_gone(self, receive: Receive) -> bool:
        """Wait until the client has gone, or the next heartbeat is due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                while (await receive())["type"] != "http.disconnect":
                    pass  # the rest of the request
                return True
        return False

    async def _write(self, send: Send, body: bytes, *, more_body: bool = True) -> None:
        """Send a part of the body.

        Raises:
            TimeoutError: the client did not read enough of the last one.
        """
        async with asyncio.timeout(self._patience):
            await send({"type": "http.response.body", "body": body, "more_body": more_body})


async def only(result: Result) -> AsyncGenerator[Result, None]:
    """Yield the result of a query or mutation, for a client that accepts streams only."""
    yield result
