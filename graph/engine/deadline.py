"""The time that an operation may take."""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from graph.errors import DeadlineError

T = TypeVar("T")


async def run_with_timeout(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns, cancelled when it takes longer.

    The time begins when it first waits for anything: most reads never do, and a timer would take a
    tenth of their time. What cannot be cancelled any more, such as a commit that was begun, says
    itself what became of it.

    Raises:
        DeadlineError: it was cancelled.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    try:
        async with asyncio.timeout(seconds) as timer:
            return await _go_on(work, awaited)
    except TimeoutError:
        if timer.expired():
            raise DeadlineError from TimeoutError(f"an operation took more than {seconds:g} s")
        raise


@coroutine
def _go_on(work: Coroutine[Any, Any, T], awaited: Any) -> Generator[Any, Any, T]:
    """The rest of a coroutine that waits for something."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 (which is for the coroutine to see)
                awaited = work.throw(error)
            else:
                awaited = work.send(sent)
    except StopIteration as done:
        value: T = done.value
        return value
