"""The explorer's page and files: headers, compression, paths and size."""

import gzip
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from graph import explorer
from graph.engine.definitions import core_schema
from graph.hero.schema import schema
from tests.support.client import Client
from tests.support.components import require
from tests.support.databases import on_sqlite
from tests.support.raw_http import connected
from tests.support.served_app import serving
from tests.support.service_process import memory, service

pytestmark = on_sqlite

DIST = Path(explorer.__file__).parent / "dist"
PACKED = sorted(DIST.glob("*.gz"))
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
}


PAGE = explorer.Page(core_schema(schema), "Heroes", "hero-graph")

ROUTES = [Route("/graphql", PAGE), Route("/graphql/explorer/{name}", explorer.asset)]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Client of the explorer alone, at the root and under a mount."""
    app = Starlette(routes=[*ROUTES, Mount("/api", routes=ROUTES)])
    with serving(app) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def anywhere() -> Iterator[httpx.Client]:
    """Client of the page at any path."""
    with serving(PAGE) as url, httpx.Client(base_url=url) as client:
        yield client


def assets(html: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', html)


def test_page_headers(api: Client) -> None:
    response = api.http.get("/graphql", headers={"Accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; font-src 'self'; style-src 'self' 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["vary"] == "Accept"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_page_has_no_inline_script_and_no_other_host(client: httpx.Client) -> None:
    html = client.get("/graphql").text
    assert re.findall(r"<script[^>]*>(?!</script>)", html) == []
    assert "//" not in html
    assert "$assets" not in html


@pytest.mark.parametrize(
    "accept",
    [
        BROWSER,
        "text/html",
        "TEXT/HTML",
        "text/html, */*",
        "text/*",
        "application/json;q=0.8, text/html;q=0.9",
        "application/json;q=0, */*;q=0.5, text/html",
    ],
)
def test_a_client_that_prefers_html_gets_the_page(api: Client, accept: str) -> None:
    page = api.http.get("/graphql", headers={"Accept": accept})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name in assets(page.text):
        assert api.http.get(str(page.url.join(name))).status_code == 200


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/graphql-response+json",
        "application/json, text/html",
        "text/html;q=0.9, application/json",
        "text/html;q=0.9, application/graphql-response+json",
        "application/json, text/plain, */*",
        "text/html;q=0.1, */*;q=0.2",
        "text/html;q=0, */*",
        "text/html; q=0.0, application/json",
        "text/htmlx, */*",
        'application/json; profile="text/html"',
    ],
)
def test_a_client_that_prefers_json_never_gets_the_page(api: Client, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = api.http.get("/graphql", headers=headers)
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("accept", [BROWSER, "*/*", "application/json"])
def test_a_request_for_data_never_gets_the_page(api: Client, accept: str) -> None:
    for query in ("query={heroes{id}}", "x&%71uery={heroes{id}}"):
        answer = api.http.get(f"/graphql?{query}", headers={"Accept": accept})
        assert answer.json() == {"data": {"heroes": []}}
    for query in ("query=", "query", "documentId=a", 'extensions={"a":1}'):
        answer = api.http.get(f"/graphql?{query}", headers={"Accept": accept})
        assert "errors" in answer.json()
    page = api.http.get("/graphql?theme=dark", headers={"Accept": BROWSER})
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_turned_off(serve: Callable[..., Client]) -> None:
    client = serve(graphiql=False)
    page = client.http.get("/graphql", headers={"Accept": BROWSER})
    assert page.status_code == 404
    assert page.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert client.http.get("/graphql/explorer/licenses.txt").status_code == 404
    assert client.heroes() == []


def test_page_is_sent_once(client: httpx.Client) -> None:
    first = client.get("/graphql")
    again = client.get("/graphql", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/graphql", headers={"If-None-Match": "*"}).status_code == 304
    other = client.get("/graphql", headers={"If-None-Match": '"0"'})
    assert other.content == first.content


@pytest.mark.parametrize("path", ["/graphql", "/api/graphql"])
def test_page_finds_its_files(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    found = [client.get(str(response.url.join(name))) for name in assets(response.text)]
    assert len(found) > 4
    assert {file.status_code for file in found} == {200}


def test_trailing_slash_changes_nothing(anywhere: httpx.Client) -> None:
    for address in ("/graphql", "/graphql/", "/a%22b/graphql"):
        response = anywhere.get(address)
        for name in assets(response.text):
            where = str(response.url.join(name))
            assert where.startswith(f"{anywhere.base_url.join(address.rstrip('/'))}/explorer/")


def test_path_is_quoted(anywhere: httpx.Client) -> None:
    assert "><evil>" not in anywhere.get("/%22%3E%3Cevil%3E").text


@pytest.mark.parametrize("file", PACKED, ids=lambda file: re.sub(r"-[^.]*", "", file.name))
def test_asset(client: httpx.Client, file: Path) -> None:
    name = file.name.removesuffix(".gz")
    response = client.get(f"/graphql/explorer/{name}", headers={"Accept-Encoding": "br, gzip"})
    assert response.status_code == 200
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-length"] == str(file.stat().st_size)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-type"] == MEDIA_TYPES[Path(name).suffix]
    assert response.content == gzip.decompress(file.read_bytes())


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.0, br"])
def test_asset_without_gzip(client: httpx.Client, accepted: str) -> None:
    file = PACKED[0]
    name = file.name.removesuffix(".gz")
    response = client.get(f"/graphql/explorer/{name}", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in response.headers
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.content == gzip.decompress(file.read_bytes())


def test_clients_that_do_not_read_share_one_copy(database_url: str) -> None:
    require(Path("/proc/self/statm").is_file(), "the memory of processes is not in /proc")
    largest = max(PACKED, key=lambda file: file.stat().st_size)
    name = largest.name.removesuffix(".gz")
    request = f"GET /graphql/explorer/{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with service(database_url) as (url, process), ExitStack() as stack:
        read = httpx.get(f"{url}/graphql/explorer/{name}", headers={"Accept-Encoding": ""})
        assert read.content == gzip.decompress(largest.read_bytes())
        before = memory(process.pid)
        for _ in range(40):
            connection = stack.enter_context(connected(url, narrow=True))
            connection.sendall(request)
            assert connection.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        httpx.get(f"{url}/health")  # it has sent all that it can
        assert memory(process.pid) - before < 20_000_000


@pytest.mark.parametrize(
    "name", ["nothing.js", "index.html", "index.html.gz", "..%2f__init__.py", PACKED[0].name, ""]
)
def test_missing_asset_is_not_found(client: httpx.Client, name: str) -> None:
    assert client.get(f"/graphql/explorer/{name}").status_code == 404


def test_licenses_travel_with_the_bundle(client: httpx.Client) -> None:
    response = client.get("/graphql/explorer/licenses.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    for package in (
        "graphiql",
        "@graphiql/plugin-explorer",
        "graphiql-explorer",
        "react-dom",
        "graphql",
        "monaco-editor",
        "prettier",
        # Only the worker has these.
        "picomatch-browser",
        # Monaco contains these.
        "dompurify",
        "@vscode/codicons",
    ):
        assert re.search(rf"^{re.escape(package)} \d", response.text, re.MULTILINE), package
    assert "markedjs NOTICES AND INFORMATION BEGIN HERE" in response.text


def test_bundle_stays_slim() -> None:
    packed = [file.read_bytes() for file in PACKED]
    assert sum(map(len, packed)) <= 1_400_000
    assert sum(len(gzip.decompress(content)) for content in packed) <= 5_200_000


def test_bundle_names_no_registry() -> None:
    lock = DIST.parent / "package-lock.json"
    assert '"resolved"' not in lock.read_text(encoding="utf-8")


def test_page_discloses_the_schema_only_if_introspection_does(serve: Callable[..., Client]) -> None:
    for introspection in (True, False):
        page = serve(introspection=introspection).http.get("/graphql", headers={"Accept": BROWSER})
        assert ("CreateHeroInput" in page.text) == introspection
