"""The explorer in a real browser, in front of the real service."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.factory import App, create_app
from graph.settings import Settings
from tests.browser import Browser, chromium, expect
from tests.client import Client
from tests.cluster import on_sqlite
from tests.conftest import serving
from tests.visitor import Visitor

# One kind of database will do: a browser sees nothing of it.
pytestmark = on_sqlite

SESAME = "sesame"
# Where the open tabs are written down, half a second after a change.
TABS = "hero-graph/graphql:graphiql:tabState"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; for none of them may anything have gone wrong.

    A test that has requests refused clears them away.
    """
    visitors: list[Visitor] = []

    def new(**options: Any) -> Visitor:
        visitors.append(Visitor(browser, **options))
        return visitors[-1]

    yield new
    for visitor in visitors:
        # First, as closing interrupts whatever is under way.
        assert visitor.errors == []
        assert visitor.foreign == []
        assert visitor.refusals == []
        visitor.page.context.close()


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """A visitor with default options."""
    return visit()


def test_first_visit_shows_examples_that_run(visitor: Visitor, api: Client) -> None:
    heroes = [api.create("Deadpond"), api.create("Rusty-Man", age=48)]
    visitor.open(api.url)
    page = visitor.page
    expect(page).to_have_title("Heroes · GraphQL")
    assert page.request.get(page.locator("link[rel=icon]").evaluate("link => link.href")).ok
    expect(page.locator(".graphiql-tab-button")).to_have_text(["Heroes", "Hero", "CreateHero"])
    assert "hero-graph seed --count 1000" in visitor.text("operation.graphql")
    assert json.loads(visitor.text("variables.json")) == {"offset": 0, "limit": 10}
    assert visitor.operations == []

    assert visitor.run() == {"data": {"heroes": heroes}}
    visitor.choose_tab("Hero")
    assert json.loads(visitor.text("variables.json")) == {"id": "1"}
    assert visitor.run() == {"data": {"hero": heroes[0]}}
    assert len(visitor.operations) == 2


