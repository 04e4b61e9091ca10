"""GraphQL over HTTP: what is accepted, how it is answered, and how the rest is refused."""

import json
from typing import Any

import httpx
import pytest

from tests.client import Client
from tests.cluster import on_sqlite
from tests.shape import code, labelled

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
TYPENAME = '{"query": "{ __typename }"}'


def post(api: Client, content: str | bytes, **headers: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.http.post("/graphql", content=content, headers={"content-type": JSON, **headers})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b'{"query": "{ __ty',
        b'{"query": "\xff"}',
        b'{"query": "\xed\xa0\x80"}',
        TYPENAME.encode("utf-16"),
        b"\xef\xbb\xbf" + TYPENAME.encode("utf-16"),
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
        b'{"query": "{ __typename }", "variables": {"a": %s}}' % (b"9" * 5_000),
        b"[" * 99_999,
        b'{"a":' * 19_999,
        b'{"query": "{ __typename }", "variables": {"a": %s}}' % (b"[" * 45_000 + b"]" * 45_000),
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "variables": 0}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "operationName": ["A"]}',
        b'{"query": "{ __typename }", "operationName": "A"}',
        b'{"query": "{ __typename }", "operationName": "\\ud800"}',
        b'{"query": "query A { __typename } query B { __typename }"}',
        b'{"query": "{ __typename }", "extensions": 1}',
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_body_that_is_no_request(shared: Client, body: bytes) -> None:
    response = post(shared, body)
    assert response.status_code == 400
    assert code(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (r'{"query": "{ \ud800 }"}', ["GRAPHQL_PARSE_FAILED"]),
        (r'{"query": "{ hero(id: \"\ud800\") { id } }"}', ["GRAPHQL_PARSE_FAILED"]),
        (r'{"query": "{ hero(id: \"\\ud800\") { id } }"}', ["GRAPHQL_PARSE_FAILED"]),
        (r'{"query": "{ __typename }", "variables": {"\ud800": "\udfff"}}', []),
        (r'{"query": "{ __typename }", "extensions": {"\ud800": 1}}', []),
        (r'{"query": "query($a: ID!) { hero(id: $a) { id } }", "variables": {"a": "\ud800"}}', []),
        (
            r'{"query": "query($a: Int) { __typename }", "variables": {"a": "\ud8"}}',
            ["BAD_REQUEST"],
        ),
        (
            r'{"query": "query($a: Int!) {heroes(limit: $a) {id}}", "variables": {"a": "\udfff"}}',
            ["BAD_USER_INPUT"],
        ),
    ],
)
def test_lone_surrogates_anywhere(shared: Client, body: str, codes: list[str]) -> None:
    errors = labelled(post(shared, body)).get("errors", [])
    assert [error["extensions"]["code"] for error in errors] == codes


@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
def test_a_parameter_may_be_null(shared: Client, name: str) -> None:
    response = shared.post({"query": "{ __typename }", name: None})
    assert labelled(response) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; odd=1; charset=utf-8",
        "application/json;",
    ],
)
def test_a_content_type_that_is_accepted(shared: Client, content_type: str) -> None:
    assert "errors" not in labelled(post(shared, TYPENAME, content_type=content_type))


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": ""},
        {"content_type": "text/plain"},
        {"content_type": "application/graphql"},
        {"content_type": "application/jsonp"},
        {"content_type": "application/json, text/plain"},
        {"content_type": "application/json; charset=latin-1"},
        {"content_type": "application/json; charset=utf-8; charset=utf-16"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_encoding": "gzip"},
        {"content_encoding": "identity, br"},
    ],
)
def test_a_content_type_that_is_not(shared: Client, headers: dict[str, str]) -> None:
    response = post(shared, TYPENAME, **headers)
    assert response.status_code == 415
    assert code(response) == "BAD_REQUEST"


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
    assert response.status_code == (400 if media_type == GRAPHQL_JSON else 200)
    assert code(response) == "GRAPHQL_VALIDATION_FAILED"


@on_sqlite
@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "text/*",
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
def test_a_client_that_takes_no_json(api: Client, method: str, accept: str) -> None:
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
    ("request_", "expected"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "   # nothing"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ unknown }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { a }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "type A { a: Int }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query($a: Int!) { heroes(limit: $a) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "{ " + "__typename " * 1_000 + "}"}, "OPERATION_TOO_COMPLEX"),
    ],
)
def test_an_operation_that_is_not_executed_has_no_data(
    shared: Client, request_: dict[str, Any], expected: str
) -> None:
    for accept, status in ((JSON, 200), (GRAPHQL_JSON, 400)):
        response = shared.post(request_, headers={"accept": accept})
        assert response.status_code == status
        assert response.json().keys() == {"errors"}
        assert code(response) == expected


def test_an_operation_that_fails_is_a_success_of_http(shared: Client) -> None:
    for accept in (JSON, GRAPHQL_JSON):
        response = shared.post(
            {"query": "{ heroes(limit: 101) { id } }"}, headers={"accept": accept}
        )
        assert response.status_code == 200
        assert response.json()["data"] is None
        assert code(response) == "BAD_USER_INPUT"


def test_a_get(shared: Client) -> None:
    query = "query A($offset: Int!) { heroes(offset: $offset) { id } } query B { __typename }"
    parameters = {
        "query": query,
        "operationName": "A",
        "variables": '{"offset": 5}',
        "extensions": "",
    }
    assert labelled(shared.http.get("/graphql", params=parameters)) == {"data": {"heroes": []}}


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "query=%FF",
        "query={__typename}&variables=x",
        "query={__typename}&variables=[]",
        "query={__typename}&variables=1",
        "query={__typename}&extensions=[]",
        "query={__typename}&operationName=A",
        "query={__typename}&query={__typename}",
        "query={__typename}&variables={}&variables={}",
    ],
)
def test_a_query_string_that_is_no_request(shared: Client, query_string: str) -> None:
    response = shared.http.get(f"/graphql?{query_string}")
    assert response.status_code == 400
    assert code(response) == "BAD_REQUEST"


def test_a_mutation_needs_post(api: Client) -> None:
    mutation = 'mutation B { createHero(input: {name: "a", secretName: "b"}) { id } }'
    for query in (mutation, f"query A {{ __typename }} {mutation}"):
        response = api.http.get("/graphql", params={"query": query, "operationName": "B"})
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert code(response) == "BAD_REQUEST"
    assert api.heroes() == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_other_methods(shared: Client, method: str) -> None:
    response = shared.http.request(method, "/graphql?query={__typename}")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    if method != "HEAD":
        assert code(response) == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["/nowhere", "/graphql/", "/graphql/x", "/docs", "/%ff"])
def test_other_paths(shared: Client, path: str) -> None:
    response = shared.http.get(path)
    assert response.status_code == 404
    assert code(response) == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["/", "/health", "/ready"])
def test_the_methods_of_other_paths(shared: Client, path: str) -> None:
    assert shared.http.head(path).status_code in {200, 307}
    response = shared.http.post(path)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert code(response) == "BAD_REQUEST"
