"""Compiled operations complete pages, objects and rows to the same bytes as graphql-core."""

import asyncio
import gc
import linecache
import traceback
from collections import namedtuple
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest
import strawberry
from asyncpg.pgproto.pgproto import UUID as PostgresUUID  # noqa: N811 (it is another)
from graphql import ExecutionResult, OperationDefinitionNode, parse
from graphql.execution import Executor

from graph.engine._compiled.results import compile_rows, evaluate
from graph.engine.connection import Connection
from graph.engine.context import ORDERED_BY, Info
from graph.engine.encoding import encode
from graph.engine.fallback import Fallback
from graph.engine.schema import Schema, SerialExecutor
from graph.engine.selection import SelectionTree
from tests.support.both_paths import Both, both_paths, forbid_graphql_core, ran
from tests.support.odd_values import BOXES, PAGES, Box, Cat, Figures, Thing, page, rows


def note(info: Info) -> None:
    """Record what `Info` tells the resolver about its selection."""
    paths = ("totalCount", "pageInfo.hasPreviousPage", "edges.node.id", "figures", "figures.mean")
    ran.append((info.columns, info.wants_cursors, *map(info.selects, paths)))


@strawberry.type
class Query:
    """Fields that return the page or object of a case."""

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
    forbid_graphql_core(monkeypatch)
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


def test_columns_of_nodes_and_cursors_are_read(both: Both) -> None:
    for part, columns, cursors in (
        ("nodes { name }", ("id", "name"), False),
        ("edges { node { name } }", ("id", "name"), False),
        ("edges { cursor node { name } }", ("age", "id", "name"), True),
        ("nodes { name } pageInfo { endCursor }", ("age", "id", "name"), True),
        ("pageInfo { hasNextPage } totalCount", (), False),
    ):
        both(f"{{ page {{ {part} }} }}")
        ((noted, wanted, *_),) = ran
        assert (noted, wanted) == (columns, cursors)


class Power(Enum):
    """An enum of a model."""

    FLIGHT = "flies"
    STRENGTH = ("is", "strong")


class Rank(IntEnum):
    """Another enum in the same row."""

    LOW = 1
    HIGH = 2


TYPES: dict[str, Any] = {
    "key": strawberry.ID,
    "text": str,
    "number": int,
    "ratio": float,
    "active": bool,
    "seen": datetime,
    "born": date,
    "wakes": time,
    "price": Decimal,
    "token": UUID,
    "power": Power,
    "rank": Rank,
}
OPTIONAL = {f"{name}_or_not": type_ | None for name, type_ in TYPES.items() if name != "key"}
COLUMNS = (*TYPES, *OPTIONAL)

Row = namedtuple("Row", COLUMNS)  # type: ignore[misc] # noqa: PYI024 (its fields are made above)

GOOD: dict[str, list[Any]] = {
    "key": [1, 2**63 - 1, "a"],
    "text": ["", 'é 🦸 " \\ \n', "true"],
    "number": [0, -(2**31), 2**31 - 1],
    "ratio": [0.0, -0.0, 0.1, 1e-7, 1e16, 1e300, 5.0],
    "active": [True, False],
    "seen": [
        datetime(2024, 2, 29, 23, 59, 59, 999999, UTC),
        datetime(1, 1, 1),  # noqa: DTZ001 (without a time zone)
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, seconds=-7))),
    ],
    "born": [date(1, 1, 1), date(9999, 12, 31)],
    "wakes": [time(6, 30), time(6, 30, 0, 1), time(6, 30, tzinfo=UTC)],
    "price": [Decimal("1.50"), Decimal("1E+3"), Decimal("NaN"), Decimal("-0")],
    "token": [UUID(int=7), PostgresUUID(str(UUID(int=7)))],
    "power": list(Power),
    "rank": list(Rank),
}
"""Values that compiled rows must accept."""

