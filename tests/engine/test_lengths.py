"""The rows that a field counts as, computed from its arguments."""
# ruff: noqa: ARG002 (only the arguments are counted)

from typing import Annotated, Any

import pytest
import strawberry

from graph.engine import service
from graph.engine.connection import Connection, PageInfo
from graph.engine.cost import LARGEST_FILTER, MAXIMUM
from graph.hero.model import HeroCreate
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.types import HEROES, Hero
from graph.tables.filters import Filter
from tests.support.databases import on_sqlite
from tests.support.response_shape import labelled
from tests.support.served_schemas import Serve

pytestmark = on_sqlite

UpTo100 = strawberry.argument(metadata={MAXIMUM: 100})
Most = Annotated[int | None, UpTo100]

written: list[str] = []


@strawberry.type
class Team:
    """A type with pages of its own."""

    name: str = "Preventers"

    @strawberry.field
    async def members(
        self, where: Annotated[Filter | None, HEROES.arguments.where] = None, first: Most = None
    ) -> Connection["Team"]:
        """Members, which are teams too."""
        return empty()


def empty() -> Connection[Any]:
    """A page without rows."""
    info = PageInfo(
        has_next_page=False, has_previous_page=False, start_cursor=None, end_cursor=None
    )
    return Connection(edges=[], nodes=[], page_info=info, total_count=0)


@strawberry.type
class Pages(Query):
    """Fields with a maximum of each kind."""

    @strawberry.field
    async def teams(self, first: Most = None, last: Most = None) -> Connection[Team]:
        """A page by cursor."""
        return empty()

    @strawberry.field
    async def some(self, at_most: Annotated[int, UpTo100] = 1) -> list[Team]:
        """A list with a number."""
        return []

    @strawberry.field
    async def unbounded(self, limit: int | None = None) -> list[Team]:
        """A list whose number has no maximum."""
        return []


@strawberry.type
class Many(Mutation):
    """Mutations of many rows."""

    @strawberry.mutation
    async def create_heroes(self, inputs: Annotated[list[HeroCreate], UpTo100]) -> list[Hero]:
        """One row per input."""
        written.append("heroes")
        return []

    @strawberry.mutation
    async def create_team(self) -> Team:
        """One row."""
        written.append("team")
        return Team()


HERO = {"name": "A", "secretName": "B"}

ROWS: list[tuple[int, str, dict[str, Any]]] = [
    (100, "{ teams { edges { node { name } cursor } } }", {}),
    (100, "{ teams { nodes { name } } }", {}),
    (100, "{ teams { nodes { name } edges { node { name } } pageInfo { hasNextPage } } }", {}),
    (100, "{ teams { totalCount } }", {}),
    (7, "{ teams(first: 7) { nodes { name } edges { cursor } } }", {}),
    (7, "{ teams(last: 7) { ...P } } fragment P on TeamConnection { nodes { name } }", {}),
    (7, "{ teams(first: null, last: 7) { nodes { name } } }", {}),
    (100, "{ teams(first: null) { nodes { name } } }", {}),
    (100, "query($n: Int) { teams(first: $n) { nodes { name } } }", {}),
    (100, "query($n: Int) { teams(first: $n) { nodes { name } } }", {"n": None}),
    (9, "query($n: Int) { teams(first: $n) { nodes { name } } }", {"n": 9}),
    (9, "query($n: Int = 9) { teams(first: $n) { nodes { name } } }", {}),
    (0, "{ teams(first: 101) { nodes { name } } }", {}),
    (0, "{ teams(first: -1) { nodes { name } } }", {}),
    (7 * 11, "{ teams(first: 7) { nodes { members(first: 10) { totalCount } } } }", {}),
    (
        7 * 11,
        "{ teams(first: 7) { edges { node { members(first: 10) { nodes { name } } } } } }",
        {},
    ),
    (1, "{ some { name } }", {}),
    (5, "{ some(atMost: 5) { name } }", {}),
    (500, "{ unbounded(limit: 500) { name } }", {}),
    (100, "{ unbounded { name } }", {}),
    (5 * 11, "{ some(atMost: 5) { members(first: 10) { edges { node { name } } } } }", {}),
    (2, "mutation($i: [CreateHeroInput!]!) { createHeroes(inputs: $i) { id } }", {"i": [HERO] * 2}),
    (1, "mutation($i: [CreateHeroInput!]!) { createHeroes(inputs: $i) { id } }", {"i": HERO}),
    (2, "mutation($i: CreateHeroInput!) { createHeroes(inputs: [$i, $i]) { id } }", {"i": HERO}),
    (1, 'mutation { createHeroes(inputs: {name: "A", secretName: "B"}) { id } }', {}),
]


@pytest.mark.parametrize(("rows", "query", "variables"), ROWS)
def test_how_many_rows_a_field_counts_as(
    serve_schema: Serve, rows: int, query: str, variables: dict[str, Any]
) -> None:
    request = {"query": query, "variables": variables}
    for most in {max(rows, 1), max(rows - 1, 1)}:
        api = serve_schema(Pages, Many, max_rows=most)
        assert ("errors" in labelled(api.post(request))) == (most < rows)


def test_each_field_of_a_page_counts(serve_schema: Serve) -> None:
    query = "{ teams(first: 10) { edges { node { name } cursor } nodes { name } totalCount } }"
    fields = 1 + 3 + 10 * 3 + 10
    for most, refused in ((fields, False), (fields - 1, True)):
        api = serve_schema(Pages, max_cost=most)
        assert ("errors" in labelled(api.post({"query": query}))) == refused


def test_a_filter_inside_is_counted_before_anything_runs(
    serve_schema: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LARGEST_FILTER", LARGEST_FILTER._replace(predicates=2))
    api = serve_schema(Pages, Many)
    query = "mutation($w: HeroFilter) { createTeam { members(where: $w) { totalCount } } }"
    for where, refused in (({"age": {"gt": 1, "lt": 3}}, False), ({"or": [{}] * 3}, True)):
        written.clear()
        body = labelled(api.post({"query": query, "variables": {"w": where}}))
        assert ("errors" in body) == refused
        assert written == ([] if refused else ["team"])
