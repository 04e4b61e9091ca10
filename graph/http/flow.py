"""The flow of one connection, and limits on connections that wait for their clients."""

import asyncio
import socket
import sys
from collections.abc import Sized
from contextlib import suppress
from typing import Generic, TypeVar

from uvicorn.protocols.http.flow_control import FlowControl

UNKNOWN = sys.maxsize

CLOSED = 3
"""Factor of patience once the system has all bytes: it reports progress in large steps."""

C = TypeVar("C")


def unacknowledged(connection: socket.socket) -> int:
    """Return the bytes that the client's system has not acknowledged; 0 where that is not known."""
    if sys.platform != "linux":
        return 0
    from fcntl import ioctl  # noqa: PLC0415 (Windows has neither module)
    from termios import TIOCOUTQ  # noqa: PLC0415 (as above)

    return int.from_bytes(ioctl(connection.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)


class Flow(FlowControl):
    """Reads on when no request waits for its turn, and gives up a client that does not read.

    uvicorn would read on after every answer, and wait for ever.

    Args:
        transport: the connection.
        waiting: the requests that wait for their turn.
        patience: seconds in which a client must read something of what was sent.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized, patience: float) -> None:
        super().__init__(transport)
        self._connection = transport.get_extra_info("socket")
        self._waiting = waiting
        self._patience = patience
        self._unsent = UNKNOWN  # bytes, at the last look
        self._ended = False
        self._held = False
        self._next_look = asyncio.get_running_loop().call_later(patience, self._look)

    def resume_reading(self) -> None:
        if not self._waiting and not self._held:
            super().resume_reading()

    def hold(self) -> None:
        """Pause reading until `release`: received bytes are still to be parsed."""
        self._held = True
        if not self._transport.is_closing():
            self.pause_reading()

    def release(self) -> None:
        """Resume reading when no request waits for its turn."""
        self._held = False
        if not self._transport.is_closing():
            self.resume_reading()

    def resume_writing(self) -> None:
        self._unsent = UNKNOWN
        super().resume_writing()

    def end(self) -> None:
        """Expect the client to read all and close: nothing more is sent."""
        self._ended = True

    def hurry(self, patience: float) -> None:
        """Lower the patience from now on."""
        self._patience = min(self._patience, patience)
        self._unsent = UNKNOWN
        self._next_look.cancel()
        self._look()

    def stop(self) -> None:
        """Stop checking: the connection is closed."""
        self._next_look.cancel()
        if hasattr(socket, "TCP_USER_TIMEOUT") and self._connection.family != socket.AF_UNIX:
            # What the system has taken of an answer it keeps for its client, even now. Not set
            # before: it counts from when a client's window closed, though that reads on slowly.
            milliseconds = round(CLOSED * self._patience * 1000)
            with suppress(OSError):
                self._connection.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds
                )

    def _look(self) -> None:
        unsent = UNKNOWN
        if self._ended or self.write_paused or self._transport.is_closing():
            unsent = self._transport.get_write_buffer_size() + unacknowledged(self._connection)
            if unsent >= self._unsent:
                self._transport.abort()
                return
        self._unsent = unsent
        self._next_look = asyncio.get_running_loop().call_later(self._patience, self._look)


class Waiting(Generic[C]):
    """Connections that wait for their clients, and a limit on them.

    Args:
        limit: maximum sum of their sizes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sizes: dict[C, int] = {}  # the longest waiting connection comes first
        self._total = 0

    def add(self, connection: C, size: int) -> C | None:
        """Add a connection, or change its size.

        Returns:
            The longest waiting connection if the limit is exceeded.
        """
        self._total += size - self._sizes.get(connection, 0)
        self._sizes[connection] = size
        return next(iter(self._sizes)) if self._total > self._limit else None

    def discard(self, connection: C) -> None:
        """Remove a connection, if it is there."""
        self._total -= self._sizes.pop(connection, 0)
