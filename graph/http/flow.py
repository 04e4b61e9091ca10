"""The flow of one connection, and limits on connections that wait for their clients."""

import asyncio
import socket
import struct
import sys
from collections.abc import Sized
from contextlib import suppress
from typing import Generic, TypeVar

from uvicorn.protocols.http.flow_control import FlowControl

UNKNOWN = sys.maxsize

STEPS = 3
"""Factor of patience: the client's system reports in steps what was read, of up to 95 kB, which a
reader of 8 kB/s takes in 12 seconds."""

LOOKS = 30
"""Number of checks of a closed connection in the time in which its client must read something."""

MAX_SPARED = 100
"""Maximum clients to check for progress, and keep, each time room is made; a check takes 2 µs."""

CONNECTION_BYTES = 16_000
"""Memory of a connection with a request, besides what it has received or is to send."""

C = TypeVar("C")


def unacknowledged(connection: socket.socket) -> int:
    """Return the bytes that the client's system has not acknowledged; 0 if unknown."""
    if sys.platform != "linux":
        return 0
    from fcntl import ioctl  # noqa: PLC0415 (Windows has neither module)
    from termios import TIOCOUTQ  # noqa: PLC0415 (as above)

    return int.from_bytes(ioctl(connection.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)


class Waiting(Generic[C]):
    """Connections that wait for their clients, and a limit on them.

    Args:
        limit: maximum sum of their sizes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sizes: dict[C, int] = {}  # the longest waiting connection comes first
        self._total = 0

    def add(self, connection: C, size: int) -> None:
        """Add a connection, or change its size."""
        self._total += size - self._sizes.get(connection, 0)
        self._sizes[connection] = size

    def excess(self) -> C | None:
        """Return the longest waiting connection if there are several, and they exceed the limit."""
        if self._total > self._limit and len(self._sizes) > 1:
            return next(iter(self._sizes))
        return None

    def requeue(self, connection: C) -> None:
        """Have a connection wait from now on."""
        self._sizes[connection] = self._sizes.pop(connection)

    def discard(self, connection: C) -> None:
        """Remove a connection, if it is there."""
        self._total -= self._sizes.pop(connection, 0)


class Flow(FlowControl):
    """Flow control that pauses reading while requests wait, and gives up clients that do not read.

    uvicorn resumes reading after every response, and waits forever for a client.

    Args:
        transport: the connection.
        waiting: the requests that wait for their turn.
        patience: a third of the seconds in which a client must read something of what was sent.
        unread: all connections with unread responses, and the memory of these in bytes.
        closed: tasks that send the rest to clients of closed connections.
    """

    sending = 0
    """Bytes of the last message; the transport frees none of them before all are sent."""

    def __init__(
        self,
        transport: asyncio.Transport,
        waiting: Sized,
        patience: float,
        unread: "Waiting[Flow]",
        closed: Waiting[asyncio.Task[None]],
    ) -> None:
        super().__init__(transport)
        transport.set_write_buffer_limits(0)  # paused means that something is unsent
        self._connection = transport.get_extra_info("socket")
        self._waiting = waiting
        self._patience = STEPS * patience
        self._unread = unread
        self._closed = closed
        self._unsent = UNKNOWN  # bytes, at the last check
        self._unsent_before = 0  # bytes, when the client was last asked to make room
        self._ended = False
        self._held = False
        self._given_up = False
        self._next_look = asyncio.get_running_loop().call_later(self._patience, self._look)

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

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent_before = self._left()
        size = max(self.sending, self._transport.get_write_buffer_size())
        self._unread.add(self, CONNECTION_BYTES + size)
        self._make_room()

    def _make_room(self) -> None:
        """Disconnect clients until unread responses are within the limit; keep those that read."""
        spared = 0
        while (longest := self._unread.excess()) is not None:
            if spared < MAX_SPARED and longest.has_read():
                self._unread.requeue(longest)
                spared += 1
            else:
                longest.give_up()

    def has_read(self) -> bool:
        """Return whether the client has read something since the last call."""
        before, self._unsent_before = self._unsent_before, self._left()
        return self._unsent_before < before

    def resume_writing(self) -> None:
        self._unread.discard(self)
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

    def give_up(self) -> None:
        """Reset the connection, so that the operating system drops its unsent bytes, too."""
        self._given_up = True
        self._unread.discard(self)
        reset_on_close(self._connection)
        self._transport.abort()

    def detach(self) -> None:
        """Leave the connection to another protocol."""
        self._next_look.cancel()
        self._unread.discard(self)

    def stop(self) -> None:
        """Stop checking: the connection is closed."""
        self._next_look.cancel()
        self._unread.discard(self)
        if not self._given_up and unacknowledged(self._connection):
            with suppress(OSError):  # too many files are open
                self._send_rest()

    def _send_rest(self) -> None:
        connection = self._connection
        rest = socket.fromfd(connection.fileno(), connection.family, socket.SOCK_STREAM)
        sending = asyncio.create_task(keep_sending(rest, self._patience))
        self._closed.add(sending, 1)
        sending.add_done_callback(self._closed.discard)
        sending.add_done_callback(
            lambda _: rest.close()
        )  # even if it is cancelled before it begins
        if (longest := self._closed.excess()) is not None:
            longest.cancel()

    def _left(self) -> int:
        """Return the bytes that were sent, and that the client's system has not acknowledged."""
        return self._transport.get_write_buffer_size() + unacknowledged(self._connection)

    def _look(self) -> None:
        unsent = UNKNOWN
        if self._ended or self.write_paused or self._transport.is_closing():
            unsent = self._left()
            if unsent >= self._unsent:
                self.give_up()
                return
        self._unsent = unsent
        self._next_look = asyncio.get_running_loop().call_later(self._patience, self._look)


async def keep_sending(rest: socket.socket, patience: float) -> None:
    """Wait while the client of a closed connection reads the rest; reset it if it stops reading.

    The operating system would wait forever for a client that does not read. `TCP_USER_TIMEOUT`
    would also end one that reads slowly: its time runs from when the client's window closed.

    Args:
        rest: the socket.
        patience: seconds in which the client must read something.
    """
    with suppress(OSError):  # the client has left
        rest.shutdown(socket.SHUT_WR)
        unsent, looks = UNKNOWN, LOOKS
        while looks and not rest.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            before, unsent = unsent, unacknowledged(rest)
            if not unsent:
                return
            looks = LOOKS if unsent < before else looks - 1
            await asyncio.sleep(patience / LOOKS)
        reset_on_close(rest)


def reset_on_close(connection: socket.socket) -> None:
    """Let a connection be reset when it is closed, so that nothing unsent is kept."""
    with suppress(OSError):  # it is closed
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
