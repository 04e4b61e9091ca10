"""A proxy before PostgreSQL that counts round trips and breaks connections."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Look = Callable[[bytes], bytes]
"""Takes the unprocessed bytes; returns the rest that it leaves unprocessed."""

MESSAGE_HEADER = 5
"""Bytes of a message's type and length (PostgreSQL, "Frontend/Backend Protocol")."""


class Proxy:
    """Passes bytes between clients and the server on a port of loopback.

    Args:
        server_port: where the server listens.
    """

    def __init__(self, server_port: int) -> None:
        self.round_trips = 0
        """Number of `ReadyForQuery` messages."""
        self.silent = False
        """Whether all bytes are dropped, as by a broken network."""
        self.break_at: bytes | None = None
        """The connection is closed when a client sends these bytes, before they are forwarded."""
        self.silent_after: bytes | None = None
        """All later bytes are dropped once these bytes of a client are forwarded."""
        self._server_port = server_port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def url(self, database_url: str) -> str:
        """URL of a database through the proxy, unencrypted."""
        way = database_url.replace(f":{self._server_port}/", f":{self.port}/")
        return f"{way}?sslmode=disable"

    def accept(self) -> None:
        """Accept connections until the proxy is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                for way in ((client, server, self._from_client), (server, client, self._count)):
                    threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _pass_on(self, source: socket.socket, target: socket.socket, look: Look) -> None:
        rest = b""
        with suppress(OSError):
            while data := source.recv(65_536):
                if self.silent:
                    continue
                rest = look(rest + data)
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _from_client(self, data: bytes) -> bytes:
        if self.break_at is not None and self.break_at in data:
            raise OSError
        if self.silent_after is not None and self.silent_after in data:
            self.silent = True
        return b""

    def _count(self, data: bytes) -> bytes:
        """Count the complete `ReadyForQuery` messages in `data`."""
        while len(data) >= MESSAGE_HEADER:
            end = 1 + int.from_bytes(data[1:MESSAGE_HEADER])
            if len(data) < end:
                break
            self.round_trips += data[:1] == b"Z"
            data = data[end:]
        return data


@contextmanager
def proxy_to(server_port: int) -> Iterator[Proxy]:
    """A running proxy."""
    proxy = Proxy(server_port)
    thread = threading.Thread(target=proxy.accept)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
