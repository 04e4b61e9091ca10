"""Queue for slow statements, so that quick ones need not wait for them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


def _none() -> int:
    return 0


class Lane:
    """Runs at most `size` statements at a time; callers take turns (round robin).

    It has no timeout of its own: a statement waits for at most the timeout of its operation.

    Args:
        size: number of places.
        others: returns how many places are taken without `acquire`.
    """

    def __init__(self, size: int, others: Callable[[], int] = _none) -> None:
        self._size = size
        self._others = others
        self._running = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Waiting statements by caller, in the order of turns; a cancelled one is done."""

    async def acquire(self, caller: str) -> None:
        """Wait for a place; give it back with `release`."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        self.wake()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Release a place."""
        self._running -= 1
        self.wake()

    def wake(self) -> None:
        """Assign free places to waiting statements."""
        while self._waiting and self._running + self._others() < self._size:
            caller = next(iter(self._waiting))
            turns = self._waiting[caller]
            turn = turns.popleft()
            if not turns:
                del self._waiting[caller]
            if turn.done():
                continue
            if turns:
                self._waiting[caller] = self._waiting.pop(caller)
            self._running += 1
            turn.set_result(None)

    @asynccontextmanager
    async def place(self, caller: str) -> AsyncIterator[None]:
        """Hold a place."""
        await self.acquire(caller)
        try:
            yield
        finally:
            self.release()
