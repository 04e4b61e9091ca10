"""Compiled pages and objects have the same bytes as graphql-core's."""

from collections.abc import Iterator, Sequence

import pytest
import strawberry

from graph.engine.connection import Connection
from graph.engine.context import ORDERED_BY, Info
from graph.engine.schema import SerialExecutor
from tests.support.both_paths import Both, both_paths, ran
from tests.support.odd_values import BOXES, PAGES, Box, Cat, Figures, Thing, page, rows


def note(info: Info) -> None:
    """Record what `Info` tells the resolver about its selection."""
    paths = ("totalCount", "pageInfo.hasPreviousPage", "edges.node.id", "figures", "figures.mean")
    ran.append((info.columns, info.wants_cursors, *map(info.selects, paths)))


@strawberry.type
class Query:
    """Pages and objects by name of the case."""

    @strawberry.field(metadata={ORDERED_BY: ("age", "id")})
    async def page(self, info: Info, case: str = "good") -> Connection[Thing]:
        note(info)
        return PAGES[case](info)  # type: ignore[no-any-return]

    @strawberry.field(metadata={ORDERED_BY: ("age", "id")})
    async def page_or_none(self, info: Info, case: str = "good") -> Connection[Thing] | None:
        note(info)
        return PAGES[case](info)  # type: ignore[no-any-return]

    @strawberry.field
    async def unordered(self, info: Info) -> Connection[Thing]:
        note(info)
        return page(info)

    @strawberry.field
    async def cats(self, info: Info) -> list[Cat]:
        note(info)
        return rows(info, {})  # type: ignore[return-value]

    @strawberry.field
    async def box(self, info: Info, case: str = "good") -> Box:
        note(info)
        return BOXES[case](info)  # type: ignore[no-any-return]

    @strawberry.field
    async def box_or_none(self, info: Info, case: str = "good") -> Box | None:
        note(info)
        return BOXES[case](info)  # type: ignore[no-any-return]

    @strawberry.field
    def figures(self, info: Info) -> Figures:
        note(info)
        return Figures(least=1, mean=None)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both_paths(Query, tmp_path_factory.mktemp("paths")) as both:
        yield both


PARTS = (
    "nodes { id name age }",
    "edges { cursor node { id name age } }",
    "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }",
    "totalCount",
)
WHOLE = " ".join(PARTS)
SPREAD = """{ page { ...P } }
fragment P on ThingConnection { nodes { ...T } edges { ...E } pageInfo { ...I } totalCount }
fragment T on Thing { id }
fragment E on ThingEdge { cursor node { ...T name } }
fragment I on PageInfo { endCursor }"""
COVERED_PAGES = [
    *(f"{{ page {{ {part} }} }}" for part in (*PARTS, WHOLE, "__typename")),
    "{ page { nodes { secretName } edges { cursor } } }",
    "{ page { edges { node { id } n: node { name ... on Thing { age } } c: cursor cursor } } }",
    "{ page { a: nodes { id } b: nodes { age } a: nodes { name } } }",
    SPREAD,
    "{ page { pageInfo { __typename startCursor } } }",
    "{ pageOrNone { nodes { id } } page { totalCount } }",
    "{ unordered { edges { cursor node { name } } } }",
]
COVERED_BOXES = [
    "{ box { count key figures { least mean } maybe { mean } seen power __typename } }",
    "{ box { c: count f: figures { __typename least } figures { mean } ... { seen } } }",
    "{ boxOrNone { maybe { mean } count } figures { mean } }",
]
BOX_PARTS = (
    "count key seen power",
    "figures { least mean } maybe { mean }",
    "best { id name age }",
    "tags several { mean }",
    "named { name __typename } pet { __typename } cat { name } picky { name }",
    "__typename",
)
LEFT = [
    "{ boxOrNone { best { id secretName } count } figures { mean } }",
    "{ page { nodes { __typename } e: edges { __typename t: __typename } } }",
    "{ box { tags } }",
    "{ box { named { name } } }",
    "{ box { named { __typename } pet { __typename } } }",
    "{ box { pet { ... on Dog { name } ... on Cat { n: name } } } }",
    "{ box { cat { name } } }",
    "{ box { several { least } count } }",
    "{ boxOrNone { picky { name } count } }",
    "{ cats { name } }",
]


@pytest.mark.parametrize("query", [*COVERED_PAGES, *COVERED_BOXES, *LEFT])
def test_selections(both: Both, query: str) -> None:
    both(query)


@pytest.mark.parametrize("query", [*COVERED_PAGES, *COVERED_BOXES])
def test_the_fast_path_is_taken(both: Both, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    def complete(*_: object) -> None:
        raise AssertionError("graphql-core completed it")

    monkeypatch.setattr(SerialExecutor, "complete_value", complete)
    both.fast.data(query)


@pytest.mark.parametrize("condition", ["skip", "include"])
@pytest.mark.parametrize("value", [True, False])
def test_conditions(both: Both, condition: str, value: bool) -> None:  # noqa: FBT001 (a value)
    on = f"@{condition}(if: $if)"
    head = "query($if: Boolean!)"
    both(f"{head} {{ page {{ totalCount {on} nodes {on} {{ id }} }} }}", **{"if": value})
    both(
        f"{head} {{ page {{ edges {{ cursor {on} node {{ id name {on} }} }} }} }}", **{"if": value}
    )
    both(
        f"{head} {{ page {{ pageInfo {{ endCursor {on} }} ... {on} {{ nodes {{ age }} }} }} }}",
        **{"if": value},
    )
    both(
        f"{head} {{ page {{ ...P {on} }} }} fragment P on ThingConnection {{ totalCount }}",
        **{"if": value},
    )
    both(f"{head} {{ box {{ count {on} figures {{ least {on} }} }} }}", **{"if": value})


def cases(field: str, parts: Sequence[str]) -> list[str]:
    """Select all parts in nullable fields, where an error removes one, and in a required one."""
    each = " ".join(
        f"a{number}: {field}OrNone(case: $case) {{ {part} }}" for number, part in enumerate(parts)
    )
    head = "query($case: String!)"
    return [f"{head} {{ {each} }}", f"{head} {{ {field}(case: $case) {{ {' '.join(parts)} }} }}"]


@pytest.mark.parametrize("case", PAGES)
def test_pages(both: Both, case: str) -> None:
    for query in cases("page", [*PARTS, WHOLE, "__typename"]):
        both(query, case=case)


@pytest.mark.parametrize("case", BOXES)
def test_boxes(both: Both, case: str) -> None:
    for query in cases("box", BOX_PARTS):
        both(query, case=case)


def test_columns_are_those_of_the_nodes_and_of_cursors(both: Both) -> None:
    for part, columns, cursors in (
        ("nodes { name }", ("name",), False),
        ("edges { node { name } }", ("name",), False),
        ("edges { cursor node { name } }", ("age", "id", "name"), True),
        ("nodes { name } pageInfo { endCursor }", ("age", "id", "name"), True),
        ("pageInfo { hasNextPage } totalCount", (), False),
    ):
        both(f"{{ page {{ {part} }} }}")
        ((noted, wanted, *_),) = ran
        assert (noted, wanted) == (columns, cursors)
