"""Runs a check on generated examples."""

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

    run()
