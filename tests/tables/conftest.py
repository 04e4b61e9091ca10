"""Fixtures: related rows on both paths."""

from collections.abc import Callable, Iterator

import pytest

from graph.settings import Settings
from tests.support.related_rows import Paths, related_rows


@pytest.fixture
def paths(configure: Callable[..., Settings]) -> Iterator[Paths]:
    """A service with related rows, on and off the fast path."""
    with related_rows(configure()) as paths:
        yield paths
