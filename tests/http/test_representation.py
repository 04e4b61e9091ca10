"""Headers of responses for caches, entity tags and compression."""

import gzip
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.support.client import Client
from tests.support.databases import on_sqlite

pytestmark = on_sqlite

PAGE = "{ heroes { id name age secretName } }"


def tag(api: Client, query: str = PAGE, **headers: str) -> str:
    """Entity tag of a query's response."""
    response = api.http.get("/graphql", params={"query": query}, headers=headers)
    assert response.status_code == 200
    return response.headers["etag"]


def test_a_query_by_get_is_revalidated_with_its_tag(api: Client) -> None:
    api.create("Deadpond")
    first = tag(api)
    for given in (first, f'"x", {first}', "*", first.removeprefix("W/")):
        response = api.http.get(
            "/graphql", params={"query": PAGE}, headers={"if-none-match": given}
        )
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == first
        assert response.headers["cache-control"] == "no-cache"
    api.create("Rusty-Man")
    changed = api.http.get("/graphql", params={"query": PAGE}, headers={"if-none-match": first})
    assert changed.status_code == 200
    assert len(changed.json()["data"]["heroes"]) == 2
    assert changed.headers["etag"] != first


def test_the_tag_depends_on_the_media_type(api: Client) -> None:
    assert tag(api) == tag(api)
    assert tag(api) != tag(api, accept="application/graphql-response+json")


def test_no_cache_keeps_an_error(api: Client) -> None:
    for query in (
        "{ hero }",
        "{",
        "{ heroes(limit: 101) { id } }",
        "mutation { deleteHero(id: 1) { id } }",
        "",
    ):
        response = api.http.get("/graphql", params={"query": query})
        assert "errors" in response.json()
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers


def test_an_answer_by_post_has_no_tag(api: Client) -> None:
    response = api.post({"query": PAGE}, headers={"if-none-match": tag(api)})
    assert response.status_code == 200
    assert not {"etag", "cache-control"} & response.headers.keys()


def test_a_shared_cache_may_store_answers_if_configured(serve: Callable[..., Client]) -> None:
    api = serve(cache_control="public, max-age=60")
    response = api.http.get("/graphql", params={"query": PAGE})
    assert response.headers["cache-control"] == "public, max-age=60"
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    failed = api.http.get("/graphql", params={"query": "{"})
    assert failed.headers["cache-control"] == "no-store"


def test_a_shared_cache_distinguishes_tokens(serve: Callable[..., Client]) -> None:
    api = serve(token="secret", cache_control="public, max-age=60")  # noqa: S106 (a test's own)
    response = api.http.get(
        "/graphql", params={"query": PAGE}, headers={"authorization": "Bearer secret"}
    )
    assert response.headers["vary"] == "Accept, Accept-Encoding, Authorization"
    assert api.http.get("/graphql", params={"query": PAGE}).headers["cache-control"] == "no-store"


def fill(api: Client) -> None:
    """Create the heroes of a page."""
    fields = " ".join(
        f'h{n}: createHero(input: {{ name: "Hero {n}", secretName: "Secret {n}" }}) {{ id }}'
        for n in range(10)
    )
    for _ in range(10):
        api.data(f"mutation {{ {fields} }}")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_page_is_compressed_and_one_hero_is_not(api: Client, method: str) -> None:
    fill(api)
    length = {}
    for query in (PAGE, "{ hero(id: 1) { id name age secretName } }"):
        for accepted in ("gzip, br", "identity"):
            request = api.http.build_request(
                method,
                "/graphql",
                json={"query": query} if method == "POST" else None,
                params={"query": query} if method == "GET" else None,
                headers={"accept-encoding": accepted},
            )
            response = api.http.send(request, stream=True)
            with closing(response):
                raw = b"".join(response.iter_raw())
            length[query, accepted] = len(raw)
            assert int(response.headers["content-length"]) == len(raw)
            coded = query == PAGE and accepted != "identity"
            assert response.headers.get("content-encoding") == ("gzip" if coded else None)
            plain = gzip.decompress(raw) if coded else raw
            assert plain == api.post({"query": query}).content
    assert length[PAGE, "gzip, br"] < length[PAGE, "identity"] / 3


def test_accept_encoding_decides(api: Client) -> None:
    fill(api)
    for accepted, coding in (
        ("gzip;q=0.5", "gzip"),
        ("*", "gzip"),
        ("GZIP", "gzip"),
        ("gzip;q=0", None),
        ("*, gzip;q=0", None),
        ("br", None),
        ("gzip;q=x", None),
        ("", None),
    ):
        response = api.post({"query": PAGE}, headers={"accept-encoding": accepted})
        assert response.headers.get("content-encoding") == coding, accepted
        assert len(response.json()["data"]["heroes"]) == 100


def test_the_tag_is_the_same_for_every_coding(api: Client) -> None:
    fill(api)
    assert tag(api, **{"accept-encoding": "gzip"}) == tag(api, **{"accept-encoding": "identity"})
