"""GraphQL over HTTP: which methods, content types, bodies and URLs are accepted."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support.client import Client
from tests.support.databases import on_sqlite, slow_on_postgresql
from tests.support.posted_text import GRAPHQL_JSON, JSON, post
from tests.support.response_shape import code, labelled

TYPENAME = '{"query": "{ __typename }"}'


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
        (b'["\\ud800", %s]' % (b"[" * 45_000 + b"]" * 45_000), 400),
        (b'["\\ud800", NaN]', 400),
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
def test_an_invalid_body_is_a_bad_request(shared: Client, body: bytes, status: int) -> None:
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
def test_a_content_type_that_is_refused(shared: Client, headers: dict[str, str]) -> None:
    response = post(shared, TYPENAME, **headers)
    assert response.status_code == 415
    assert code(response) == "BAD_REQUEST"


def test_a_query_by_get(shared: Client) -> None:
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
def test_an_invalid_query_string_is_a_bad_request(
    shared: Client, query_string: str, status: int
) -> None:
    for accept, expected in ((JSON, 400), (GRAPHQL_JSON, status)):
        response = shared.http.get(f"/graphql?{query_string}", headers={"accept": accept})
        assert response.status_code == expected
        assert code(response) == "BAD_REQUEST"


@on_sqlite
@pytest.mark.parametrize("accept", [JSON, "text/html, */*;q=0.5"])
@pytest.mark.parametrize("token", [None, "secret"])
def test_many_parameters_are_refused_before_they_are_parsed(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, accept: str, token: str | None
) -> None:
    parsed: list[object] = []

    def parse(query_string: str, **options: Any) -> list[tuple[str, str]]:
        parsed.append(query_string)
        return parse_qsl(query_string, **options)

    monkeypatch.setattr("graph.http.request.parse_qsl", parse)
    api = serve(token=token)
    least = "query={__typename}" + "".join([f"&a{n}" for n in range(99)])
    for query_string, status in ((least, 200), (least + "&a", 400)):
        response = api.http.get(f"/graphql?{query_string}", headers={"accept": accept})
        assert response.status_code == (status if token is None else 401)
    assert not [each for each in parsed if str(each).count("&") > 99]


@slow_on_postgresql
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
def test_other_methods_are_refused(shared: Client, method: str) -> None:
    response = shared.http.request(method, "/graphql?query={__typename}")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    if method != "HEAD":
        assert code(response) == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["/nowhere", "/graphql/", "/graphql/x", "/docs", "/%ff"])
def test_other_paths_are_not_found(shared: Client, path: str) -> None:
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
