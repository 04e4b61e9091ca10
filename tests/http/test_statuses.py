"""Media type and status of responses (GraphQL over HTTP, "Response")."""

import json
import re
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.databases import Sql, on_sqlite
from tests.support.posted_text import GRAPHQL_JSON, JSON, post
from tests.support.raw_http import connected, read_to_the_end
from tests.support.response_shape import code

pytestmark = on_sqlite


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        (", ,", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (f"{JSON}, */*", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (GRAPHQL_JSON.upper(), GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, */*", GRAPHQL_JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON};q=0.9, {GRAPHQL_JSON};q=0.5", JSON),
        (f"{JSON};charset=utf-8;q=0.9, {GRAPHQL_JSON} ; q=0.5", JSON),
        (f"{GRAPHQL_JSON};q=0.5, */*;q=0.9", JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"{GRAPHQL_JSON};q=nan, */*;q=0.1", JSON),
        (f"{JSON};q=0, */*;q=0.1", GRAPHQL_JSON),
        (f"{JSON};q=0, application/*", GRAPHQL_JSON),
        (f"text/html, {GRAPHQL_JSON};q=0.1", GRAPHQL_JSON),
    ],
)
def test_the_media_type_of_the_answer(shared: Client, accept: str, media_type: str) -> None:
    response = post(shared, '{"query": "{ unknown }"}', accept=accept)
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.status_code == (422 if media_type == GRAPHQL_JSON else 200)
    assert code(response) == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "text/plain, text/event-stream;q=0",
        "text/html",
        f"{GRAPHQL_JSON};q=0",
        f"{GRAPHQL_JSON};q=0.0, {JSON};q=0, */*;q=0.000",
        f"{GRAPHQL_JSON};q=much",
        f"{GRAPHQL_JSON}x",
        ",;,=;q",
        "x/y," * 50 + JSON,
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_client_that_does_not_accept_json_gets_406(api: Client, method: str, accept: str) -> None:
    create = 'mutation { createHero(input: {name: "a", secretName: "b"}) { id } }'
    if method == "POST":
        response = post(api, json.dumps({"query": create}), accept=accept)
    else:
        query = {"query": "{ heroes { id } }"}
        response = api.http.get("/graphql", params=query, headers={"accept": accept})
    assert response.status_code == 406
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert code(response) == "BAD_REQUEST"
    assert api.heroes() == []


def test_lines_of_one_header_are_one_list(shared: Client) -> None:
    lines = [("accept", f"{GRAPHQL_JSON};q=0.5"), ("accept", "image/png"), ("x", "y")]
    query = {"query": "{ __typename }"}
    response = shared.http.get("/graphql", params=query, headers=lines)
    assert response.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"


@pytest.mark.parametrize(
    ("request_", "expected", "status"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED", 400),
        ({"query": "   # nothing"}, "GRAPHQL_PARSE_FAILED", 400),
        ({"query": "{ unknown }"}, "GRAPHQL_VALIDATION_FAILED", 422),
        ({"query": "subscription { a }"}, "GRAPHQL_VALIDATION_FAILED", 422),
        ({"query": "type A { a: Int }"}, "GRAPHQL_VALIDATION_FAILED", 422),
        ({"query": "query($a: Int!) { heroes(limit: $a) { id } }"}, "BAD_USER_INPUT", 422),
        ({"query": "{ " + "__typename " * 1_000 + "}"}, "OPERATION_TOO_COMPLEX", 422),
        ({"documentId": "unknown"}, "PERSISTED_QUERY_NOT_FOUND", 404),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_operation_that_is_not_executed_has_no_data(
    shared: Client, method: str, request_: dict[str, Any], expected: str, status: int
) -> None:
    for accept, better in ((JSON, 200), (GRAPHQL_JSON, status)):
        headers = {"accept": accept}
        response = (
            shared.post(request_, headers=headers)
            if method == "POST"
            else shared.http.get("/graphql", params=request_, headers=headers)
        )
        assert response.status_code == better
        assert response.json().keys() == {"errors"}
        assert code(response) == expected


def test_an_operation_that_fails_is_a_partial_success(shared: Client) -> None:
    query = {"query": "{ heroes(limit: 101) { id } }"}
    for accept, status in ((JSON, 200), ("*/*", 200), (GRAPHQL_JSON, 294)):
        headers = {"accept": accept}
        for response in (
            shared.post(query, headers=headers),
            shared.http.get("/graphql", params=query, headers=headers),
        ):
            assert response.status_code == status
            assert response.json()["data"] is None
            assert code(response) == "BAD_USER_INPUT"


def test_an_operation_with_a_failed_field_is_a_partial_success(api: Client, sql: Sql) -> None:
    sql("ALTER TABLE hero RENAME TO elsewhere")
    query = {"query": "{ hero(id: 1) { id } __typename }"}
    for accept, status in ((JSON, 200), (GRAPHQL_JSON, 294)):
        response = api.post(query, headers={"accept": accept})
        assert response.status_code == status
        assert response.json()["data"] == {"hero": None, "__typename": "Query"}
        assert "errors" in response.json()


def test_the_status_line_of_a_partial_success(shared: Client) -> None:
    query = b'{"query": "{ heroes(limit: 101) { id } }"}'
    with connected(shared.url) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nAccept: application/graphql-response+json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(query), query)
        )
        answer = read_to_the_end(connection)
    # The space is required where there is no reason phrase (RFC 9112, section 4).
    assert re.match(rb"HTTP/1\.1 294 ([A-Z][A-Za-z ]+)?\r\n", answer)


def test_a_batch_is_plain_json(shared: Client) -> None:
    batch = [{"query": "{ __typename }"}, {"query": "{"}]
    response = shared.post(batch, headers={"accept": GRAPHQL_JSON})
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert response.status_code == 200
