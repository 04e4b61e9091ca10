"""HTTP/1.1 connections whose responses may be streams, or that become WebSocket connections.

Streams end only with their client or service. All other responses have a length.
"""

from collections.abc import Sequence
from random import uniform

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from graph.http.errors import SHUTTING_DOWN
from graph.http.http1 import Header, UnacceptableError, check, head, origin_form
from graph.http.uvicorn_protocol import Protocol
from graph.http.uvicorn_websocket import WebSocketProtocol

KEY_LENGTH = 24
"""Characters of a handshake's key: 16 bytes in Base64."""

MAX_END_SECONDS = 2.0
"""Seconds over which the streams end in a shutdown, so that their clients do not reconnect all at
once."""


def is_handshake(headers: Sequence[Header]) -> bool:
    """Whether a request with these headers asks for WebSocket (RFC 6455, section 4.2.1)."""
    values = dict(headers)
    return (
        values.get(b"upgrade", b"").lower() == b"websocket"
        and values.get(b"sec-websocket-version") == b"13"
        and len(values.get(b"sec-websocket-key", b"")) == KEY_LENGTH
        and not values.keys() & {b"content-length", b"transfer-encoding"}
    )


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

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Upgrade to WebSocket, unless the request has a body, or another one is in progress."""
        is_free = (self.cycle is None or self.cycle.response_complete) and not self._eof
        method = self.parser.get_method()
        if not is_free or method != b"GET" or not is_handshake(self.headers):
            super()._ignore_upgrade(rest)
            return
        version = self.parser.get_http_version()
        try:
            check(version, self.headers)
            url, host = origin_form(self.url)
        except UnacceptableError as error:
            self._reject(400, str(error))
            return
        headers = self.headers
        if host is not None:
            headers = [(b"host", host), *(each for each in headers if each[0] != b"host")]
        received = head(b"GET", url, version, headers) + rest + self._unparsed
        self._arrived()
        self._unset_keepalive_if_required()
        self.flow.detach()
        self.connections.discard(self)
        self._unparsed = self._last_response = b""  # nothing more is parsed here
        protocol = WebSocketProtocol(self.config, self.server_state, self.app_state)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        protocol.data_received(received)

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
        if not is_stream(cycle):
            self._end_stream_soon()
        elif not task.cancelling():  # a second time would interrupt the end
            task.cancel(SHUTTING_DOWN)
