"""Generated requests of any shape: no status 500, and every error has a code."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from hypothesis import strategies as st

from graph.hero.schema import schema
from tests.support.client import CREATE, Client
from tests.support.databases import slow_on_postgresql
from tests.support.hypothesis_examples import check
from tests.support.response_shape import all_labelled

EXAMPLES = [25, pytest.param(400, marks=pytest.mark.slow)]
"""Number of examples."""

# With lone surrogates, so that the JSON below is escaped.
TEXT = st.text(max_size=50) | st.text(st.characters(categories=["Cs", "Cc", "Nd"]), max_size=5)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)

QUERIES = [
    "query($a: ID!) { hero(id: $a) { id } }",
    "query($a: Int!) { heroes(limit: $a) { id } }",
    "query($a: Int! = 0) { heroes(offset: $a) { name age } }",
    "query($a: Boolean!) { heroes { id @skip(if: $a) } }",
    "query($a: [ID]) { __typename }",
    "mutation($a: ID!) { deleteHero(id: $a) { id } }",
    CREATE.replace("$input", "$a"),
]

INPUTS = VALUES | st.fixed_dictionaries(
    {"name": TEXT, "secretName": TEXT}, optional={"age": VALUES, "more": VALUES}
)

HEADER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=80).map(
    lambda text: text.encode("latin-1").replace(b"\x7f", b"")
)

MEDIA_TYPES = st.lists(
    st.sampled_from(
        ["application/json", "application/graphql-response+json", "*/*", "text/html;", ";q=", "0.5"]
    ),
    max_size=6,
).map(lambda parts: ",".join(parts).encode())


@pytest.mark.parametrize("count", EXAMPLES)
def test_bytes(shared: Client, count: int) -> None:
    def send(body: bytes) -> None:
        response = shared.http.post(
            "/graphql", content=body, headers={"content-type": "application/json"}
        )
        assert all("errors" in body for body in all_labelled(response))

    parts = st.sampled_from(
        [b"{", b"}", b"[", b'"query"', b":", b'"{__typename}"', b"\\u", b"null"]
    )
    check(count, st.binary() | st.lists(parts | st.binary(max_size=2)).map(b"".join), send)


@pytest.mark.parametrize("count", EXAMPLES)
def test_json_of_any_shape(shared: Client, count: int) -> None:
    def send(body: Any) -> None:
        response = shared.http.post(
            "/graphql", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        all_labelled(response)

    requests = st.fixed_dictionaries(
        {"query": st.sampled_from(["{ __typename }", "query A { __typename }"]) | VALUES},
        optional={"variables": VALUES, "operationName": VALUES, "extensions": VALUES},
    )
    check(count, VALUES | requests, send)


@pytest.mark.parametrize("count", EXAMPLES)
def test_variables(api: Client, count: int) -> None:
    def send(example: tuple[str, Any]) -> None:
        query, value = example
        all_labelled(api.post({"query": query, "variables": {"a": value}}))

    check(count, st.tuples(st.sampled_from(QUERIES), INPUTS), send)


@pytest.mark.parametrize("count", EXAMPLES)
def test_query_strings(shared: Client, count: int) -> None:
    def send(pairs: list[tuple[str, str]]) -> None:
        all_labelled(shared.http.get(f"/graphql?{urlencode(pairs)}"))

    names = st.sampled_from(["query", "variables", "operationName", "extensions", "x"])
    values = st.sampled_from(["{__typename}", "{}", "[]", "null"]) | st.text(max_size=20)
    check(count, st.lists(st.tuples(names, values), max_size=5), send)


@pytest.mark.parametrize("count", EXAMPLES)
def test_headers(shared: Client, count: int) -> None:
    def send(headers: dict[bytes, bytes]) -> None:
        response = shared.http.post(
            "/graphql", content=b'{"query": "{ __typename }"}', headers=headers
        )
        all_labelled(response)

    names = [
        "accept",
        "content-type",
        "content-encoding",
        "authorization",
        "origin",
        "x-request-id",
    ]
    known = {name.encode(): HEADER | MEDIA_TYPES for name in names}
    check(count, st.fixed_dictionaries({}, optional=known), send)


@slow_on_postgresql
@pytest.mark.parametrize("count", EXAMPLES)
def test_schemathesis(api: Client, count: int) -> None:
    def send(case: Any) -> None:  # a `Case`, whose own type has no public arguments
        answer = case.call(base_url=f"{api.url}/graphql")
        headers = {"content-type": answer.headers["content-type"][0]}  # its content is decompressed
        all_labelled(httpx.Response(answer.status_code, headers=headers, content=answer.content))

    loaded = schemathesis.graphql.from_file(schema.as_str())
    check(count, loaded.as_strategy(), send)
