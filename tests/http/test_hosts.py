"""Requests for other hosts are refused (DNS rebinding)."""

from collections.abc import Callable

import httpx
import pytest
from pydantic import ValidationError

from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.raw_http import exchange
from tests.support.response_shape import code
from tests.support.service_process import service

pytestmark = on_sqlite

ALLOWED = "example.org, *.example.net,127.0.0.1,10.0.0.0/8,[::1],2001:db8::/32"


def ask(url: str, host: str, path: str = "/graphql?query={__typename}") -> httpx.Response:
    """The answer to a request for this host."""
    head = f"GET {path} HTTP/1.1\r\nConnection: close\r\nHost: {host}\r\n\r\n"
    return exchange(url, head.encode("latin-1"))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.org", True),
        ("EXAMPLE.org:8000", True),
        ("example.org.", True),
        ("a.example.net", True),
        ("a.b.example.net:80", True),
        ("127.0.0.1:8000", True),
        ("10.1.2.3", True),
        ("[::1]", True),
        ("[::1]:8000", True),
        ("[2001:DB8::1]:1", True),
        ("", False),
        (":80", False),
        ("localhost", False),
        ("a.example.org", False),
        ("example.org.evil.example", False),
        ("evilexample.org", False),
        ("example.net", False),
        ("evilexample.net", False),
        ("*.example.net", True),  # an odd name below the domain
        ("127.0.0.2", False),
        ("127.1", False),
        ("11.0.0.1", False),
        ("[::2]", False),
        ("[::1]evil.example", False),
        ("[::1", False),
        ("::1", False),
        ("evil.example@example.org", False),
        ("example.org@evil.example", False),
        ("example.org/evil", False),
        ("example.org:80:80", False),
        ("example.org evil", False),
        ("ex\xe4mple.org", False),
    ],
)
def test_a_request_for_a_host(share: Callable[..., Client], host: str, allowed: bool) -> None:  # noqa: FBT001 (as parametrize passes it)
    response = ask(share(allowed_hosts=ALLOWED).url, host)
    assert response.status_code == (200 if allowed else 421)
    if not allowed:
        assert code(response) == "BAD_REQUEST"
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/", "/health", "/ready", "/graphql", "/graphql/explorer/licenses.txt", "/nowhere"]
)
@pytest.mark.parametrize("settings", [{}, {"cors_origins": "http://evil.example"}])
def test_every_path_is_guarded(
    share: Callable[..., Client], path: str, settings: dict[str, str]
) -> None:
    api = share(allowed_hosts="127.0.0.1", **settings)
    headers = {"host": "evil.example", "origin": "http://evil.example", "accept": "text/html, */*"}
    for method in ("GET", "POST", "OPTIONS"):
        response = api.http.request(method, path, headers=headers)
        assert response.status_code == 421
        assert code(response) == "BAD_REQUEST"


def test_an_operation_for_another_host_is_not_executed(serve: Callable[..., Client]) -> None:
    api = serve(allowed_hosts="127.0.0.1")
    create = {"query": 'mutation { createHero(input: {name: "a", secretName: "b"}) { id } }'}
    assert api.post(create, headers={"host": "evil.example"}).status_code == 421
    assert api.heroes() == []


def test_http_1_0_needs_no_host(serve: Callable[..., Client]) -> None:
    url = serve(allowed_hosts="example.org").url
    assert exchange(url, b"GET /health HTTP/1.0\r\n\r\n").status_code == 200
    head = b"GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n"
    assert exchange(url, head).status_code == 421


def send(url: str, target: str, host: str = "", lines: str = "") -> httpx.Response:
    """The answer to a GET of this target."""
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n"
    return exchange(url, head.encode())


@pytest.mark.parametrize("lines", ["", "Connection: upgrade\r\nUpgrade: h2c\r\n"])
@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://example.org/health", "evil.example", 200),
        ("HTTPS://EXAMPLE.ORG:8000/health?x=/", "evil.example", 200),
        ("http://example.org/graphql?query={__typename}", "evil.example", 200),
        ("http://[::1]:80/health", "evil.example", 200),
        ("http://example.org", "evil.example", 307),
        ("http://example.org?x=1", "evil.example", 307),
        ("http://evil.example/health", "example.org", 421),
        ("http://evil.example", "example.org", 421),
        ("http://example.org.evil.example/health", "example.org", 421),
        ("http://evil.example?@example.org/health", "example.org", 421),
        ("http://evil.example@example.org/health", "example.org", 400),
        ("http://example.org@evil.example/health", "example.org", 400),
        ("http:///health", "example.org", 400),
        ("ftp://example.org/health", "example.org", 400),
        ("example.org/health", "example.org", 400),
        ("//evil.example/health", "example.org", 404),
        ("*", "example.org", 404),
    ],
)
def test_the_host_of_an_absolute_target_is_checked(
    share: Callable[..., Client], target: str, host: str, status: int, lines: str
) -> None:
    response = send(share(allowed_hosts=ALLOWED).url, target, host, lines)
    assert response.status_code == status


def test_an_absolute_target_of_http_1_0_names_a_host(share: Callable[..., Client]) -> None:
    url = share(allowed_hosts=ALLOWED).url
    for host, status in (("evil.example", 421), ("example.org", 200)):
        head = f"GET http://{host}/health HTTP/1.0\r\n\r\n"
        assert exchange(url, head.encode()).status_code == status


@pytest.mark.parametrize("settings", [{}, {"allowed_hosts": "*"}, {"allowed_hosts": "a,*"}])
def test_any_host_by_default(serve: Callable[..., Client], settings: dict[str, str]) -> None:
    assert ask(serve(**settings).url, "anything.example").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "settings", "guarded"),
    [
        ((), {}, True),
        pytest.param(("--workers", "2"), {}, True, marks=pytest.mark.slow),
        pytest.param(("--reload",), {}, True, marks=pytest.mark.slow),
        pytest.param(("--host", "localhost"), {}, True, marks=pytest.mark.slow),
        pytest.param((), {"token": "secret"}, False, marks=pytest.mark.slow),
        pytest.param((), {"allowed_hosts": "*"}, False, marks=pytest.mark.slow),
        pytest.param(
            (), {"allowed_hosts": "evil.example, 127.0.0.1"}, False, marks=pytest.mark.slow
        ),
        pytest.param(("--host", "0.0.0.0"), {}, False, marks=pytest.mark.slow),  # noqa: S104 (only the test connects)
    ],
)
def test_serve_refuses_other_hosts_on_loopback_without_a_token(
    database_url: str,
    arguments: tuple[str, ...],
    settings: dict[str, str],
    guarded: bool,  # noqa: FBT001 (as above)
) -> None:
    with service(database_url, *arguments, **settings) as running:
        for host in ("localhost:1", "127.1.2.3", "[::1]:1"):
            expected = 421 if "evil" in settings.get("allowed_hosts", "") else 200
            assert ask(running.url, host, "/health").status_code == expected, host
        for _ in range(8):  # whichever process answers
            answer = ask(running.url, "evil.example", "/health")
            assert answer.status_code == (421 if guarded else 200)


@pytest.mark.parametrize(
    "value",
    ["http://example.org", "example.org:80", "a*", "*.*", "*.", "a..b", "10.0.0.1/8", "a/b", "ä"],
)
def test_an_invalid_allowed_host_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GRAPH_ALLOWED_HOSTS", f"example.org, {value}")
    with pytest.raises(ValidationError, match="is not a host"):
        Settings()
