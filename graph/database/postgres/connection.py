"""The driver's connection, with a limit on the bytes of a statement's rows.

asyncpg keeps all rows of a statement in memory, even a hundred texts of megabytes. A cursor would
take two more round trips, so the bytes are counted as they arrive.
"""

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Any

import asyncpg

from graph.errors import Code, PublicError


class LimitedConnection(asyncpg.Connection):
    """A connection that is closed if the rows of `fetch_within` have too many bytes."""

    __slots__ = ("_received",)

    def __init__(self, protocol: Any, transport: asyncio.Transport, *args: Any) -> None:
        super().__init__(protocol, transport, *args)
        self._received = _Received(protocol, transport)
        transport.set_protocol(self._received)

    async def fetch_within(
        self, limit: int, sql: str, values: Sequence[object]
    ) -> list[asyncpg.Record]:
        """Run a statement, and return its rows.

        Raises:
            PublicError: the server sends more bytes than this; the connection is closed.
        """
        received = self._received
        received.left = limit
        try:
            rows = await self.fetch(sql, *values)
        except Exception:
            if received.left < 0:
                raise PublicError(
                    Code.OPERATION_TOO_COMPLEX,
                    f"The rows have more than {limit} bytes, the most allowed.",
                ) from None
            received.left = inf
            raise
        received.left = inf
        return rows


class _Received(asyncio.Protocol):
    """Counts what arrives, for asyncpg's own protocol behind it."""

    def __init__(self, protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        self.left = inf

    def data_received(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            self._transport.abort()
        else:
            self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
