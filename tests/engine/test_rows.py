"""Compiled rows accept the values that graphql-core accepts, and serialise them the same."""

import asyncio
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest
import strawberry
from asyncpg.pgproto.pgproto import UUID as PostgresUUID  # noqa: N811 (it is another)
from graphql import ExecutionResult, GraphQLObjectType, parse
from graphql.execution import Executor

from graph.engine._compiled.fallback import Fallback
from graph.engine._compiled.results import compile_rows
from graph.engine.definitions import root_fields
from graph.engine.encoding import encode
from graph.engine.schema import Schema, SerialExecutor


class Power(Enum):
    """An enum as a model may have it."""

    FLIGHT = "flies"
    STRENGTH = ("is", "strong")


class Rank(IntEnum):
    """A second enum in the same row."""

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
        datetime(1, 1, 1),  # noqa: DTZ001 (without a zone is what is tested)
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
class Query:
    """Lists of the things in the context."""

    @strawberry.field
    async def things(self, info: strawberry.Info) -> list["Thing"]:
        """The rows of the context."""
        rows: list[Thing] = info.context
        return rows


Thing: Any = strawberry.type(
    type("Thing", (), {"__annotations__": {**TYPES, **OPTIONAL}}), name="Thing"
)

schema = Schema(Query)


def executor(query: str, context: Any, of: strawberry.Schema = schema) -> Executor[Any]:
    built = SerialExecutor.build(of._schema, parse(query), context_value=context)  # noqa: SLF001 (no public name)
    assert isinstance(built, Executor)
    return built


def compiled(query: str, of: strawberry.Schema = schema) -> Any:
    """Compile the only root field of a query."""
    made = executor(query, None, of)
    root = made.schema.query_type
    assert isinstance(root, GraphQLObjectType)
    (details,) = root_fields(made, root).values()
    definition = made.schema.get_field(root, details[0].node.name.value)
    assert definition is not None
    return compile_rows(made, definition, details, COLUMNS)


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
def test_a_value_is_given_out_as_graphql_core_does_or_not_taken(column: str) -> None:
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


def test_a_scalar_of_the_schemas_own_is_not_covered() -> None:
    at_noon = strawberry.scalar(name="DateTime", serialize=lambda _: "noon")
    own = Schema(Query, config=schema.config, scalar_overrides={datetime: at_noon})
    with pytest.raises(Fallback):
        compiled("{ things { seen } }", own)
    compiled("{ things { born } }", own)
