"""Input types from pydantic models behave like Strawberry's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from pydantic import BaseModel, Field, field_validator

from graph.engine.schema import Schema
from graph.tables.inputs import model_input


class Power(Enum):
    """An enum whose names differ from its values."""

    FLIGHT = "flies"
    STRENGTH = "is strong"


def schema(input_: Callable[..., Any]) -> strawberry.Schema:
    """A schema whose inputs are made with this decorator."""

    class Inner(BaseModel):
        """An input inside another."""

        deep_name: str = Field(min_length=2)

    class Outer(BaseModel):
        """An input with fields of every kind."""

        name: str = Field(max_length=3)
        age: int | None = None
        must_say: int | None
        power: Power = Power.FLIGHT
        seen: datetime | None = None
        at: datetime = Field(default_factory=lambda: datetime(2024, 1, 1, tzinfo=UTC))
        pair: tuple[int, int] | None = None
        others: list[Inner] | None = None
        inner: Inner | None = None
        maybe: strawberry.Maybe[int | None]

        @field_validator("name")
        @classmethod
        def _not_x(cls, value: str) -> str:
            if value == "x":
                raise ValueError("must not be x")
            return value

    input_(description="Inner.")(Inner)
    outer = input_(description="Outer.")(Outer)

    def shown(value: Any) -> str:
        return repr(value)

    shown.__annotations__["value"] = outer
    query = type("Query", (), {"shown": strawberry.field(resolver=shown)})
    return Schema(strawberry.type(query))


OURS, STRAWBERRYS = schema(model_input), schema(strawberry.pydantic.input)


@pytest.mark.parametrize(
    "value",
    [
        {"name": "a"},
        {"name": "a", "age": None, "mustSay": None},
        {"name": "a", "age": 1, "mustSay": 2, "power": "STRENGTH", "seen": "2024-01-01T00:00:00Z"},
        {"name": "a", "at": "2024-02-29T00:00:00+01:00"},
        {"name": "a", "at": None},
        {"name": "a", "pair": [1, 2]},
        {"name": "a", "pair": [1, 2, 3]},
        {"name": "a", "inner": {"deepName": "ab"}, "others": [{"deepName": "cd"}]},
        {"name": "a", "inner": {"deepName": "a"}, "others": [{"deepName": "cd"}, {"deepName": ""}]},
        {"name": "a", "maybe": None},
        {"name": "a", "maybe": 3},
        {"name": "x"},
        {"name": "abcd", "inner": {"deepName": "a"}},
        {"name": "a", "power": "flies"},
        {"name": "a", "age": "1"},
        {},
    ],
)
def test_a_value_is_converted_as_by_strawberry(value: dict[str, Any]) -> None:
    query = "query($value: Outer!) { shown(value: $value) }"
    ours, strawberrys = [
        each.execute_sync(query, variable_values={"value": value}) for each in (OURS, STRAWBERRYS)
    ]
    assert ours.data == strawberrys.data
    errors = [[error.formatted for error in each.errors or ()] for each in (ours, strawberrys)]
    assert errors[0] == errors[1]


def test_a_default_is_in_the_schema_unless_it_is_null() -> None:
    assert "= null" in STRAWBERRYS.as_str()
    assert OURS.as_str() == STRAWBERRYS.as_str().replace(" = null", "")
    assert "power: Power! = FLIGHT" in OURS.as_str()
