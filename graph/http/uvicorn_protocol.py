"""HTTP/1.1 connections with the limits on time, memory and size that uvicorn lacks.

uvicorn has a timeout for idle connections only: it would keep one with half a request forever.
"""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any

import uvicorn
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from graph import garbage
from graph.http.errors import CLIENT_GONE
from graph.http.flow import CONNECTION_BYTES, Flow, Waiting
from graph.http.http1 import UnacceptableError, check, error_response, head, origin_form

MAX_HEAD_BYTES = 65_536
"""Maximum bytes of a request besides its body: request line, headers, trailers, chunk framing.

uvicorn has no maximum.
"""

CHUNK_BYTES = 16
"""Bytes of each chunk's framing (its size line and two line ends) that do not count."""

MAX_DISCARDED_BYTES = 4_000_000
"""Bytes read after a rejected request before the connection is reset."""

CHUNKS_AT_ONCE = 4_000
"""Chunks to parse before other connections have their turn, which takes 6 ms. One read may contain
ten times as many chunks of one byte each."""

PIECE_BYTES = 4096
"""Bytes parsed at once; fewer bytes mean fewer waiting requests from one packet."""

MAX_IDLE = 2_000
"""Maximum idle connections of a process, 8 kB each; the longest idle one is closed."""

MAX_ARRIVING_BYTES = 20_000_000
"""Maximum memory of all requests of which only a part has arrived; the oldest is rejected."""

MAX_UNREAD_BYTES = 20_000_000
"""Maximum memory of all unread responses. Above it, the service disconnects the client that has
read nothing for longest."""

COLLECTED_AFTER = 250
"""Garbage is collected each time this many connections were opened; each has 50 to 90 objects."""

MAX_CLOSED = 1_000
"""Maximum closed connections whose clients still read; above it, the oldest is reset."""

PROBE_INTERVAL = 0.1
"""Seconds between two interim responses to a client that has closed its sending side."""

INTERIM_RESPONSE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ProtocolConfig(uvicorn.Config):
    """uvicorn's configuration, with timeouts, and the connections that wait for their clients."""

    request_timeout: float
    shutdown_timeout: float

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.idle = Waiting[Protocol](MAX_IDLE)
        self.arriving = Waiting[Protocol](MAX_ARRIVING_BYTES)
        self.unread = Waiting[Flow](MAX_UNREAD_BYTES)
        self.closed = Waiting[asyncio.Task[None]](MAX_CLOSED)
        self.opened = 0  # connections


