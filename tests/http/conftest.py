"""Fixture: the log lines of requests."""

import logging
from collections.abc import Callable, Iterator
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

import pytest

from graph.errors import logger


@pytest.fixture
def lines() -> Iterator[Callable[[], dict[str, Any]]]:
    """Waits for the next line of a request, and returns its fields."""
    queue = SimpleQueue[logging.LogRecord]()
    handler = QueueHandler(queue)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield lambda: queue.get(timeout=30).__dict__["fields"]
    logger.setLevel(level)
    logger.removeHandler(handler)
