"""A deprecated field works, and clients see the deprecation."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import pytest
import strawberry
from typer.testing import CliRunner

from graph.cli import app
from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.types import Hero
from graph.settings import Settings
from tests.support.browser import Browser, chromium, expect
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.hero_api import app_of
from tests.support.hero_statements import page_of_heroes
from tests.support.served_app import serving
from tests.support.visitor import Visitor

pytestmark = on_sqlite

REASON = "Use `heroes`, which has pages."


@strawberry.type(name="Query", description="The queries of the API.")
class DerivedQuery(Query):
    @strawberry.field(description="The first heroes.", deprecation_reason=REASON)
    async def earliest(
        self,
        info: Info,
        count: Annotated[int, strawberry.argument(deprecation_reason="There are three.")] = 3,
    ) -> Sequence[Hero]:
        return await page_of_heroes(info.columns).fetch(info.context.session, count)


@pytest.fixture
def derived(configure: Callable[..., Settings]) -> Iterator[Client]:
    """A service with a deprecated field."""
    settings = configure()
    app = app_of(Schema(DerivedQuery, Mutation), settings)
    with serving(app, settings) as url, Client(url) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_deprecated_field_works_and_is_marked(derived: Client) -> None:
    derived.create("Deadpond")
    assert derived.data("{ earliest { name } }") == {"earliest": [{"name": "Deadpond"}]}
    fields = derived.data(
        """{ __type(name: "Query") { fields(includeDeprecated: true) {
          name deprecationReason args(includeDeprecated: true) { name deprecationReason }
        } } }"""
    )["__type"]["fields"]
    (first,) = [field for field in fields if field["deprecationReason"]]
    assert first == {
        "name": "earliest",
        "deprecationReason": REASON,
        "args": [{"name": "count", "deprecationReason": "There are three."}],
    }


def test_the_sdl_has_the_deprecation(derived: Client, tmp_path: Path) -> None:
    url = f"{derived.url}/graphql"
    sdl = CliRunner().invoke(app, ["schema", url]).stdout
    assert f'@deprecated(reason: "{REASON}")' in sdl
    assert 'count: Int! = 3 @deprecated(reason: "There are three.")' in sdl
    committed = tmp_path / "schema.graphql"
    committed.write_text(sdl, encoding="utf-8")
    assert CliRunner().invoke(app, ["schema", url, "--check", str(committed)]).exit_code == 0
    removed = CliRunner().invoke(app, ["schema", "--check", str(committed)])
    assert removed.exit_code == 1
    assert "BREAKING: Field Query.earliest was removed." in removed.stdout


@pytest.mark.slow
def test_the_explorer_shows_deprecated_fields_apart(derived: Client, browser: Browser) -> None:
    visitor = Visitor(browser)
    visitor.open(derived.url)
    visitor.page.get_by_role("button", name="Show Documentation Explorer").click()
    docs = visitor.page.locator(".graphiql-doc-explorer")
    docs.get_by_text("Query", exact=True).click()
    expect(docs.get_by_text("heroes", exact=True)).to_be_visible()
    expect(docs.get_by_text("earliest", exact=True)).to_have_count(0)
    docs.get_by_role("button", name="Show Deprecated Fields").click()
    expect(docs.get_by_text("earliest", exact=True)).to_be_visible()
    expect(docs).to_contain_text("Use heroes, which has pages.")
    visitor.page.context.close()
