"""HTTP/1.1 connections whose responses may be streams, which end only with their client or service.

All responses but streams have a length.
"""

from random import uniform

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from graph.http.errors import SHUTTING_DOWN
from graph.http.uvicorn_protocol import Protocol

MAX_END_SECONDS = 2.0
"""Seconds over which the streams end in a shutdown, so that their clients do not reconnect all at
once."""


def is_stream(cycle: RequestResponseCycle) -> bool:
    """Whether a response is a stream that has begun, and not ended."""
    return bool(cycle.chunked_encoding) and not cycle.response_complete


class StreamingProtocol(Protocol):
    """A connection; a stream on it ends when its client goes or does not read, or in a shutdown."""

    def _probe_client(self) -> None:
        """Take the client of a stream for gone: nothing may be sent to it for long."""
        if self._running is not None and is_stream(self._running[0]):
            self.flow.give_up()
        else:
            super()._probe_client()

    async def _run(
        self, cycle: RequestResponseCycle, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await super()._run(cycle, app, scope, receive, send)
        if is_stream(cycle) and not cycle.disconnected:  # its client does not read
            cycle.disconnected = True
            self.flow.give_up()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_stream_soon()

    def _end_stream_soon(self) -> None:
        delay = uniform(0, MAX_END_SECONDS)  # noqa: S311 (it need not be secret)
        self.loop.call_later(delay, self._end_stream)

    def _end_stream(self) -> None:
        """End the stream; a request in progress may still become one."""
        if self._running is None or self._running[0].disconnected:
            return
        cycle, task = self._running
        if is_stream(cycle):
            task.cancel(SHUTTING_DOWN)
        else:
            self._end_stream_soon()
