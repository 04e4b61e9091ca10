"""WebSocket connections with the limits on time, memory and size that uvicorn lacks."""

from random import uniform

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from graph.http.flow import reset_on_close
from graph.http.http1 import error_response

PING_SECONDS = 12.0
"""Seconds between two pings; proxies close a silent connection, often after 60."""

PONG_SECONDS = 20.0
"""Seconds in which a client must answer a ping."""

CLOSE_SECONDS = 5.0
"""Seconds in which a closed connection may send what is left."""

MAX_FRAMES = 1_000
"""Maximum frames of a message."""

MAX_END_SECONDS = 2.0
"""Seconds over which connections end in a shutdown, so that not all clients reconnect at once."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A connection; it is dropped if its client does not keep up."""

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAMES:
            self.conn.fail(1009, "the message has too many frames")
            self.handle_parser_exception()
        else:
            super().handle_cont(event)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            message = "The request of a WebSocket handshake is too long."
            self.transport.write(error_response(431, message, self.default_headers))
            self.transport.close()
            self._drop_soon()

    def handle_parser_exception(self) -> None:
        """Close the connection, but read on until the client closes it, too.

        Closing with unread bytes would reset it; the client might lose the reason.
        """
        closing = self.conn.close_sent
        assert closing is not None  # noqa: S101 (the handshake is complete)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": closing.code})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self._drop)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._drop_soon()

    def shutdown(self) -> None:
        delay = uniform(0, MAX_END_SECONDS)  # noqa: S311 (it need not be secret)
        self.loop.call_later(delay, self._end)

    def _end(self) -> None:
        if not self.disconnected:
            super().shutdown()
            self._drop_soon()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._drop_soon()

    def _drop_soon(self) -> None:
        """Drop the connection if its client does not read the rest."""
        self.loop.call_later(CLOSE_SECONDS, self._drop)

    def _drop(self) -> None:
        if not self.disconnected:
            reset_on_close(self.transport.get_extra_info("socket"))
            self.transport.abort()