class Protocol(HttpToolsProtocol):
    """A connection; it is closed if its client does not keep up."""

    flow: Flow

    def __init__(self, config: ProtocolConfig, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._timeout = config.request_timeout
        self._shutdown_timeout = config.shutdown_timeout
        self._all_idle = config.idle
        self._all_arriving = config.arriving
        self._unread = config.unread
        self._closed = config.closed
        self._config = config
        self._arrival: asyncio.TimerHandle | None = None
        self._unparsed = b""
        self._chunks = 0  # parsed in this turn
        self._next_turn: asyncio.Handle | None = None
        self._running: tuple[RequestResponseCycle, asyncio.Task[None]] | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._arriving = False  # a request has begun, and is not complete
        self._head_bytes = 0
        self._arrived_bytes = 0
        self._last_response: bytes | None = None  # the last answer; what follows is discarded
        self._discarded = 0
        self._ended = False  # nothing more is sent
        self._eof = False  # nothing more arrives

    def connection_made(  # type: ignore[override] # (uvicorn narrows the argument, too)
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline, self._timeout, self._unread, self._closed)
        self._arrival = self.loop.call_later(self._timeout, self._too_slow)
        self._become_idle()
        self._config.opened += 1
        if self._config.opened % COLLECTED_AFTER == 0:
            garbage.collect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._unset_keepalive_if_required()
        if self._next_turn is not None:
            self._next_turn.cancel()
        if self._probe is not None:
            self._probe.cancel()
        self.flow.stop()
        super().connection_lost(exc)
        if self._running is not None:
            cycle, task = self._running
            if not cycle.response_complete:
                cycle.disconnected = True
                task.cancel(CLIENT_GONE)

    def data_received(self, data: bytes) -> None:
        if self._last_response is None:
            self._unparsed += data
            if self._next_turn is None:
                self._parse()
            return
        self._discarded += len(data)
        if self._discarded > MAX_DISCARDED_BYTES:
            if self._ended:
                self.transport.close()
            else:  # the last response waits for its turn, and so does the client
                self.flow.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override] # (asyncio's returns one, too)
        """Answer what has arrived: a client may close its sending side and still read."""
        self._eof = True
        self._close_after_last()
        return True  # the transport stays open

    def _close_after_last(self) -> None:
        """Close the connection after the answer to the last request."""
        cycle = self.cycle
        if self._ended:
            self.transport.close()
        elif self._last_response is not None or self._unparsed:
            return  # it waits for its turn
        elif self._arriving:
            self._reject(400, "The request ended early.")
        elif cycle is None or cycle.response_complete:
            self.transport.close()
        else:
            cycle.keep_alive = False
            if self._probe is None:
                self._probe = self.loop.call_later(PROBE_INTERVAL, self._probe_client)

    def _probe_client(self) -> None:
        """Send an interim response: it fails if the client has closed its receiving side, too.

        Nothing else shows whether a client that has closed its sending side still reads. HTTP/1.0
        has no interim responses.
        """
        if self._running is not None:
            cycle, _ = self._running
            if cycle.scope["http_version"] == "1.1" and not cycle.response_started:
                self.transport.write(INTERIM_RESPONSE)
        self._probe = self.loop.call_later(PROBE_INTERVAL, self._probe_client)

    def _parse(self) -> None:
        """Parse received bytes until a request must wait for its turn."""
        self._unset_keepalive_if_required()
        self._chunks = 0
        while self._unparsed and not self.pipeline:
            if self._chunks >= CHUNKS_AT_ONCE:
                self.flow.hold()
                self._next_turn = self.loop.call_soon(self._parse_on)
                break
            piece = self._unparsed[:PIECE_BYTES]  # most often all of it, which copies nothing
            self._unparsed = self._unparsed[PIECE_BYTES:]
            self._head_bytes += len(piece)
            self._arrived_bytes += len(piece)
            try:
                self.parser.feed_data(piece)
            except HttpParserError as error:
                cause = error.__context__
                known = isinstance(cause, UnacceptableError)
                self._reject(400, str(cause) if known else "Invalid HTTP request received.")
            except HttpParserUpgrade as upgrade:
                self._ignore_upgrade(piece[upgrade.args[0] :])
            else:
                if self._head_bytes > MAX_HEAD_BYTES:
                    self._reject(431, f"The headers have more than {MAX_HEAD_BYTES} bytes.")
        if self._eof:
            self._close_after_last()
        elif self._arriving:
            if self._arrival is None:
                self._arrival = self.loop.call_later(self._timeout, self._too_slow)
            self._all_arriving.add(self, CONNECTION_BYTES + self._arrived_bytes)
            if (oldest := self._all_arriving.excess()) is not None:
                oldest._make_room()  # noqa: SLF001 (of this class)
        elif self._last_response is None and (self.cycle is None or self.cycle.response_complete):
            # The bytes were the rest of a body whose request was answered early, or empty lines.
            self._rest()

    def _rest(self) -> None:
        """Become idle until the next request, within the limits on idle time and connections."""
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        self._become_idle()

    def _become_idle(self) -> None:
        """Count as idle, and close the longest idle connection if there are too many."""
        # Free the last request, whose headers may have 64 kB; uvicorn begins with None, too.
        self.cycle = self.scope = self.headers = None  # type: ignore[assignment]
        self.url = b""
        self._all_idle.add(self, 1)
        if (longest := self._all_idle.excess()) is not None:
            longest._unset_keepalive_if_required()  # noqa: SLF001 (of this class)
            longest.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        self._all_idle.discard(self)
        super()._unset_keepalive_if_required()

    def _parse_on(self) -> None:
        self._next_turn = None
        self._parse()
        if self._next_turn is None:
            self.flow.release()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Parse a request head again without `Upgrade`, which is only an offer (RFC 9110, 7.8).

        The parser ends a request with `Upgrade` after its head, and would take the body for another
        protocol.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._reject(400, "This server is not a proxy.")
            return
        headers = [header for header in self.headers if header[0] != b"upgrade"]
        again = head(method, self.url, self.parser.get_http_version(), headers)
        # The old parser accepts nothing more if the connection is to be closed.
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._unparsed = again + rest + self._unparsed

    def on_message_begin(self) -> None:
        self._arriving = True
        self._head_bytes = self._arrived_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        version = self.parser.get_http_version()
        check(version, self.headers)
        self.url, host = origin_form(self.url)
        if host is not None:
            self.headers[:] = [(b"host", host), *(h for h in self.headers if h[0] != b"host")]
        if version == "1.0":  # it has no interim responses (RFC 9110, section 10.1.1)
            self.expect_100_continue = False
        super().on_headers_complete()
        # Trailers go into this new list, and so are not merged (RFC 9110, section 6.5.1).
        self.headers = []

    def on_chunk_header(self) -> None:
        """Parser callback that uvicorn does not use."""
        self._head_bytes = max(self._head_bytes - CHUNK_BYTES, 0)
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._arrived()
        self._head_bytes = 0  # a head that has arrived is answered, even one just over the limit
        super().on_message_complete()

    def _arrived(self) -> None:
        """Stop the timeout of an arriving request."""
        self._arriving = False
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
            self._all_arriving.discard(self)

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._last_response is not None:
            if is_last:
                self._end()
        elif not self.transport.is_closing():
            if self._unparsed or self._arriving:
                if self._next_turn is None:
                    self._parse()
            elif is_last:
                self._rest()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, partial(self._run, cycle, app))

    async def _run(
        self, cycle: RequestResponseCycle, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if self.flow.write_paused:  # nothing is executed for a client that does not read
            await self.flow.drain()
        if cycle.disconnected:
            return

        def send_and_note(message: Message) -> Awaitable[None]:
            self.flow.sending = len(message.get("body", b""))
            return send(message)

        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker)
        running = self._running = cycle, task
        try:
            await app(scope, receive, send_and_note)
        except RuntimeError:
            # The client has gone, which uvloop knows before it reports it.
            if not self.transport.is_closing():
                raise
            cycle.disconnected = True
        except asyncio.CancelledError:
            if not cycle.disconnected:
                raise
        finally:
            if self._running is running:  # the next request may have begun
                self._running = None

    def _make_room(self) -> None:
        """Reject the arriving request, because there are too many."""
        self._reject(408, "Too many requests were arriving, and this one was the oldest.")
        if self._ended:
            self.transport.close()  # not to count as idle until the client closes

    def _too_slow(self) -> None:
        """Handle the timeout of an arriving request."""
        if self.flow.read_paused:  # the client waits for us
            self._arrival = self.loop.call_later(self._timeout, self._too_slow)
        elif self._arriving:
            self._reject(408, f"The request did not arrive within {self._timeout:g} seconds.")
        else:
            self.transport.close()

    def _reject(self, status: int, message: str) -> None:
        """End the connection with an error, after the responses to earlier requests."""
        self._last_response = error_response(status, message, self.server_state.default_headers)
        self._unparsed = b""
        cycle = self.cycle
        waits = cycle is not None and not cycle.response_complete
        if self._arriving and cycle is not None and cycle.scope is self.scope:
            # Its head was valid: it waits for its turn, was answered early, or the app reads it.
            if self.pipeline:
                self.pipeline.popleft()
            elif cycle.response_started:
                self._last_response = b""
            else:
                cycle.disconnected = True
                cycle.message_event.set()
                waits = False
        self._arrived()
        if not waits:
            self._end()

    def _end(self) -> None:
        """Send the last response, and read on until the client closes (RFC 9112, section 9.6).

        Closing with unread bytes would reset the connection; the client might lose the response.
        """
        if not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.transport.write(self._last_response or b"")
            self._ended = True
            if self._eof:
                self.transport.close()
                return
            self.transport.write_eof()
            self.flow.end()
            self.flow.resume_reading()
            self.parser = None  # type: ignore[assignment] # (it may hold 64 kB of a header)
            self._become_idle()

    def shutdown(self) -> None:
        """Close the connection after its answer; uvicorn calls this on SIGTERM.

        A third of the time is the new patience, so that `Flow` can check twice whether the client
        reads.
        """
        super().shutdown()
        self.flow.hurry(self._shutdown_timeout / 3)
