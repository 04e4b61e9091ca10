"""Fixtures of the hero API's tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.client import Client
from tests.support.service_process import service


@pytest.fixture
def both(database_url: str) -> Iterator[Callable[[], list[Client]]]:
    """Starts the copy of the code twice on one database: with and without the fast path."""
    with ExitStack() as stack:

        def started() -> list[Client]:
            return [
                stack.enter_context(
                    Client(stack.enter_context(service(database_url, fast_execution=fast)).url)
                )
                for fast in (True, False)
            ]

        yield started
