"""Answers as JSON: one that is too large is not read or encoded whole."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from graph.engine.encoding import SLICE, Items, encode, encode_within
from tests.support.client import Client
from tests.support.components import require
from tests.support.databases import Sql
from tests.support.response_shape import code
from tests.support.service_process import service


class Text(str):
    """A subclass of str."""

    __slots__ = ()


HERO = {"id": "1", "name": "🦸", "age": None}
EDGES = Items([{"cursor": "a", "node": HERO}] * (SLICE + 1))
VALUES: list[Any] = [
    None,
    {},
    {"hero": HERO},
    {"heroes": Items()},
    {"heroes": Items([HERO])},
    {"heroes": Items([HERO] * SLICE), "more": Items([HERO] * (3 * SLICE + 1))},
    {"heroesConnection": {"edges": EDGES, "totalCount": 7}, "list": [[1.5, True], {}]},
    {"name": Text("a"), "list": [Text("b")]},
    {"name": "\ud800", "heroes": Items([HERO] * (SLICE + 1))},
    {"heroes": Items([{"name": "\ud800"}])},
]


@pytest.mark.parametrize("value", VALUES)
def test_the_text_is_the_same(value: Any) -> None:
    text = encode(value)
    assert encode_within(value, len(text)) == text
    assert encode_within(value, len(text) - 1) is None


@pytest.mark.parametrize("items", [list, Items])
def test_a_large_answer_is_not_encoded_whole(items: type, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [0]
    dumps = orjson.dumps

    def count(*args: Any) -> bytes:
        text = dumps(*args)
        made[0] += len(text)
        return text

    monkeypatch.setattr(orjson, "dumps", count)
    answer = {"heroesConnection": {"nodes": items([{"name": "a" * 1_000}] * 20 * SLICE)}}
    assert encode_within(answer, 1_500 * SLICE) is None
    assert made[0] < 3_000 * SLICE


def peak(pid: int) -> int:
    """Peak memory of a process, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


LARGE = {
    "sqlite": "replace(hex(zeroblob(200000)), '00', 'é')",
    "postgresql": "repeat('é', 200000)",
}
"""SQL of a text with 400,000 bytes."""

ROWS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100)
INSERT INTO hero (name, secret_name) SELECT 'a', {} FROM numbers
"""


@pytest.mark.parametrize("fast_execution", [True, False])
def test_large_rows_are_not_read_whole(
    database_url: str,
    sql: Sql,
    fast_execution: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    require(Path("/proc/self/status").is_file(), "the memory of processes is not in /proc")
    with (
        service(database_url, fast_execution=fast_execution, max_answer_bytes=200_000) as (
            url,
            process,
        ),
        Client(url) as api,
    ):
        sql(ROWS.format(LARGE[database_url.partition(":")[0]]))
        assert len(api.data("{ heroes { name } }")["heroes"]) == 100
        before = peak(process.pid)
        for query in (
            "{ heroes { secretName } }",
            "{ heroesConnection { edges { node { secretName } } } }",
            "{ heroStats { count } heroes { secretName } }",
            'mutation { deleteHeroes(where: {name: {eq: "a"}}, atMost: 100) { secretName } }',
        ):
            assert code(api.post({"query": query})) == "OPERATION_TOO_COMPLEX"
        assert peak(process.pid) - before < 15_000_000
        assert api.data("{ heroStats { count } }")["heroStats"]["count"] == 100
