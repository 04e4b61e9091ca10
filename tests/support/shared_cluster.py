"""One PostgreSQL for all tests, whichever process of pytest-xdist runs them.

Its place belongs to the process that the others report to, which stops it when all are done; the
first that needs it starts it there.
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
    """Tell a process that runs tests where the server is to be."""
    stash = node.config.stash
    if PLACE not in stash:
        stash[PLACE] = TemporaryDirectory(prefix="hero-graph-")
    node.workerinput["place"] = stash[PLACE].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server where one was started."""
    place = config.stash.get(PLACE, None)
    if place is None:
        return
    with place as name:
        if Cluster.is_in(Path(name)):
            Cluster(Path(name)).stop("immediate")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The PostgreSQL of all tests, which no test may stop."""
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