def test_create_and_delete(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.choose_tab("CreateHero")
    created = visitor.run("CreateHero")["data"]["createHero"]
    assert created["name"] == "Deadpond"
    assert api.heroes() == [created]

    example = json.loads(visitor.text("variables.json"))
    refused = visitor.run("DeleteHero")
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["NOT_FOUND"]
    assert api.heroes() == [created]

    visitor.write("variables.json", json.dumps({**example, "id": created["id"]}))
    assert visitor.run("DeleteHero")["data"]["deleteHero"]["id"] == created["id"]
    assert api.heroes() == []


def test_typed_query(visitor: Visitor, api: Client) -> None:
    api.create("Deadpond")
    visitor.open(api.url)
    visitor.type("{ heroes { name } }")
    visitor.page.keyboard.press("Control+Enter")
    assert visitor.result() == {"data": {"heroes": [{"name": "Deadpond"}]}}
    expect(visitor.page.locator(".graphiql-response")).to_contain_text('"name": "Deadpond"')


def test_completion_offers_the_fields(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.type("{ heroes { secr")
    offered = visitor.page.locator(".suggest-widget .monaco-list-row")
    expect(offered.filter(has_text="secretName")).to_be_visible()


def test_misspelt_field_is_underlined(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    wrong = visitor.query.locator(".squiggly-error")
    visitor.type("{ heroes { nmae } }")
    expect(wrong).to_be_visible()
    visitor.type("{ heroes { name } }")
    expect(wrong).to_have_count(0)


def test_variable_of_the_wrong_type_is_underlined(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    wrong = visitor.page.locator(".graphiql-editor-tool .squiggly-error")
    visitor.write("variables.json", '{ "offset": 0, "limit": "ten" }')
    expect(wrong).to_be_visible()


def test_docs_describe_the_schema(visitor: Visitor, api: Client) -> None:
    fields = api.data('{ __type(name: "Query") { fields { name description } } }')["__type"][
        "fields"
    ]
    described = next(field["description"] for field in fields if field["name"] == "heroes")
    assert described
    visitor.open(api.url)
    page = visitor.page
    page.get_by_role("button", name="Show Documentation Explorer").click()
    page.locator(".graphiql-doc-explorer").get_by_text("Query", exact=True).click()
    page.locator(".graphiql-doc-explorer").get_by_text("heroes", exact=True).click()
    expect(page.locator(".graphiql-doc-explorer")).to_contain_text(described.splitlines()[0])


def test_builder_adds_a_field(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url, query="{ heroes { id } }")
    visitor.page.get_by_role("button", name="Show Query Builder").click()
    visitor.page.locator(".graphiql-explorer-heroes [data-field-name=secretName]").click()
    expect(visitor.query).to_contain_text("secretName")


def test_history_remembers_what_ran(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.type("query Remembered { heroes { id } }")
    visitor.run()
    visitor.page.get_by_role("button", name="Show History").click()
    expect(visitor.page.locator(".graphiql-history")).to_contain_text("Remembered")


def test_prettify_keeps_comments(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.write("operation.graphql", "{ heroes { id # why\n } }")
    visitor.write("variables.json", '{"id":"1", // why\n"offset":0}')
    visitor.page.get_by_role("button", name="Prettify").click()
    expect(visitor.query.locator(".view-line")).to_have_count(6)
    assert visitor.text("operation.graphql") == "{\n  heroes {\n    id # why\n  }\n}\n"
    assert visitor.text("variables.json") == '{\n  "id": "1", // why\n  "offset": 0\n}'


def test_refusals_are_shown_with_their_codes(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    for query, code in (
        ("{ heroes(limit: 101) { id } }", "BAD_USER_INPUT"),
        ("{ heroes { nmae } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ heroes {", "GRAPHQL_PARSE_FAILED"),
    ):
        visitor.write("operation.graphql", query)
        assert [error["extensions"]["code"] for error in visitor.run()["errors"]] == [code]
        expect(visitor.page.locator(".graphiql-response")).to_contain_text(code)
    visitor.refusals.clear()


def test_link_opens_filled_in_and_does_not_run(visitor: Visitor, api: Client) -> None:
    api.create("Deadpond")
    query = "query One($id: ID!) { hero(id: $id) { name } } query All { heroes { id } }"
    link = {"query": query, "variables": '{"id":"1"}', "operationName": "All"}
    for visits in range(2):
        visitor.open(api.url, **link)
        assert visitor.text("operation.graphql") == query
        assert json.loads(visitor.text("variables.json")) == {"id": "1"}
        expect(visitor.page.locator(".graphiql-tab-button")).to_have_count(4)
        assert len(visitor.operations) == visits
        visitor.query.locator("textarea").focus()
        visitor.page.keyboard.press("Control+Enter")
        assert visitor.result() == {"data": {"heroes": [{"id": "1"}]}}


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


def test_schema_that_cannot_be_read(visitor: Visitor, serve: Callable[..., Client]) -> None:
    visitor.visit(serve(introspection=False).url)
    expect(visitor.page.locator(".notice")).to_contain_text("The schema could not be read")
    assert visitor.run() == {"data": {"heroes": []}}
    visitor.refusals.clear()


def mounted(app: App) -> ASGIApp:
    """The service as a part of another."""
    return Starlette(routes=[Mount("/api", app)], lifespan=app.fastapi.router.lifespan_context)


def proxied(app: App, root_path: str = "") -> ASGIApp:
    """The service behind a proxy that has it below a prefix, which it takes off."""

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
    """The same, but the service has been told of the prefix."""
    return proxied(app, "/api")


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


def test_theme_follows_the_system(visit: Callable[..., Visitor], api: Client) -> None:
    visitor = visit(color_scheme="dark")
    visitor.open(api.url)
    container = visitor.page.locator(".graphiql-container")
    expect(container).to_have_css("background-color", "rgb(33, 42, 59)")
    expect(visitor.query.locator(".monaco-editor.vs-dark")).to_be_visible()
    visitor.page.emulate_media(color_scheme="light")
    expect(container).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(visitor.query.locator(".monaco-editor.vs")).to_be_visible()


def test_what_was_open_is_open_again(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.write("operation.graphql", "query Mine($limit: Int) { heroes { id } }")
    expect(visitor.page.locator(".graphiql-tab-button").first).to_have_text("Mine")
    visitor.until('localStorage.getItem("hero-graph/graphql:graphiql:tabState").includes("Mine")')
    visitor.open(api.url)
    expect(visitor.page.locator(".graphiql-tab-button")).to_have_text(
        ["Mine", "Hero", "CreateHero"]
    )
    assert visitor.text("operation.graphql") == "query Mine($limit: Int) { heroes { id } }"
    assert json.loads(visitor.text("variables.json")) == {"offset": 0, "limit": 10}
