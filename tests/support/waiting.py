"""Waiting for a condition."""

import threading
from collections.abc import Callable

import pytest


def wait_until(condition: Callable[[], object]) -> None:
    """Poll a condition until it holds; fail after half a minute."""
    for _ in range(3_000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("the condition never held")
