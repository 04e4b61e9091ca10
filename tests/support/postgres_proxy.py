"""A proxy before PostgreSQL, which counts round trips and breaks connections."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Look = Callable[[bytes], bytes]
"""Gets what has come and was not yet looked at; returns what is to be looked at again."""

MESSAGE_HEADER = 5
"""Bytes of a message's type and length (PostgreSQL, "Frontend/Backend Protocol")."""


class Proxy:
    """Passes bytes between clients and the server on a port of loopback.

    Args:
        server_port: where the server listens.
    """

    def __init__(self, server_port: int) -> None:
        self.round_trips = 0
        """How often the server said that it was ready for a query, after one or at the start."""
        self.silent = False
        """Whether everything is swallowed, as a broken network does."""
        self.break_at: bytes | None = None
        """Bytes of a client at which its connection is closed, before they are passed on."""
        self.silent_after: bytes | None = None
        """Bytes of a client after which, once they are passed on, everything is swallowed."""
        self._server_port = server_port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def url(self, database_url: str) -> str:
        """The URL of a database of the server by way of the proxy, unencrypted."""
        way = database_url.replace(f":{self._server_port}/", f":{self.port}/")
        return f"{way}?sslmode=disable"

    def accept(self) -> None:
        """Take connections until the proxy is closed."""
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
        """Count the whole messages in `data` that say that a round trip is over."""
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