STRANGE = [
    *(None, True, 0, 2**31, -(2**31) - 1, 2**70, 0.5, 3.0, inf, -inf, nan, "", "x", "1", b"x"),
    *(ValueError("not of this type"), [], {}, object(), Rank.LOW, Power.FLIGHT, "FLIGHT", "flies"),
    *(value for values in GOOD.values() for value in values),
]
"""Values that any column may contain."""


@strawberry.type
class Lists:
    """A list of the rows in the context."""

    @strawberry.field
    async def things(self, info: strawberry.Info) -> list["Columns"]:
        """The rows of the context."""
        rows: list[Columns] = info.context
        return rows


Columns: Any = strawberry.type(
    type("Columns", (), {"__annotations__": {**TYPES, **OPTIONAL}}), name="Columns"
)

schema = Schema(Lists)


def executor(query: str, context: Any, of: strawberry.Schema = schema) -> Executor[Any]:
    built = SerialExecutor.build(of._schema, parse(query), context_value=context)  # noqa: SLF001 (no public name)
    assert isinstance(built, Executor)
    return built


def compiled(query: str, of: strawberry.Schema = schema) -> Any:
    """Compile the only root field of a query."""
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    tree = SelectionTree(of._schema, {}, {})  # noqa: SLF001 (no public name)
    (selection,) = tree.root(operation).values()
    function, _ = compile_rows(tree, selection, COLUMNS)
    return function


def interpreted(query: str, row: Any) -> ExecutionResult:
    """Complete a row with graphql-core."""

    async def execute() -> ExecutionResult:
        result: Any = executor(query, [row]).execute_operation()
        completed: ExecutionResult = await result
        return completed

    return asyncio.run(execute())


def camel(name: str) -> str:
    return schema.config.name_converter.apply_naming_config(name)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_is_serialized_as_by_graphql_core_or_left_to_it(column: str) -> None:
    query = f"{{ things {{ {camel(column)} }} }}"
    function = compiled(query)
    good = GOOD[column.removesuffix("_or_not")] + [None] * column.endswith("_or_not")
    for value in [*good, *STRANGE]:
        row = Row(**{**dict.fromkeys(COLUMNS), column: value})
        things = function([row])
        result = interpreted(query, row)
        if things:
            assert encode({"things": things}) == encode(result.data), value
            assert result.errors is None
        else:
            assert not any(value is taken for taken in good), value


def test_a_row_of_all_types() -> None:
    names = " ".join(camel(name) for name in COLUMNS)
    query = f"{{ things {{ __typename again: power {names} }} }}"
    values = {name: GOOD[name.removesuffix("_or_not")][0] for name in COLUMNS}
    row = Row(**values)
    data: Any = interpreted(query, row).data
    assert encode(compiled(query)([row, row])) == encode([*data["things"], *data["things"]])


def test_a_scalar_of_the_schemas_own_is_written_by_its_own_function() -> None:
    at_noon = strawberry.scalar(name="DateTime", serialize=lambda value: "noon" if value else None)
    own = Schema(Lists, config=schema.config, scalar_overrides={datetime: at_noon})
    function = compiled("{ things { seen } }", own)
    values = dict.fromkeys(COLUMNS)
    assert function([Row(**{**values, "seen": 1})]) == [{"seen": "noon"}]
    assert function([Row(**values)]) == []  # graphql-core reports it
    with pytest.raises(Fallback):
        function([Row(**{**values, "seen": 0})])


def test_a_traceback_shows_the_compiled_source_while_it_is_in_use() -> None:
    evaluate.cache_clear()
    name = camel(COLUMNS[0])
    function = compiled(f"{{ things {{ {name} }} }}")
    file = function.__code__.co_filename
    with pytest.raises(ValueError, match="unpack") as raised:
        function([()])
    shown = "".join(traceback.format_exception(raised.value))
    assert f'File "{file}", line 1' in shown
    assert f"lambda rows: [{{{name!r}: " in shown
    del function, raised
    evaluate.cache_clear()
    gc.collect()
    assert linecache.getlines(file) == []
