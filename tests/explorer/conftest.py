"""Visitors of the explorer, for none of whom anything may go wrong."""

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
    """Makes visitors; for none of them may anything have gone wrong.

    A test that has requests refused clears them away.
    """
    visitors: list[Visitor] = []

    def new(**options: Any) -> Visitor:
        visitors.append(Visitor(browser, **options))
        return visitors[-1]

    yield new
    for visitor in visitors:
        # First, as closing interrupts whatever is under way.
        assert visitor.errors == []
        assert visitor.foreign == []
        assert visitor.refusals == []
        visitor.page.context.close()


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """A visitor with default options."""
    return visit()
