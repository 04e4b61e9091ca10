"""Limits of rows, fields and bytes: no small document makes a large answer."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query

from graph.engine.errors import MAX_ERRORS
from graph.settings import Settings
from tests.load.worst import Example, search, service
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.response_shape import code, labelled

pytestmark = on_sqlite

DEFAULT = Settings.model_construct()

REPEATED = """
{ a: __schema { ...S } b: __schema { ...S } c: __schema { ...S } d: __schema { ...S } }
fragment S on __Schema { types { ...T } t: types { ...T } u: types { ...T } }
fragment T on __Type { fields { ...F } f: fields { ...F } g: fields { ...F } }
fragment F on __Field { name type { ...U } t: type { ...U } u: type { ...U } v: type { ...U } }
fragment U on __Type { name fields { name type { name ofType { name fields { name } } } } }
"""
"""A document of 600 bytes with a million fields and few aliases."""

ONE_OF = "{ __schema { types { isOneOf fields { type { isOneOf ofType { isOneOf } } } } } }"


def fields_of(value: Any) -> int:
    """Number of fields in an answer."""
    if isinstance(value, dict):
        return len(value) + sum(fields_of(inner) for inner in value.values())
    return sum(fields_of(inner) for inner in value) if isinstance(value, list) else 0


def test_repeated_introspection_is_refused(shared: Client) -> None:
    assert code(shared.post({"query": REPEATED})) == "OPERATION_TOO_COMPLEX"


def test_aliases_do_not_multiply_through_fragments(serve: Callable[..., Client]) -> None:
    api = serve(max_cost=100_000_000)
    assert code(api.post({"query": REPEATED})) == "OPERATION_TOO_COMPLEX"


def test_clients_introspection_is_within_the_limits(serve: Callable[..., Client]) -> None:
    api = serve(max_cost=DEFAULT.max_cost // 2)
    for options in ({}, {"specified_by_url": True, "schema_description": True}):
        query = get_introspection_query(
            directive_is_repeatable=True,
            input_value_deprecation=True,
            **options,
        )
        assert "errors" not in labelled(api.post({"query": query}))


def test_a_name_in_a_variable_counts_as_any_type(serve: Callable[..., Client]) -> None:
    query = "query($name: String!) { __type(name: $name) { fields { name } } }"
    for cost, refused in ((20, True), (1_000, False)):
        body = labelled(serve(max_cost=cost).post({"query": query, "variables": {"name": "Hero"}}))
        assert ("errors" in body) == refused


def test_introspection_of_is_one_of(shared: Client) -> None:
    types = labelled(shared.post({"query": ONE_OF.replace("isOneOf", "name isOneOf", 1)}))
    found = {each["name"]: each["isOneOf"] for each in types["data"]["__schema"]["types"]}
    assert found["CreateHeroInput"] is False
    assert found["Hero"] is None


def test_skipped_fields_cost_nothing(serve: Callable[..., Client]) -> None:
    api = serve(max_cost=150, max_rows=100)
    query = """
      query($more: Boolean!) {
        heroes { id }
        a: heroes @include(if: $more) { id }
        b: heroes @skip(if: true) { id }
        ... @include(if: $more) { c: heroes { id } }
      }
    """
    for more, refused in ((False, False), (True, True)):
        body = labelled(api.post({"query": query, "variables": {"more": more}}))
        assert ("errors" in body) == refused


def test_rows_before_an_offset_count(serve: Callable[..., Client]) -> None:
    api = serve(max_cost=1_000)
    query = "query($o: Int!) { heroes(offset: $o, limit: 100) { id } }"
    for offset, refused in ((269_999, False), (270_300, True), (2**31 - 1, True), (-1, False)):
        codes = [
            error["extensions"]["code"]
            for error in api.execute(query, o=offset).get("errors", ())
            if error["extensions"]["code"] != "BAD_USER_INPUT"
        ]
        assert codes == (["OPERATION_TOO_COMPLEX"] if refused else [])
        literal = query.replace("($o: Int!)", "").replace("$o", str(offset))
        assert ("OPERATION_TOO_COMPLEX" in str(api.execute(literal))) == refused


def test_an_offset_that_is_too_far_is_refused_by_its_name(api: Client) -> None:
    far = "{ heroes(offset: 2999999) { id } }"
    refused = api.execute(far)["errors"][0]["message"]
    assert "The offset 2999999 is too large" in refused
    assert "cursor" in refused
    batch = api.post([{"query": far}, {"query": far}]).json()
    assert all("300 rows before an offset" in each["errors"][0]["message"] for each in batch)


def test_errors_of_one_execution_are_few_and_logged_once(
    serve: Callable[..., Client], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api = serve()
    with closing(sqlite3.connect(tmp_path / "database.db")) as connection, connection:
        rows = [("A", "old", "x")] * 100
        connection.executemany("INSERT INTO hero (name, age, secret_name) VALUES (?, ?, ?)", rows)
    errors = api.execute("{ heroes { age } }")["errors"]
    assert len(errors) == MAX_ERRORS
    assert len({error["extensions"]["errorId"] for error in errors}) == 1
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_the_largest_allowed_answer(serve: Callable[..., Client]) -> None:
    size = len(b'{"heroes":[{"name":"AAAA"}]}')
    for most, refused in ((size, False), (size - 1, True)):
        api = serve(max_answer_bytes=most)
        if not api.execute("{ heroes(limit: 1) { id } }")["data"]["heroes"]:
            serve().create("AAAA")
        body = labelled(api.post({"query": "{ heroes { name } }"}))
        assert ("errors" in body) == refused


def test_a_mutation_whose_answer_is_too_large_stores_nothing(serve: Callable[..., Client]) -> None:
    api = serve(max_answer_bytes=60)
    query = "mutation($n: String!) { createHero(input: {name: $n, secretName: $n}) { name } }"
    body = labelled(api.post({"query": query, "variables": {"n": "A" * 100}}))
    assert body["errors"][0]["extensions"]["code"] == "OPERATION_TOO_COMPLEX"
    assert body["data"] is None
    assert serve().heroes() == []


def test_a_batch_is_limited_to_one_answers_size(serve: Callable[..., Client]) -> None:
    api = serve(max_answer_bytes=60)
    query = {"query": "{ a: __typename b: __typename }"}  # 27 bytes of data
    bodies = api.post([query] * 3).json()
    assert ["errors" in body for body in bodies] == [False, False, True]


def test_a_large_answer_is_refused(serve: Callable[..., Client], tmp_path: Path) -> None:
    api = serve()
    with closing(sqlite3.connect(tmp_path / "database.db")) as connection, connection:
        rows = [("\U0001f9b8" * 200, "\U0001f9b9" * 200)] * 100
        connection.executemany("INSERT INTO hero (name, secret_name) VALUES (?, ?)", rows)
    pages = " ".join(f"p{n}: heroes {{ name secretName }}" for n in range(9))
    for aliases, refused in ((2, False), (6, True)):  # 1.8 MB, and 2.1 MB
        names = " ".join(f"n{n}: name" for n in range(aliases))
        body = labelled(api.post({"query": f"{{ {pages} heroes {{ name secretName {names} }} }}"}))
        assert ("errors" in body) == refused


@pytest.mark.parametrize("count", [20, pytest.param(150, marks=pytest.mark.slow)])
def test_the_worst_documents_are_within_the_limits(tmp_path: Path, count: int) -> None:
    max_cost = 1_000  # some of the documents have more fields

    async def found() -> list[Example]:
        async with service(tmp_path, max_cost=max_cost) as app:
            return await search(app, count, 60)

    for example in asyncio.run(found()):
        assert example.status in {200, 400}, example
        assert len(example.answer) <= DEFAULT.max_answer_bytes + 100_000, example
        bodies = json.loads(example.answer)
        fields = sum(map(fields_of, bodies if isinstance(bodies, list) else [bodies]))
        assert fields <= max_cost, example
