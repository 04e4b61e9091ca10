"""The explorer opens by links, with a token, behind a prefix, and with its former tabs."""

import json
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.app import App, create_app
from graph.settings import Settings
from tests.support.browser import expect
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.served_app import serving
from tests.support.visitor import Visitor

# The database has no effect on the browser.
pytestmark = on_sqlite

SESAME = "sesame"
# The open tabs are stored here half a second after a change.
TABS = "hero-graph/graphql:graphiql:tabState"


@pytest.mark.slow
def test_link_opens_filled_in_and_does_not_run(visitor: Visitor, api: Client) -> None:
    api.create("Deadpond")
    query = "query One($id: ID!) { hero(id: $id) { name } } query All { heroes { id } }"
    link = {"query": query, "variables": '{"id":"1"}', "operationName": "All"}
    for visits in range(2):
        visitor.open(api.url, **link)
        assert visitor.text("operation.graphql") == query
        assert json.loads(visitor.text("variables.json")) == {"id": "1"}
        expect(visitor.page.locator(".graphiql-tab-button")).to_have_count(6)
        assert len(visitor.operations) == visits
        visitor.query.locator("textarea").focus()
        visitor.page.keyboard.press("Control+Enter")
        assert visitor.result() == {"data": {"heroes": [{"id": "1"}]}}


@pytest.mark.slow
def test_link_that_is_followed_while_the_page_is_open(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url, query="{ heroes { id } }")
    visitor.page.evaluate("location.hash = 'query={heroes{age}}'")
    expect(visitor.query).to_contain_text("{heroes{age}}")
    visitor.wait_for_schema()
    assert visitor.run() == {"data": {"heroes": []}}


def test_token_is_asked_for_and_used(visitor: Visitor, serve: Callable[..., Client]) -> None:
    client = serve(token=SESAME)
    visitor.visit(client.url)
    page = visitor.page
    notice = page.locator(".notice")
    expect(notice).to_contain_text("token")
    refused = visitor.run()
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["UNAUTHENTICATED"]

    notice.get_by_role("button").click()
    expect(page.locator(".graphiql-editor-tool textarea:focus")).to_have_count(1)
    with page.expect_response(lambda response: response.status == 401):
        page.keyboard.type("wrong")
    expect(notice).to_be_visible()
    page.keyboard.press("Control+Shift+ArrowLeft")
    page.keyboard.type(SESAME)
    visitor.wait_for_schema()
    expect(notice).to_have_count(0)
    assert visitor.run() == {"data": {"heroes": []}}
    visitor.choose_tab("Hero")
    assert visitor.run() == {"data": {"hero": None}}
    assert SESAME not in page.evaluate("JSON.stringify(localStorage)")

    page.get_by_role("button", name="Open settings dialog").click()
    page.get_by_role("button", name="On", exact=True).click()
    page.keyboard.press("Escape")
    visitor.choose_tab("Heroes")
    stored = f"localStorage['{TABS}']"
    visitor.until(f"JSON.parse({stored}).activeTabIndex === 0 && {stored}.includes('{SESAME}')")
    visitor.open(client.url)
    assert visitor.run() == {"data": {"heroes": []}}
    visitor.refusals.clear()


@pytest.mark.slow
def test_schema_that_cannot_be_read(visitor: Visitor, serve: Callable[..., Client]) -> None:
    visitor.visit(serve(introspection=False).url)
    expect(visitor.page.locator(".notice")).to_contain_text("The schema could not be read")
    assert visitor.run() == {"data": {"__typename": "Query"}}
    visitor.refusals.clear()


def mounted(app: App) -> ASGIApp:
    """The service mounted in another app."""
    return Starlette(routes=[Mount("/api", app)], lifespan=lambda _: app.lifespan())


def proxied(app: App, root_path: str = "") -> ASGIApp:
    """The service behind a proxy that removes a prefix from paths."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            prefix, found, path = scope["path"].partition("/api")
            if prefix or not found:
                await Response(status_code=404)(scope, receive, send)
                return
            # As uvicorn does with its `--root-path`.
            scope = {**scope, "root_path": root_path, "path": root_path + path}
        await app(scope, receive, send)

    return proxy


def told(app: App) -> ASGIApp:
    """The same with the prefix as `root_path`."""
    return proxied(app, "/api")


@pytest.mark.slow
@pytest.mark.parametrize("around", [mounted, proxied, told])
def test_works_below_a_prefix(
    visitor: Visitor,
    configure: Callable[..., Settings],
    around: Callable[[App], ASGIApp],
) -> None:
    with serving(around(create_app(configure()))) as url:
        visitor.open(f"{url}/api")
        visitor.type("{ heroes { nmae } }")
        expect(visitor.query.locator(".squiggly-error")).to_be_visible()
        visitor.type("{ heroes { name } }")
        assert visitor.run() == {"data": {"heroes": []}}


@pytest.mark.slow
def test_theme_follows_the_system(visit: Callable[..., Visitor], api: Client) -> None:
    visitor = visit(color_scheme="dark")
    visitor.open(api.url)
    container = visitor.page.locator(".graphiql-container")
    expect(container).to_have_css("background-color", "rgb(33, 42, 59)")
    expect(visitor.query.locator(".monaco-editor.vs-dark")).to_be_visible()
    visitor.page.emulate_media(color_scheme="light")
    expect(container).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(visitor.query.locator(".monaco-editor.vs")).to_be_visible()


@pytest.mark.slow
def test_open_tabs_are_restored(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.write("operation.graphql", "query Mine($limit: Int) { heroes { id } }")
    expect(visitor.page.locator(".graphiql-tab-button").first).to_have_text("Mine")
    visitor.until(f'localStorage.getItem("{TABS}")?.includes("Mine")')
    visitor.open(api.url)
    tabs = ["Mine", "HeroesConnection", "Hero", "CreateHero", "HeroChanges"]
    expect(visitor.page.locator(".graphiql-tab-button")).to_have_text(tabs)
    assert visitor.text("operation.graphql") == "query Mine($limit: Int) { heroes { id } }"
    assert json.loads(visitor.text("variables.json")) == {"offset": 0, "limit": 10}
