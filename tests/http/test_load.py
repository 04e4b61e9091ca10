"""Many connections at once: no request fails, and no acknowledged write is lost."""

import asyncio
import resource
from collections.abc import Iterable, Iterator
from itertools import islice

import pytest

from tests.support.client import Client
from tests.support.crowd import Mix, crowd
from tests.support.databases import slow_on_postgresql
from tests.support.prepared_database import set_up
from tests.support.service_process import service

ROWS = 1000

LENGTHS = [
    pytest.param(200, 1, id="short"),
    pytest.param(1000, 15, id="full", marks=pytest.mark.slow),
]


@pytest.fixture(autouse=True)
def _file_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def there(api: Client, ids: Iterable[str]) -> set[str]:
    """The ids for which there is a hero."""
    found = set()
    waiting = iter(ids)
    while some := list(islice(waiting, 15)):
        fields = "".join(f"a{index}: hero(id: {id_}) {{ id }}" for index, id_ in enumerate(some))
        heroes = api.data(f"{{ {fields} }}").values()
        found |= {hero["id"] for hero in heroes if hero is not None}
    return found


@slow_on_postgresql
@pytest.mark.parametrize("mix", [pytest.param(Mix.READS, marks=pytest.mark.slow), Mix.ALL])
@pytest.mark.parametrize(("connections", "seconds"), LENGTHS)
def test_a_crowd_is_served(database_url: str, connections: int, seconds: float, mix: Mix) -> None:
    set_up(database_url, heroes=ROWS)
    with service(database_url) as (url, _), Client(url) as api:
        report = asyncio.run(crowd(url, connections, seconds, mix, ROWS))
        print(report)  # noqa: T201 (pytest shows it when the test failed, or with -s)
        assert not report.failures
        assert len(report.latencies) >= connections
        assert there(api, report.kept) == report.kept
        assert there(api, report.deleted) == set()
        assert (mix is Mix.READS) == (not report.kept)
