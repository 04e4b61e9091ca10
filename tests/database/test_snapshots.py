"""All root fields of a query see the same state, despite concurrent writes."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.support.client import Client
from tests.support.databases import Sql, slow_on_postgresql
from tests.support.prepared_database import set_up

FIELDS = " ".join(f"f{turn}: heroes(limit: 90) {{ id }}" for turn in range(10))
FRAGMENTS = f"{{ ...Both __typename }} fragment Both on Query {{ {FIELDS} }}"


@pytest.fixture
def others(sql: Sql) -> Iterator[Callable[[], None]]:
    """Starts threads that insert and delete heroes all the time."""
    enough, started = threading.Event(), threading.Event()

    def write() -> None:
        while not enough.is_set():
            sql("INSERT INTO hero (name, secret_name) VALUES ('Deadpond', 'Dive Wilson')")
            sql("DELETE FROM hero WHERE id = (SELECT min(id) FROM hero)")
            started.set()

    def start() -> None:
        writers.append(threads.submit(write))
        assert started.wait(30)

    writers: list[Future[None]] = []
    with ThreadPoolExecutor() as threads:
        yield start
        enough.set()
    for writer in writers:
        writer.result()


@slow_on_postgresql
@pytest.mark.parametrize("fast_execution", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_root_fields_of_a_query_see_one_state(
    serve: Callable[..., Client],
    database_url: str,
    others: Callable[[], None],
    *,
    fast_execution: bool,
) -> None:
    api = serve(fast_execution=fast_execution)
    set_up(database_url, heroes=100)
    others()
    for turn in range(100):
        data = api.data(FRAGMENTS if turn % 2 else f"{{ {FIELDS} }}")
        pages = [page for name, page in data.items() if name != "__typename"]
        assert len(pages) == 10
        assert all(page == pages[0] for page in pages)


def test_the_next_query_sees_the_next_state(api: Client) -> None:
    for turn in range(3):
        assert api.data("{ one: heroes { name } two: heroes { name } }") == {
            name: [{"name": "Deadpond"}] * turn for name in ("one", "two")
        }
        api.create()
