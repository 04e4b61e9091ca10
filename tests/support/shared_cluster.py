"""One PostgreSQL for the tests of all processes of pytest-xdist.

The controlling process owns its directory, and stops it at the end; the first worker that needs
the server starts it there.
"""

import fcntl
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.cluster import Cluster, running_cluster

PLACE = pytest.StashKey[TemporaryDirectory[str]]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker the directory of the server."""
    stash = node.config.stash
    if PLACE not in stash:
        stash[PLACE] = TemporaryDirectory(prefix="hero-graph-")
    node.workerinput["place"] = stash[PLACE].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server if one was started."""
    place = config.stash.get(PLACE, None)
    if place is None:
        return
    with place as name:
        if Cluster.is_in(Path(name)):
            Cluster(Path(name)).stop("immediate")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The PostgreSQL of all tests; no test may stop it."""
    given = getattr(request.config, "workerinput", None)
    if given is None:
        with running_cluster() as cluster:
            yield cluster
        return
    place = Path(given["place"])
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_new = not Cluster.is_in(place)
        cluster = Cluster(place, prefix=f"test_{given['workerid']}_", outlives=True)
        if is_new:
            cluster.start()
    yield cluster
