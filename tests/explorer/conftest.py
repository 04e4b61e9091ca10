"""Fixtures: visitors of the explorer, whose pages must have no errors."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.browser import Browser, chromium
from tests.support.visitor import Visitor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Creates visitors, whose pages must have no errors at the end.

    A test that expects refused requests clears them.
    """
    visitors: list[Visitor] = []

    def new(**options: Any) -> Visitor:
        visitors.append(Visitor(browser, **options))
        return visitors[-1]

    yield new
    for visitor in visitors:
        # First, because closing interrupts open requests.
        assert visitor.errors == []
        assert visitor.foreign == []
        assert visitor.refusals == []
        visitor.page.context.close()


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """A visitor with default options."""
    return visit()
