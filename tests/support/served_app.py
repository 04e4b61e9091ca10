"""An app that is served on a thread of this process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from graph.http.server import ServerConfig
from graph.settings import Settings


class _Server(uvicorn.Server):
    """uvicorn's server that signals when it is ready, and stops at once without connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, *args: Any, **options: Any) -> None:
        """Start, then signal."""
        try:
            await super().startup(*args, **options)
        finally:
            self.ready.set()

    async def main_loop(self) -> None:
        """Like uvicorn's, which polls `should_exit` every 0.1 s."""
        self._loop = asyncio.get_running_loop()
        ended = asyncio.ensure_future(self._ended.wait())
        while not await self.on_tick(0):
            await asyncio.wait([ended], timeout=0.1)

    async def shutdown(self, sockets: Any = None) -> None:
        """Like uvicorn's, which waits 0.1 s for connections to close."""
        for server in self.servers:
            server.close()
        for connection in [*self.server_state.connections]:
            connection.shutdown()
        for _ in range(3):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        else:
            await self.lifespan.shutdown()

    def end(self) -> None:
        """Stop it, from another thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)


@contextmanager
def serving(
    app: ASGIApp, settings: Settings | None = None, config: uvicorn.Config | None = None
) -> Iterator[str]:
    """Serve an app on a thread; yields its base URL.

    Args:
        app: the app.
        settings: the timeouts of connections.
        config: the server's configuration, in place of this service's own.
    """
    server = _Server(config or ServerConfig(app, settings or Settings(), port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        server.ready.wait()
        assert server.started, "the service did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.end()
        thread.join()
