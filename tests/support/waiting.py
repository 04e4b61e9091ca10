"""Waits for a condition."""

import threading
from collections.abc import Callable

import pytest


def wait_until(condition: Callable[[], object]) -> None:
    """Ask until it is so."""
    for _ in range(3_000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it never came to be")
