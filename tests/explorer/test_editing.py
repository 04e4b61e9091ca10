"""A visitor edits and runs operations in the explorer, in a real browser."""

import json

import pytest

from tests.support.browser import expect
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.prepared_database import set_up
from tests.support.visitor import Visitor

# The database has no effect on the browser.
pytestmark = on_sqlite


def test_first_visit_shows_examples_that_run(visitor: Visitor, api: Client) -> None:
    heroes = [api.create("Deadpond"), api.create("Rusty-Man", age=48)]
    visitor.open(api.url)
    page = visitor.page
    expect(page).to_have_title("Heroes · GraphQL")
    assert page.request.get(page.locator("link[rel=icon]").evaluate("link => link.href")).ok
    tabs = ["Heroes", "HeroesConnection", "Hero", "CreateHero", "HeroChanges"]
    expect(page.locator(".graphiql-tab-button")).to_have_text(tabs)
    assert "hero-graph seed --count 1000" in visitor.text("operation.graphql")
    assert json.loads(visitor.text("variables.json")) == {"offset": 0, "limit": 10}
    assert visitor.operations == []

    assert visitor.run() == {"data": {"heroes": heroes}}
    visitor.choose_tab("HeroesConnection")
    adults = visitor.run()["data"]["heroesConnection"]
    assert adults["nodes"] == [heroes[1]]
    assert adults["totalCount"] == 1
    visitor.choose_tab("Hero")
    assert json.loads(visitor.text("variables.json")) == {"id": "1"}
    assert visitor.run() == {"data": {"hero": heroes[0]}}
    assert len(visitor.operations) == 3


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 30])
def test_found_heroes_come_page_by_page(
    visitor: Visitor, api: Client, database_url: str, count: int
) -> None:
    if count:
        set_up(database_url, heroes=count)
    adults = [hero for hero in api.heroes() if (hero["age"] or 0) >= 18]
    adults.sort(key=lambda hero: (hero["age"], int(hero["id"])))
    visitor.open(api.url)
    visitor.choose_tab("HeroesConnection")
    variables = json.loads(visitor.text("variables.json"))
    found: list[str] = []
    more = True
    while more:
        page = visitor.run()["data"]["heroesConnection"]
        assert page["totalCount"] == len(adults)
        found += [hero["id"] for hero in page["nodes"]]
        more = page["pageInfo"]["hasNextPage"]
        variables["after"] = page["pageInfo"]["endCursor"]
        visitor.write("variables.json", json.dumps(variables))
    assert found == [hero["id"] for hero in adults]


def test_create_change_and_delete(visitor: Visitor, api: Client) -> None:
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
    changed = {**created, "age": 19}
    assert visitor.run("UpdateHero") == {"data": {"updateHero": changed}}
    again = visitor.run("UpdateHero")
    assert [error["extensions"]["code"] for error in again["errors"]] == ["CONFLICT"]
    assert visitor.run("DeleteHero")["data"]["deleteHero"]["id"] == created["id"]
    assert api.heroes() == []


def test_typed_query(visitor: Visitor, api: Client) -> None:
    api.create("Deadpond")
    visitor.open(api.url)
    visitor.type("{ heroes { name } }")
    visitor.page.keyboard.press("Control+Enter")
    assert visitor.result() == {"data": {"heroes": [{"name": "Deadpond"}]}}
    expect(visitor.page.locator(".graphiql-response")).to_contain_text('"name": "Deadpond"')


@pytest.mark.slow
def test_completion_offers_the_fields(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.type("{ heroes { secr")
    visitor.expect_offers(["secretName"])


FILTER = ["age", "and", "id", "name", "not", "or"]


@pytest.mark.slow
def test_completion_offers_the_fields_of_a_filter(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.type("{ heroes(where: { ")
    visitor.expect_offers(FILTER)
    visitor.page.keyboard.type("age: { ")
    visitor.expect_offers(["eq", "gt", "gte", "in", "isNull", "lt", "lte", "ne"])


@pytest.mark.slow
def test_completion_offers_the_fields_of_a_filter_in_variables(
    visitor: Visitor, api: Client
) -> None:
    visitor.open(api.url)
    visitor.choose_tab("HeroesConnection")
    visitor.wait_for_variable("where")
    visitor.write("variables.json", "")
    visitor.page.locator(".graphiql-editor-tool .monaco-editor").first.click()
    visitor.page.keyboard.type('{ "where": { "')
    visitor.expect_offers(FILTER)


@pytest.mark.slow
def test_misspelt_field_is_underlined(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    wrong = visitor.query.locator(".squiggly-error")
    visitor.type("{ heroes { nmae } }")
    expect(wrong).to_be_visible()
    visitor.type("{ heroes { name } }")
    expect(wrong).to_have_count(0)


@pytest.mark.slow
def test_variable_of_the_wrong_type_is_underlined(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    wrong = visitor.page.locator(".graphiql-editor-tool .squiggly-error")
    visitor.write("variables.json", '{ "offset": 0, "limit": "ten" }')
    expect(wrong).to_be_visible()


@pytest.mark.slow
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
    expect(page.locator(".graphiql-doc-explorer")).to_contain_text(
        described.splitlines()[0].replace("`", "")  # shown as Markdown
    )


@pytest.mark.slow
def test_builder_adds_a_field(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url, query="{ heroes { id } }")
    visitor.page.get_by_role("button", name="Show Query Builder").click()
    visitor.page.locator(".graphiql-explorer-heroes [data-field-name=secretName]").click()
    expect(visitor.query).to_contain_text("secretName")


@pytest.mark.slow
def test_history_remembers_what_ran(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.type("query Remembered { heroes { id } }")
    # The editor needs a moment to see the operation's new name.
    expect(visitor.page.locator(".graphiql-tab-button").first).to_have_text("Remembered")
    visitor.run()
    visitor.page.get_by_role("button", name="Show History").click()
    expect(visitor.page.locator(".graphiql-history")).to_contain_text("Remembered")


@pytest.mark.slow
def test_prettify_keeps_comments(visitor: Visitor, api: Client) -> None:
    visitor.open(api.url)
    visitor.write("operation.graphql", "{ heroes { id # why\n } }")
    visitor.write("variables.json", '{"id":"1", // why\n"offset":0}')
    visitor.page.get_by_role("button", name="Prettify").click()
    expect(visitor.query.locator(".view-line")).to_have_count(6)
    assert visitor.text("operation.graphql") == "{\n  heroes {\n    id # why\n  }\n}\n"
    assert visitor.text("variables.json") == '{\n  "id": "1", // why\n  "offset": 0\n}'


@pytest.mark.slow
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
