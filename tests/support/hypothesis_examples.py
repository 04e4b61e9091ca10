"""Runs a check on generated examples."""

import warnings
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

T = TypeVar("T")


def check(count: int, strategy: st.SearchStrategy[T], try_one: Callable[[T], None]) -> None:
    """Check this many examples of a strategy."""

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(example: T) -> None:
        try_one(example)

    with warnings.catch_warnings():
        # Hypothesis looks for what refers to its random numbers, after a garbage collection. A
        # service in this process then freezes all objects, and frozen ones are not looked at.
        warnings.filterwarnings("ignore", "It looks like `register_random`")
        run()
