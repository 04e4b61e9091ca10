"""Cross-origin requests of pages, in a real browser."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.app import create_app
from graph.settings import Settings
from tests.support.browser import Browser, Page, chromium
from tests.support.client import CREATE, PAGE, Client
from tests.support.databases import on_sqlite
from tests.support.served_app import serving

pytestmark = on_sqlite

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
SESAME = "sesame"

FETCH = """
async ([url, options]) => {
  try {
    return await (await fetch(url, options)).json();
  } catch (error) {
    return error.name;
  }
}
"""


class Recorder:
    """ASGI middleware that records the method and status of each response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answers: list[tuple[str, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers.append((scope["method"], message["status"]))
            await send(message)

        await self._app(scope, receive, noting)


class Frontend:
    """A page that calls a service at another origin."""

    def __init__(self, page: Page, api: Client, answers: list[tuple[str, int]]) -> None:
        self.api = api
        self.answers = answers
        self._page = page

    def post(self, query: str, variables: Any = None, **headers: str) -> Any:
        """The answer, or the name of the page's error."""
        options = {
            "method": "POST",
            "headers": {"Content-Type": "application/json", **headers},
            "body": json.dumps({"query": query, "variables": variables}),
        }
        return self._page.evaluate(FETCH, [f"{self.api.url}/graphql", options])

    def get(self, query: str) -> Any:
        """The answer to a GET, or the name of the page's error."""
        url = f"{self.api.url}/graphql?{urlencode({'query': query})}"
        return self._page.evaluate(FETCH, [url, {}])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(
    browser: Browser, configure: Callable[..., Settings]
) -> Iterator[Callable[..., Frontend]]:
    """Opens a page whose origin a service allows or not, with these settings."""
    with ExitStack() as stack:
        origin = stack.enter_context(serving(HTMLResponse("<!doctype html>")))

        def open_page(*, let_in: bool = True, **settings: Any) -> Frontend:
            # The same host with another port, which is a prefix of ours.
            settings["cors_origins"] = (origin if let_in else origin[:-1],)
            configured = configure(**settings)
            recorder = Recorder(create_app(configured))
            api = Client(stack.enter_context(serving(recorder, configured)))
            stack.callback(api.http.close)
            context = browser.new_context()
            stack.callback(context.close)
            page = context.new_page()
            page.goto(origin)
            return Frontend(page, api, recorder.answers)

        yield open_page


def test_a_configured_origin_queries_and_mutates(visit: Callable[..., Frontend]) -> None:
    frontend = visit()
    created = frontend.post(CREATE, {"input": HERO})["data"]["createHero"]
    assert created == {"id": "1", "age": None, **HERO}
    assert frontend.post(PAGE) == {"data": {"heroes": [created]}}
    assert frontend.post("{")["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert ("OPTIONS", 200) in frontend.answers


def test_any_other_origin_is_refused(visit: Callable[..., Frontend]) -> None:
    frontend = visit(let_in=False)
    assert frontend.post(CREATE, {"input": HERO}) == "TypeError"
    assert frontend.get("{ heroes { id } }") == "TypeError"
    assert [method for method, _ in frontend.answers] == ["OPTIONS", "GET"]
    assert frontend.api.heroes() == []


@pytest.mark.parametrize("let_in", [True, False])
def test_a_preflight_for_a_private_network(
    serve: Callable[..., Client],
    let_in: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    api = serve(cors_origins="https://example.org")
    headers = {
        "origin": "https://example.org" if let_in else "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
        "access-control-request-private-network": "true",
    }
    response = api.http.options("/graphql", headers=headers)
    assert response.status_code == (200 if let_in else 400)
    assert ("access-control-allow-origin" in response.headers) == let_in
    if let_in:
        assert response.headers["access-control-allow-private-network"] == "true"


def test_a_page_can_send_the_token(visit: Callable[..., Frontend]) -> None:
    frontend = visit(token=SESAME)
    refused = frontend.post(PAGE)
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert frontend.post(PAGE, Authorization=f"Bearer {SESAME}") == {"data": {"heroes": []}}


def test_the_browsers_cache_revalidates_a_query(
    visit: Callable[..., Frontend],
) -> None:
    frontend = visit()
    query = "{ heroes { name } }"
    for _ in range(2):
        assert frontend.get(query) == {"data": {"heroes": []}}
    frontend.api.create("Deadpond")
    assert frontend.get(query) == {"data": {"heroes": [{"name": "Deadpond"}]}}
    gets = [status for method, status in frontend.answers if method == "GET"]
    assert gets == [200, 304, 200]


@pytest.mark.slow
def test_the_browsers_cache_uses_max_age(visit: Callable[..., Frontend]) -> None:
    frontend = visit(cache_control="max-age=600")
    for _ in range(2):
        assert frontend.get("{ heroes { name } }") == {"data": {"heroes": []}}
    assert frontend.answers == [("GET", 200)]
