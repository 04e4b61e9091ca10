"""GraphQL over HTTP: what is accepted, how it is answered, and how the rest is refused."""

import json
import re
from typing import Any

import httpx
import pytest

from tests.client import Client
from tests.cluster import Sql, on_sqlite
from tests.raw import connected, read_to_the_end
from tests.shape import code, labelled

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
TYPENAME = '{"query": "{ __typename }"}'


def post(api: Client, content: str | bytes, **headers: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.http.post("/graphql", content=content, headers={"content-type": JSON, **headers})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"query": "{ __ty', 400),
        (b'{"query": "\xff"}', 400),
        (b'{"query": "\xed\xa0\x80"}', 400),
        (TYPENAME.encode("utf-16"), 400),
        (b"\xef\xbb\xbf" + TYPENAME.encode("utf-16"), 400),
        (b'{"query": "{ __typename }", "variables": {"a": NaN}}', 400),
        (b'{"query": "{ __typename }", "variables": {"a": -Infinity}}', 400),
        (b'{"query": "{ __typename }", "variables": {"a": %s}}' % (b"9" * 5_000), 400),
        (b"[" * 99_999, 400),
        (b'{"a":' * 19_999, 400),
        (
            b'{"query": "{ __typename }", "variables": {"a": %s}}'
            % (b"[" * 45_000 + b"]" * 45_000),
            400,
        ),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"7", 422),
        (b"{}", 422),
        (b'{"qeury": "{ __typename }"}', 422),
        (b'{"query": null}', 422),
        (b'{"query": ""}', 422),
        (b'{"query": 1}', 422),
        (b'{"query": ["{ __typename }"]}', 422),
        (b'{"query": "{ __typename }", "variables": []}', 422),
        (b'{"query": "{ __typename }", "variables": "{}"}', 422),
        (b'{"query": "{ __typename }", "variables": 0}', 422),
        (b'{"query": "{ __typename }", "operationName": 1}', 422),
        (b'{"query": "{ __typename }", "operationName": ["A"]}', 422),
        (b'{"query": "{ __typename }", "operationName": "A"}', 422),
        (b'{"query": "{ __typename }", "operationName": "\\ud800"}', 422),
        (b'{"query": "query A { __typename } query B { __typename }"}', 422),
        (b'{"query": "{ __typename }", "extensions": 1}', 422),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else str(value),
)
def test_a_body_that_is_no_request(shared: Client, body: bytes, status: int) -> None:
    for accept, expected in ((JSON, 400), (GRAPHQL_JSON, status)):
        response = post(shared, body, accept=accept)
        assert response.status_code == expected
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert response.json().keys() == {"errors"}
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
    assert response.status_code == (422 if media_type == GRAPHQL_JSON else 200)
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


@on_sqlite
def test_an_operation_of_which_a_part_fails_is_one_too(api: Client, sql: Sql) -> None:
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
    ("query_string", "status"),
    [
        ("query=%FF", 400),
        ("query={__typename}&variables=x", 400),
        ("", 422),
        ("query=", 422),
        ("query={__typename}&variables=[]", 422),
        ("query={__typename}&variables=1", 422),
        ("query={__typename}&extensions=[]", 422),
        ("query={__typename}&operationName=A", 422),
        ("query={__typename}&query={__typename}", 422),
        ("query={__typename}&variables={}&variables={}", 422),
    ],
)
def test_a_query_string_that_is_no_request(shared: Client, query_string: str, status: int) -> None:
    for accept, expected in ((JSON, 400), (GRAPHQL_JSON, status)):
        response = shared.http.get(f"/graphql?{query_string}", headers={"accept": accept})
        assert response.status_code == expected
        assert code(response) == "BAD_REQUEST"


def test_a_mutation_needs_post(api: Client) -> None:
    mutation = 'mutation B { createHero(input: {name: "a", secretName: "b"}) { id } }'
    for query in (mutation, f"query A {{ __typename }} {mutation}"):
        for accept in (JSON, GRAPHQL_JSON):
            response = api.http.get(
                "/graphql",
                params={"query": query, "operationName": "B"},
                headers={"accept": accept},
            )
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
