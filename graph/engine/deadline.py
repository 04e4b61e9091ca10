"""Timeout of an operation."""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from graph.errors import DeadlineError

T = TypeVar("T")


async def run_with_timeout(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Await the work, and cancel it after this many seconds.

    The time starts when the work first waits: most reads never wait, and a timer costs a tenth of
    their time. Work that can no longer be cancelled, such as a commit, reports its own outcome.

    Raises:
        DeadlineError: the work was cancelled.
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
    """Drive a started coroutine, which waits for `awaited`, to its end."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 (the coroutine handles it)
                awaited = work.throw(error)
            else:
                awaited = work.send(sent)
    except StopIteration as done:
        value: T = done.value
        return value
