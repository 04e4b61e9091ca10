"""The changes of a table, read once for all who follow them in this process.

One task reads the log while anybody follows, and keeps the latest changes in memory. Who is behind
these, such as a client that comes back with its cursor, first reads from the log by itself, up to
the position that the task had reached, and then goes on from memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Generic, TypeVar

from graph.database.changes import Batch, Change, ChangeLog, Session
from graph.errors import CursorExpiredError, PublicError, ServiceUnavailableError, logger

P = TypeVar("P")

CHUNK = 500
"""Changes that one statement reads."""

MAX_CHANGES = 10_000
"""Changes that are kept in memory."""

MAX_BYTES = 4_000_000
"""Bytes that they take at most, roughly."""

CHANGE_BYTES = 400
"""Bytes that a change takes besides its texts."""

QUIET, QUIET_FACTOR = 60.0, 5
"""Seconds without a change after which the log is read less often, by this factor."""

NOT_IN_MEMORY = -1

PAUSE = 1.0
"""Seconds after which the log is read again, if it could not be read."""

CATCHING_UP = 4
"""Followers that may read from the log by themselves at a time."""


class History(Generic[P]):
    """The latest changes, numbered from the beginning of this history.

    Args:
        position: where it begins.
    """

    def __init__(self, position: P) -> None:
        self.position = position
        """The position after the newest change."""
        self.changes: deque[Change[P]] = deque()
        self.start = 0
        """Number of the first change that is still in memory."""
        self.end = 0
        """Number of the next change."""
        self.whole = 0, position
        """Number and position after the last whole step of the log: others can read up to it."""
        self.has_expired = False
        """Whether it was found not to go on; a new one begins."""
        self._bytes = 0
        self._sizes: deque[int] = deque()
        self._more = asyncio.Event()

    def add(self, batch: Batch[P]) -> None:
        """Add the changes after the position, and forget old ones."""
        self.position = batch.position
        for change in batch.changes:
            size = CHANGE_BYTES + sum(map(_bytes, (*(change.old or ()), *(change.new or ()))))
            self.changes.append(change)
            self._sizes.append(size)
            self._bytes += size
        self.end += len(batch.changes)
        while len(self.changes) > MAX_CHANGES or self._bytes > MAX_BYTES:
            self.changes.popleft()
            self._bytes -= self._sizes.popleft()
            self.start += 1
        is_new = self.whole[0] != self.end
        if batch.is_last:
            self.whole = self.end, self.position
        if is_new:
            self.wake()

    def after(self, number: int, most: int) -> list[Change[P]]:
        """Return changes from this number on, which must be in memory."""
        first = number - self.start
        return [self.changes[index] for index in range(first, min(first + most, len(self.changes)))]

    def wake(self) -> None:
        """Wake all who wait."""
        self._more.set()
        self._more = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for another change, or for this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._more.wait()


class Feed(Generic[P]):
    """The changes of a table.

    Args:
        open_session: returns a new session.
        log: the log of the table.
    """

    def __init__(self, open_session: Callable[[], Session], log: ChangeLog[P]) -> None:
        self.log = log
        self._open_session = open_session
        self._history: History[P] | None = None
        self._followers = 0
        self._reading: asyncio.Task[None] | None = None
        self._asked: list[asyncio.Future[History[P]]] = []
        self._look = asyncio.Event()
        self._turns = asyncio.Semaphore(CATCHING_UP)

    def look(self) -> None:
        """Read the log now, as this process has committed something."""
        self._look.set()

    async def follow(self, after: P | None, patience: float) -> AsyncGenerator[Batch[P], None]:
        """Yield the changes after a position, or from now on, in order and without a gap.

        The first batch comes at once, and may be empty.

        Args:
            after: a position; None for now.
            patience: seconds without a change after which an empty batch has the newest position.

        Raises:
            CursorExpiredError: changes after the position are no longer there.
            ServiceUnavailableError: the database was not available at the beginning.
        """
        with self._following():
            history = await self._up_to_date()
            number = NOT_IN_MEMORY
            if after is None:
                number, after = history.whole
                yield Batch([], after, is_last=True)
            while not history.has_expired:
                if number < history.start:
                    is_first, (number, end) = number == NOT_IN_MEMORY, history.whole
                    if after != end or is_first:
                        async for batch in self._between(after, end):
                            yield batch
                        after = end
                    elif number < history.start:  # the changes of a step do not fit into memory
                        await history.wait(patience)
                    continue
                if number == history.end:
                    await history.wait(patience)
                if history.has_expired or number < history.start:
                    continue
                changes = history.after(number, CHUNK)
                number += len(changes)
                after = history.position if number == history.end else changes[-1].position
                yield Batch(changes, after, is_last=number == history.whole[0])
            raise CursorExpiredError

    @contextmanager
    def _following(self) -> Iterator[None]:
        self._followers += 1
        self._reading = self._reading or asyncio.create_task(self._read_on())
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers:
                self._reading.cancel()
                self._reading = self._history = None

    async def _between(self, after: P, end: P) -> AsyncGenerator[Batch[P], None]:
        """Read the changes between two positions from the log; yields at least one batch."""
        is_last = False
        while not is_last:
            async with self._turns:
                batch = await self._read(after, end)
            after, is_last = batch.position, batch.is_last
            yield batch

    async def _up_to_date(self) -> History[P]:
        """Return the history, with all that was committed before the call."""
        asked: asyncio.Future[History[P]] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self.look()
        return await asked

    async def _read(self, after: P | None, end: P | None) -> Batch[P]:
        session = self._open_session()
        try:
            if after is None:
                return Batch([], await self.log.newest(session), is_last=True)
            return await self.log.read(session, after, end, CHUNK)
        finally:
            await session.close()

    async def _read_on(self) -> None:
        """Read the log again and again; tell those who wait."""
        changed, is_down = monotonic(), False
        while True:
            self._look.clear()
            asked, self._asked = self._asked, []
            try:
                history, found = await self._read_newest()
            except Exception as error:  # noqa: BLE001 (whatever it is, it may be over soon)
                if not is_down and not isinstance(error, PublicError):
                    logger.error("Cannot read changes", exc_info=error)
                is_down = True
                for each in asked:
                    if not each.done():
                        each.set_exception(_public(error))
                await asyncio.sleep(PAUSE)
                continue
            is_down = False
            for each in asked:
                if not each.done():
                    each.set_result(history)
            if found:
                changed = monotonic()
            quiet = monotonic() - changed > QUIET
            with suppress(TimeoutError):
                async with asyncio.timeout(self.log.period * (QUIET_FACTOR if quiet else 1)):
                    await self._look.wait()

    async def _read_newest(self) -> tuple[History[P], bool]:
        """Read what is new; return the history, and whether anything was."""
        history = self._history
        if history is not None:
            found = False
            try:
                while True:
                    batch = await self._read(history.position, None)
                    history.add(batch)
                    found = found or bool(batch.changes)
                    if batch.is_last:
                        return history, found
            except CursorExpiredError:
                history.has_expired = True
                history.wake()
        self._history = History((await self._read(None, None)).position)
        return self._history, False


def _bytes(value: object) -> int:
    return len(value) if isinstance(value, str | bytes) else 0


def _public(error: Exception) -> PublicError:
    if isinstance(error, PublicError):
        return error
    unavailable = ServiceUnavailableError()
    unavailable.__cause__ = error
    return unavailable
