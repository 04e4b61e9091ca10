"""A connection's flow: when more is read, and how long its client may take to read."""

import asyncio
import socket
import sys
from collections.abc import Sized
from contextlib import suppress

from uvicorn.protocols.http.flow_control import FlowControl

UNKNOWN = sys.maxsize

CLOSED = 3
"""How much more patience there is when all was given to the system: it sees large steps only."""


def unacknowledged(connection: socket.socket) -> int:
    """Bytes that the system has taken, and the client's has not yet, where the system says so."""
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
        """Read no more until `release`: what was read is still to be parsed."""
        self._held = True
        if not self._transport.is_closing():
            self.pause_reading()

    def release(self) -> None:
        """Read on when no request waits for its turn."""
        self._held = False
        if not self._transport.is_closing():
            self.resume_reading()

    def resume_writing(self) -> None:
        self._unsent = UNKNOWN
        super().resume_writing()

    def end(self) -> None:
        """Have the client read all and close: nothing more is sent."""
        self._ended = True

    def hurry(self, patience: float) -> None:
        """Have no more patience than that from now on."""
        self._patience = min(self._patience, patience)
        self._unsent = UNKNOWN
        self._next_look.cancel()
        self._look()

    def stop(self) -> None:
        """Look no more: the connection is closed, or has gone."""
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
