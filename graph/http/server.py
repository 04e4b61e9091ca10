"""uvicorn as this service runs it: requests that do not arrive, and readers that do not read.

uvicorn times idle connections only. A client that sends half a request, or takes none of its
answer, would keep its connection for ever.
"""

import asyncio
import sys
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from graph.engine.encoding import encode
from graph.errors import Code, PublicError
from graph.http.endpoint import SECURITY_HEADERS
from graph.http.response import JSON
from graph.settings import Settings

MAX_HEAD_BYTES = 65_536
"""Bytes of a request's line and headers; uvicorn would take any number."""


def allow_many_connections() -> None:
    """Take as many file descriptors as this process may have: each connection is one."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 (Windows has neither the module nor the limit)

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration for this service.

    Args:
        app: the app, or where to import it from.
        settings: the times that it grants.
        options: further ones of uvicorn's own.
    """

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(
            app,
            http=Protocol,
            ws="none",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=settings.shutdown_timeout,
            **options,
        )
        self.request_timeout = settings.request_timeout


class Protocol(HttpToolsProtocol):
    """A connection, which is closed when its client does not keep up."""

    def __init__(self, config: ServerConfig, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._timeout = config.request_timeout
        self._arrival: asyncio.TimerHandle | None = None
        self._departure: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._unsent = 0

    def connection_made(  # type: ignore[override] # (uvicorn narrows the argument, too)
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self._arrival = self.loop.call_later(self._timeout, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._arrival, self._departure):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.more_body and not cycle.response_complete:
            if self._arrival is not None:  # the request is whole
                self._arrival.cancel()
                self._arrival = None
                self._head_bytes = 0
        elif not self.transport.is_closing():
            if self._arrival is None:
                self._arrival = self.loop.call_later(self._timeout, self._too_slow)
            if cycle is None or cycle.scope is not self.scope:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self._refuse(431, f"The headers have more than {MAX_HEAD_BYTES} bytes.")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, partial(self._run, cycle, app))

    async def _run(
        self, cycle: RequestResponseCycle, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            await app(scope, receive, send)
        except RuntimeError:
            # The client has gone, which uvloop knows before it tells us: nobody is answered.
            if not self.transport.is_closing():
                raise
            cycle.disconnected = True

    def _too_slow(self) -> None:
        """The time for a request to arrive is over."""
        answered = self.cycle is not None and self.cycle.response_started
        if self._head_bytes or not (self.cycle is None or answered):
            self._refuse(408, f"The request did not arrive within {self._timeout:g} seconds.")
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str) -> None:
        """Answer what never becomes a request for the app, and close the connection."""
        body = encode({"errors": [PublicError(Code.BAD_REQUEST, message).formatted]})
        headers = [
            *self.server_state.default_headers,
            (b"content-type", JSON + b"; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *SECURITY_HEADERS,
        ]
        lines = b"".join([b"%s: %s\r\n" % header for header in headers])
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self._departure is None:
            self._watch_reader()

    def _watch_reader(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._departure = self.loop.call_later(self._timeout, self._check_reader)

    def _check_reader(self) -> None:
        """Give up on a client that took nothing of its answer for the whole time."""
        if self.transport.get_write_buffer_size() >= self._unsent:
            self.transport.abort()
        else:
            self._watch_reader()
