"""Batches: order, transactions and limits of several operations in one request."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph.engine.limits import parse_within_limits
from graph.engine.selection import has_inner_variables
from tests.support.client import CREATE, Client
from tests.support.databases import on_sqlite

DELETE = "mutation ($id: ID!) { deleteHero(id: $id) { id } }"


def create(name: str) -> dict[str, Any]:
    """The parameters of an operation that creates a hero."""
    return {"query": CREATE, "variables": {"input": {"name": name, "secretName": "x"}}}


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    """The bodies of a batch's answer."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    bodies = response.json()
    assert isinstance(bodies, list)
    return bodies


def code(body: dict[str, Any]) -> str:
    """The code of an answer's only error."""
    (error,) = body["errors"]
    return str(error["extensions"]["code"])


def test_operations_run_in_order_and_see_earlier_writes(api: Client) -> None:
    page = {"query": "{ heroes { id } }"}
    batch = [create("A"), page, create("B"), page, {"query": DELETE, "variables": {"id": "1"}}]
    bodies = answers(api.post(batch))
    assert [body["data"]["heroes"] for body in (bodies[1], bodies[3])] == [
        [{"id": "1"}],
        [{"id": "1"}, {"id": "2"}],
    ]
    assert bodies[2]["data"]["createHero"]["name"] == "B"
    assert bodies[4]["data"] == {"deleteHero": {"id": "1"}}
    assert [hero["id"] for hero in api.heroes()] == ["2"]


def test_each_operation_is_a_transaction_of_its_own(api: Client) -> None:
    failing = f"{CREATE[: CREATE.rindex('}')]} deleteHero(id: 99) {{ id }} }}"
    batch = [create("A"), {**create("never"), "query": failing}, create("B")]
    bodies = answers(api.post(batch))
    assert bodies[1]["data"] is None
    assert code(bodies[1]) == "NOT_FOUND"
    assert [hero["name"] for hero in api.heroes()] == ["A", "B"]


@on_sqlite
def test_an_invalid_operation_does_not_stop_the_others(api: Client) -> None:
    for count, (unusable, expected) in enumerate(
        (
            (7, "BAD_REQUEST"),
            ([], "BAD_REQUEST"),
            ({}, "BAD_REQUEST"),
            ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
            ({"query": "{ villains }"}, "GRAPHQL_VALIDATION_FAILED"),
            ({"query": "{ heroes { id } }", "operationName": "x"}, "BAD_REQUEST"),
            ({"query": DELETE}, "BAD_USER_INPUT"),
            ({"documentId": "x"}, "PERSISTED_QUERY_NOT_FOUND"),
        )
    ):
        first, second, third = answers(api.post([create("A"), unusable, create("B")]))
        assert code(second) == expected
        assert "data" not in second
        assert first["data"]["createHero"]["id"] == str(2 * count + 1)
        assert third["data"]["createHero"]["id"] == str(2 * count + 2)


@on_sqlite
def test_a_batch_over_its_limit_is_refused(serve: Callable[..., Client]) -> None:
    api = serve(batch_limit=3)
    assert len(answers(api.post([create("A")] * 3))) == 3
    refused = api.post([create("A")] * 4)
    assert (refused.status_code, code(refused.json())) == (400, "OPERATION_TOO_COMPLEX")
    assert len(api.heroes()) == 3


@on_sqlite
def test_ten_operations_are_allowed_by_default(api: Client) -> None:
    assert len(answers(api.post([create("A")] * 10))) == 10
    assert api.post([create("A")] * 11).status_code == 400


@on_sqlite
def test_an_empty_batch_is_a_bad_request(api: Client) -> None:
    response = api.post([])
    assert (response.status_code, code(response.json())) == (400, "BAD_REQUEST")


@on_sqlite
def test_batching_can_be_off(serve: Callable[..., Client]) -> None:
    api = serve(batch_limit=1)
    response = api.post([create("A")])
    assert (response.status_code, code(response.json())) == (400, "BAD_REQUEST")
    assert api.heroes() == []


@on_sqlite
@pytest.mark.parametrize(
    ("settings", "query", "fits"),
    [
        ({"max_rows": 100}, "{ heroes(limit: 25) { id } }", 4),
        ({"max_rows": 5}, "{ a: hero(id: 1) { id } b: hero(id: 2) { id } }", 2),
        ({"max_aliases": 7}, "{ a: hero(id: 1) { id } b: hero(id: 2) { id } }", 3),
        ({"max_tokens": 28}, "{ heroes { id } }", 4),
    ],
)
def test_limits_hold_over_the_whole_batch(
    serve: Callable[..., Client], settings: dict[str, int], query: str, fits: int
) -> None:
    api = serve(**settings)
    operation = {"query": query}
    assert all("errors" not in body for body in answers(api.post([operation] * fits)))
    over = answers(api.post([create("never"), *[operation] * (fits + 1)]))
    assert [code(body) for body in over] == ["OPERATION_TOO_COMPLEX"] * (fits + 2)
    assert api.data("{ heroes(limit: 1) { id } }") == {"heroes": []}


@on_sqlite
def test_rows_are_counted_with_each_operations_variables(
    serve: Callable[..., Client],
) -> None:
    api = serve(max_rows=100)
    query = "query ($limit: Int!) { heroes(limit: $limit) { id } }"
    batch = [{"query": query, "variables": {"limit": limit}} for limit in (60, 40)]
    assert all("data" in body for body in answers(api.post(batch)))
    batch.append({"query": query, "variables": {"limit": 1}})
    assert {code(body) for body in answers(api.post(batch))} == {"OPERATION_TOO_COMPLEX"}


@on_sqlite
@pytest.mark.parametrize("selected", ["__typename", "nothing"], ids=["valid", "invalid"])
def test_no_document_is_parsed_after_the_token_limit(
    api: Client, monkeypatch: pytest.MonkeyPatch, selected: str
) -> None:
    parsed: list[str] = []

    def parse(query: str, most: int) -> Any:
        parsed.append(query)
        return parse_within_limits(query, most)

    monkeypatch.setattr("graph.engine.documents.parse_within_limits", parse)
    query = " ".join(f"query Q{n} {{ {selected} }}" for n in range(190))
    batch = [{"query": f"{query} # {n}", "operationName": "Q0"} for n in range(10)]
    assert {code(body) for body in answers(api.post(batch))} == {"OPERATION_TOO_COMPLEX"}
    assert len(parsed) == 2


@on_sqlite
def test_a_fragment_is_visited_once_for_all_operations(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[object] = []

    def count(node: Any) -> bool:
        visited.append(node)
        return has_inner_variables(node)

    monkeypatch.setattr("graph.engine.limits.has_inner_variables", count)
    query = " ".join(f"query Q{n} {{ ...F }}" for n in range(100))
    query += " fragment F on Query { __typename }"
    response = api.post({"query": query, "operationName": "Q7"})
    assert response.json() == {"data": {"__typename": "Query"}}
    assert len(visited) == 1


@on_sqlite
def test_a_null_condition_fails_its_own_operation_alone(api: Client) -> None:
    query = "query($s: Boolean! = true) { heroes { id @skip(if: $s) } }"
    conditional = {"query": query, "variables": {"s": None}}
    bodies = answers(api.post([conditional, create("A"), conditional]))
    assert [code(body) for body in (bodies[0], bodies[2])] == ["BAD_USER_INPUT"] * 2
    assert bodies[1]["data"]["createHero"]["name"] == "A"
