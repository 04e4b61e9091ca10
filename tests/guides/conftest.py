"""Fixtures that follow a guide on a copy of the code, and serve the copy."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.project_copy import edit, follow, section
from tests.support.service_process import service


@pytest.fixture
def take(folder: Path) -> Callable[[str], None]:
    """Follows the guide with this title on the copy."""

    def followed(title: str) -> None:
        guide = section(title)
        edit(folder, guide)
        follow(folder, guide)

    return followed


@pytest.fixture
def serve_copy(database_url: str, folder: Path) -> Iterator[Callable[..., Client]]:  # noqa: ARG001 (the working directory)
    """Starts the service of the copy, with settings by their names in `Settings`."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Client:
            running = stack.enter_context(service(database_url, **settings))
            return stack.enter_context(Client(running.url))

        yield start
