"""uvicorn's configuration for this service, signals, and file descriptors."""

import multiprocessing
import signal
import sys
import threading
from typing import Any

from graph.http.uvicorn_protocol import ProtocolConfig
from graph.http.uvicorn_streams import StreamingProtocol
from graph.http.uvicorn_websocket import PING_SECONDS, PONG_SECONDS, WebSocketProtocol
from graph.settings import Settings

KEEP_ALIVE = 3_600
"""Seconds after which an idle connection is closed. A balancer in front has a shorter timeout, and
so closes its connections itself: it answers 502 if we close one as it sends a request."""


def allow_many_connections() -> None:
    """Raise the limit of file descriptors to its maximum; each connection takes one."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 (Windows has neither the module nor the limit)

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def end_with_supervisor() -> None:
    """Send this worker SIGTERM if its supervisor has died."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None and not supervisor.is_alive():
        signal.raise_signal(signal.SIGTERM)


def outlive_hangup() -> None:
    """Let SIGHUP end the process in an orderly way, like SIGTERM; its default is to end it at once.

    Workers ignore it: a closed terminal sends it to their supervisor, too, which replaces them.
    """
    if not hasattr(signal, "SIGHUP") or signal.getsignal(signal.SIGHUP) != signal.SIG_DFL:
        return  # as with `nohup`
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


class ServerConfig(ProtocolConfig):
    """uvicorn's configuration for this service.

    Args:
        app: the app, or a function that returns it.
        settings: the timeouts.
        options: further options of uvicorn.
    """

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(
            app,
            http=StreamingProtocol,
            ws=WebSocketProtocol,
            ws_max_size=settings.max_body_bytes,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PONG_SECONDS,
            ws_per_message_deflate=False,  # its memory is 20 times that of the connection
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=settings.shutdown_timeout,
            callback_notify=end_with_supervisor,
            timeout_notify=1,
            **options,
        )
        self.request_timeout = settings.request_timeout
        self.shutdown_timeout = settings.shutdown_timeout

    def load(self) -> None:
        """Load the app in the serving process."""
        if threading.current_thread() is threading.main_thread():
            outlive_hangup()
        if self.factory:  # uvicorn would hide a TypeError, such as one about the models
            make_app: Any = self.app
            self.app, self.factory = make_app(), False
        super().load()
