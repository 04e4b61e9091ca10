"""Security headers, bearer tokens, and origins of cross-site requests."""

import re
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from graph.cli import is_loopback
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.response_shape import code, labelled
from tests.support.service_process import service

pytestmark = on_sqlite

TOKEN = "s3cret-~+/="  # noqa: S105 (of a test)
QUERY = {"query": "{ __typename }"}
ORIGIN = "https://app.example.org"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/graphql"),
        ("GET", "/graphql?query={__typename}"),
        ("GET", "/graphql"),
        ("PUT", "/graphql"),
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/ready"),
        ("GET", "/nowhere"),
        ("GET", "/graphql/explorer/nothing.js"),
        ("POST", "/health"),
    ],
)
def test_every_answer_has_the_headers(shared: Client, method: str, path: str) -> None:
    headers = shared.http.request(method, path).headers
    assert "server" not in headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_explorer_has_its_own_content_security_policy(shared: Client) -> None:
    headers = shared.http.get("/graphql", headers={"accept": "text/html"}).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xe9\xff",
        "Bearer " + "x" * 10_000,
    ],
)
def test_a_request_without_the_token_is_refused(
    share: Callable[..., Client], authorization: str | None
) -> None:
    api = share(token=TOKEN)
    headers: dict[bytes, bytes] = {}
    if authorization is not None:
        headers[b"authorization"] = authorization.encode("latin-1")
    mutation = {"query": 'mutation { deleteHero(id: "1") { id } }'}
    responses = [
        api.http.post("/graphql", json=QUERY, headers=headers),
        api.http.post("/graphql", json=mutation, headers=headers),
        api.http.post("/graphql", content=b"no json", headers=headers),
        api.http.get("/graphql", params=QUERY, headers=headers),
        api.http.get("/graphql", headers=headers),
        api.http.put("/graphql", headers=headers),
    ]
    for response in responses:
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert code(response) == "UNAUTHENTICATED"
        assert TOKEN not in response.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_request_with_the_token_is_answered(share: Callable[..., Client], scheme: str) -> None:
    api = share(token=TOKEN)
    headers = {"authorization": f"{scheme} {TOKEN}"}
    for response in (
        api.post(QUERY, headers=headers),
        api.http.get("/graphql", params=QUERY, headers=headers),
    ):
        assert labelled(response) == {"data": {"__typename": "Query"}}


def test_paths_without_data_need_no_token(
    share: Callable[..., Client],
) -> None:
    api = share(token=TOKEN)
    assert api.http.get("/health").status_code == 200
    assert api.http.get("/ready").status_code == 200
    page = api.http.get("/graphql", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


def test_an_origin_may_not_call_by_default(serve: Callable[..., Client]) -> None:
    api = serve()
    response = api.post(QUERY, headers={"origin": ORIGIN})
    assert not [name for name in response.headers if name.startswith("access-control")]
    response = api.http.options("/graphql", headers=preflight(ORIGIN))
    assert response.status_code == 405
    assert not [name for name in response.headers if name.startswith("access-control")]


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "content-type,authorization",
    }


def test_a_configured_origin_may_call(serve: Callable[..., Client]) -> None:
    api = serve(cors_origins=(ORIGIN, "http://localhost:5173"))
    for origin in (ORIGIN, "http://localhost:5173"):
        response = api.http.options("/graphql", headers=preflight(origin))
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == origin
        assert "origin" in response.headers["vary"].lower()
        allowed = response.headers["access-control-allow-headers"].lower()
        assert {"content-type", "authorization"} <= set(re.split(", ?", allowed))
        answers = [
            api.post(QUERY, headers={"origin": origin}),
            api.post({"query": "{"}, headers={"origin": origin}),
            api.http.post("/graphql", content=b"", headers={"origin": origin}),
        ]
        for response in answers:
            assert response.headers["access-control-allow-origin"] == origin
            assert "origin" in response.headers["vary"].lower()
            assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.org",
        "http://app.example.org",
        f"{ORIGIN}:8443",
        f"{ORIGIN}.evil.example",
        "https://evil-app.example.org",
        f"{ORIGIN}/",
        ORIGIN.upper(),
        "null",
        "*",
        "",
    ],
)
def test_a_similar_origin_may_not_call(share: Callable[..., Client], origin: str) -> None:
    api = share(cors_origins=(ORIGIN,))
    response = api.post(QUERY, headers={"origin": origin})
    assert "access-control-allow-origin" not in response.headers
    response = api.http.options("/graphql", headers=preflight(origin))
    assert "access-control-allow-origin" not in response.headers
    response = api.http.options("/graphql", headers=preflight(ORIGIN, "DELETE"))
    assert "DELETE" not in response.headers.get("access-control-allow-methods", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRAPH_TOKEN", ""),
        ("GRAPH_TOKEN", " "),
        ("GRAPH_TOKEN", "two words"),
        ("GRAPH_TOKEN", "tab\t"),
        ("GRAPH_TOKEN", "naïve"),
        ("GRAPH_CORS_ORIGINS", "*"),
        ("GRAPH_CORS_ORIGINS", "null"),
        ("GRAPH_CORS_ORIGINS", "example.org"),
        ("GRAPH_CORS_ORIGINS", f"{ORIGIN}/"),
        ("GRAPH_CORS_ORIGINS", f"{ORIGIN}/page"),
        ("GRAPH_CORS_ORIGINS", "https://*.example.org"),
        ("GRAPH_CORS_ORIGINS", "https://user@example.org"),
        ("GRAPH_CORS_ORIGINS", "HTTPS://EXAMPLE.ORG"),
        ("GRAPH_CORS_ORIGINS", "https://example.org:443"),
        ("GRAPH_CORS_ORIGINS", "http://example.org:80"),
        ("GRAPH_CORS_ORIGINS", f"{ORIGIN}, *"),
    ],
)
def test_an_invalid_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    (error,) = refused.value.errors()
    assert error["loc"] == (name.removeprefix("GRAPH_").lower(),)
    assert "input_value" not in str(refused.value)  # the value may be a secret


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 (what the test is about)
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_loopback_addresses(host: str, alone: bool) -> None:  # noqa: FBT001 (as above)
    assert is_loopback(host) == alone


@pytest.mark.parametrize(
    ("settings", "warnings"),
    [({}, 1), pytest.param({"token": TOKEN}, 0, marks=pytest.mark.slow)],
)
def test_a_warning_if_anyone_may_call(
    database_url: str, capfd: pytest.CaptureFixture[str], settings: dict[str, str], warnings: int
) -> None:
    with service(database_url, "--host", "0.0.0.0", **settings):  # noqa: S104 (as above)
        pass
    assert capfd.readouterr().err.count("GRAPH_TOKEN") == warnings
