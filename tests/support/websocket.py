"""A client of the protocol `graphql-transport-ws`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"


class Socket:
    """An open connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, type_: str | None = None, **fields: Any) -> None:
        """Send a message."""
        self.connection.send(json.dumps({"type": type_, **fields}))

    def receive(self) -> Any:
        """The next message."""
        return json.loads(self.connection.recv(timeout=30))

    def initialise(self, **payload: Any) -> None:
        """Initialise the connection, and wait for the acknowledgement."""
        self.send("connection_init", payload=payload)
        assert self.receive() == {"type": "connection_ack"}

    def subscribe(self, query: str, id_: str = "1", **payload: Any) -> None:
        """Begin an operation."""
        self.send("subscribe", id=id_, payload={"query": query, **payload})

    def closed(self) -> tuple[int, str]:
        """Code and reason with which the service closes it, after other messages."""
        with suppress(ConnectionClosed):
            while True:
                self.connection.recv(timeout=30)
        return self.connection.close_code or 0, self.connection.close_reason or ""


@contextmanager
def connected(
    url: str,
    *,
    protocol: str | None = PROTOCOL,
    host: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Socket]:
    """A connection to the service at this base URL, which is not initialised.

    Args:
        url: the base URL.
        protocol: the subprotocol.
        host: the header `Host`, in place of the URL's.
        headers: further headers.
    """
    address = httpx.URL(url)
    with connect(
        f"ws://{host or address.netloc.decode()}{address.path.rstrip('/')}/graphql",
        address=(address.host, address.port),
        subprotocols=[Subprotocol(protocol)] if protocol else None,
        additional_headers=headers,
        proxy=None,
    ) as connection:
        yield Socket(connection)
