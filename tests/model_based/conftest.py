"""Fixtures: databases and their services, shared by a module."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.model_based.stores import Store, open_store
from tests.support.cluster import Cluster

FAST, PLAIN = True, False


@pytest.fixture(scope="module")
def new_url(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster
) -> Iterator[Callable[[str], str]]:
    """Creates an empty database of a kind, and returns its URL."""
    with ExitStack() as stack:

        def make(kind: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{tmp_path_factory.mktemp('table') / 'database.db'}"
            name = cluster.create_database()
            stack.callback(cluster.give_back, name)
            return cluster.url(name)

        yield make


@pytest.fixture(scope="module")
def stores(new_url: Callable[[str], str]) -> Iterator[list[Store]]:
    """SQLite and PostgreSQL, each served with and without the fast path."""
    with ExitStack() as stack:
        kinds = ("sqlite", "postgresql")
        yield [stack.enter_context(open_store(new_url(kind), (FAST, PLAIN))) for kind in kinds]


@pytest.fixture(scope="module")
def separate_stores(new_url: Callable[[str], str]) -> Iterator[list[Store]]:
    """The same services, each with its own database."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_store(new_url(kind), (path,)))
            for kind in ("sqlite", "postgresql")
            for path in (FAST, PLAIN)
        ]
