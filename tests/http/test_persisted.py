"""Automatic persisted queries, and trusted documents."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from graph.http.persisted_queries import LONGEST_STORED, STORED_CHARACTERS
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.databases import on_sqlite

pytestmark = on_sqlite

QUERY = "query Name($id: ID!) { hero(id: $id) { name } }"
OTHER = "{ heroes { id } }"


def sha(query: str) -> str:
    """Hash by which Apollo's clients name a query."""
    return sha256(query.encode()).hexdigest()


def persisted(query_hash: str, **fields: Any) -> dict[str, Any]:
    """Request parameters that name a query by its hash."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": query_hash}}, **fields}


def by_get(api: Client, fields: dict[str, Any]) -> httpx.Response:
    """The answer to a GET with these parameters."""
    encoded = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
    }
    return api.http.get("/graphql", params=encoded)


def code(response: httpx.Response) -> str:
    """The code of an answer's only error."""
    (error,) = response.json()["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_query_is_registered_once_and_then_named_by_its_hash(api: Client, method: str) -> None:
    send = api.post if method == "POST" else lambda fields: by_get(api, fields)
    hero = api.create("Deadpond")
    named = persisted(sha(QUERY), variables={"id": hero["id"]})
    unknown = send(named)
    assert (unknown.status_code, code(unknown)) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    expected = {"data": {"hero": {"name": "Deadpond"}}}
    assert send({**named, "query": QUERY}).json() == expected
    assert send(named).json() == expected


def test_a_mutation_can_be_named_too_but_not_by_get(api: Client) -> None:
    created = persisted(
        sha(CREATE), variables={"input": {"name": "Rusty-Man", "secretName": "Tommy Sharp"}}
    )
    assert api.post({**created, "query": CREATE}).json()["data"]["createHero"]["id"] == "1"
    assert api.post(created).json()["data"]["createHero"]["id"] == "2"
    assert by_get(api, created).status_code == 405
    assert len(api.heroes()) == 2


def test_a_hash_that_is_not_the_querys_registers_nothing(api: Client) -> None:
    wrong = api.post(persisted(sha(QUERY), query=OTHER))
    assert (wrong.status_code, code(wrong)) == (400, "BAD_REQUEST")
    assert code(api.post(persisted(sha(QUERY)))) == "PERSISTED_QUERY_NOT_FOUND"


def test_an_invalid_extension_is_a_bad_request(api: Client) -> None:
    unusable: list[object] = [1, {}, {"sha256Hash": "x"}, {"version": 2, "sha256Hash": "x"}]
    unusable += [{"version": 1}]
    unusable += [{"version": 1, "sha256Hash": value} for value in (7, None, ["x"])]
    for extension in unusable:
        response = api.post({"extensions": {"persistedQuery": extension}})
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST"), extension


def padded(number: int, length: int) -> str:
    """A new valid query of this length."""
    return f"{{ __typename }} #{number:05}".ljust(length, "x")


def test_the_store_has_an_upper_bound(api: Client) -> None:
    texts = [padded(n, LONGEST_STORED) for n in range(STORED_CHARACTERS // LONGEST_STORED + 1)]
    for text in texts:
        assert "data" in api.post(persisted(sha(text), query=text)).json()
    assert code(api.post(persisted(sha(texts[0])))) == "PERSISTED_QUERY_NOT_FOUND"
    for text in texts[1:]:
        assert "data" in api.post(persisted(sha(text))).json()


def test_a_long_text_is_executed_and_not_stored(api: Client) -> None:
    api.post(persisted(sha(QUERY), query=QUERY))
    for number in range(STORED_CHARACTERS // 90_000 + 1):
        text = padded(number, 90_000)
        assert "data" in api.post(persisted(sha(text), query=text)).json()
        assert code(api.post(persisted(sha(text)))) == "PERSISTED_QUERY_NOT_FOUND"
    assert "data" in api.post(persisted(sha(QUERY), variables={"id": "1"})).json()


@pytest.mark.parametrize(
    ("invalid", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ villains }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "__typename " * 1_001 + "}", "OPERATION_TOO_COMPLEX"),
    ],
)
def test_only_a_valid_text_is_stored(api: Client, invalid: str, expected: str) -> None:
    api.post(persisted(sha(QUERY), query=QUERY))
    for number in range(STORED_CHARACTERS // LONGEST_STORED + 1):
        text = f"{invalid} #{number}".ljust(LONGEST_STORED, "x")
        assert code(api.post(persisted(sha(text), query=text))) == expected
        assert code(api.post(persisted(sha(text)))) == "PERSISTED_QUERY_NOT_FOUND"
    assert "data" in api.post(persisted(sha(QUERY), variables={"id": "1"})).json()


@pytest.fixture
def trusting(serve: Callable[..., Client], tmp_path: Path) -> Client:
    """A service that trusts two documents."""
    documents = tmp_path / "documents.json"
    documents.write_text(json.dumps({"name-1": QUERY, f"sha256:{sha(CREATE)}": CREATE}))
    return serve(trusted_documents=str(documents))


def test_a_trusted_document_is_executed_by_id_hash_or_text(trusting: Client) -> None:
    for name in (
        persisted("name-1"),
        persisted(sha(QUERY)),
        persisted(sha(QUERY), query=QUERY),
        {"documentId": "name-1"},
        {"documentId": f"sha256:{sha(QUERY)}"},
        {"id": "name-1"},
        {"query": QUERY},
    ):
        body = {**name, "variables": {"id": "1"}}
        assert trusting.post(body).json() == {"data": {"hero": None}}, name
        assert by_get(trusting, body).json() == {"data": {"hero": None}}, name


def test_an_id_may_have_the_prefix_of_a_hash(trusting: Client) -> None:
    variables = {"input": {"name": "Rusty-Man", "secretName": "Tommy Sharp"}}
    for name in (sha(CREATE), f"sha256:{sha(CREATE)}"):
        for named in ({"documentId": name}, persisted(name)):
            answer = trusting.post({**named, "variables": variables}).json()
            assert answer["data"]["createHero"]["name"] == "Rusty-Man", named


def test_an_untrusted_document_is_refused(trusting: Client) -> None:
    unknown, refused = (200, "PERSISTED_QUERY_NOT_FOUND"), (403, "QUERY_NOT_IN_SAFELIST")
    for name, expected in (
        (persisted(sha(OTHER)), unknown),
        ({"documentId": "other"}, unknown),
        ({"query": OTHER}, refused),
        ({"query": f"{QUERY} "}, refused),
        ({"query": OTHER, "id": "name-1"}, refused),
        (persisted(sha(QUERY), query=OTHER), refused),
        (persisted(sha(OTHER), query=OTHER), refused),
        ({}, (400, "BAD_REQUEST")),
    ):
        for response in (trusting.post(name), by_get(trusting, name), trusting.post(name)):
            assert (response.status_code, code(response)) == expected, name


@pytest.mark.parametrize("content", [None, "[]", '{"a": 1}', "no JSON"])
def test_an_invalid_file_of_trusted_documents_stops_the_start(
    configure: Callable[..., Settings], tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "documents.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValidationError, match=r"documents\.json"):
        configure(trusted_documents=str(path))
