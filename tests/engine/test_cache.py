"""The document cache: which documents it keeps, and that no client empties it for others."""

import asyncio
import gc

import pytest

from graph.app import limits_of
from graph.engine import limits
from graph.engine.definitions import core_schema
from graph.engine.documents import CACHED_TOKENS, LARGEST_TOKENS, Documents
from graph.hero.schema import schema
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import on_sqlite

pytestmark = on_sqlite

QUERY = "{ heroes { id name } }"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that were parsed, in order."""
    texts: list[str] = []
    parse = limits.parse_within_limits

    def counted(query: str, *arguments: object) -> object:
        texts.append(query)
        return parse(query, *arguments)  # type: ignore[arg-type] # (passed through)

    monkeypatch.setattr("graph.engine.documents.parse_within_limits", counted)
    return texts


def padded(query: str, number: int, length: int) -> str:
    """The query, padded to a unique text of this length."""
    return f"{query} #{number:05}".ljust(length, "x")


def test_a_document_is_prepared_once(api: Client, prepared: list[str]) -> None:
    for _ in range(3):
        api.data(QUERY)
    assert prepared == [QUERY]


def test_a_document_that_arrives_twice_at_once_is_prepared_once(prepared: list[str]) -> None:
    async def find() -> None:
        documents = Documents(core_schema(schema), limits_of(Settings()), introspection=True)
        first, second = await asyncio.gather(documents.find(QUERY), documents.find(QUERY))
        assert first is second

    asyncio.run(find())
    assert prepared == [QUERY]


def test_a_long_document_evicts_no_other(api: Client, prepared: list[str]) -> None:
    api.data(QUERY)
    for number in range(3):
        api.data(padded(QUERY, number, 99_000))
    prepared.clear()
    api.data(QUERY)
    assert prepared == []


@pytest.mark.parametrize("invalid", ["{", "{ villains }", "{ " + "__typename " * 1_001 + "}"])
def test_an_invalid_document_evicts_no_other(
    api: Client, prepared: list[str], invalid: str
) -> None:
    api.data(QUERY)
    for number in range(CACHED_TOKENS // LARGEST_TOKENS + 2):
        api.execute(padded(invalid, number, 10 * LARGEST_TOKENS))
    prepared.clear()
    api.data(QUERY)
    assert prepared == []


def test_plans_count_towards_the_size(api: Client, prepared: list[str]) -> None:
    query = "query ($a: Boolean!, $b: Boolean!) { heroes { id @skip(if: $a) name @skip(if: $b) } }"
    texts = [padded(query, number, 1_000) for number in range(70)]
    assert sum(map(len, texts)) // 10 < CACHED_TOKENS
    for text in texts:
        for a, b in ((True, False), (False, True), (False, False)):
            api.data(text, a=a, b=b)
    assert prepared == texts
    prepared.clear()
    api.data(texts[-1], a=True, b=False)
    assert prepared == []
    api.data(texts[0], a=True, b=False)
    assert prepared == [texts[0]]


def test_new_documents_cause_no_full_collection(api: Client) -> None:
    full: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        # Python starts its own collections at a threshold of allocations.
        if phase == "start" and info["generation"] == 2:
            full.append(phase)

    thresholds = gc.get_threshold()
    gc.set_threshold(thresholds[0], thresholds[1], 1_000_000)
    gc.callbacks.append(note)
    try:
        for number in range(20):
            fields = " ".join([f"a{n}: hero(id: {number}) {{ id name }}" for n in range(15)])
            api.post({"query": f"query New{number} {{ {fields} }}"})
        assert not full
        assert gc.collect() < 10_000  # 60,000 objects in cycles
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*thresholds)
