"""Fields that say what their resolvers were given."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

import strawberry
from pydantic import BaseModel
from pydantic import Field as ModelField
from strawberry.relay import GlobalID
from strawberry.scalars import JSON
from strawberry.types.base import get_object_definition

from graph.engine.context import Info
from graph.errors import BadUserInputError
from graph.tables.inputs import model_input
from tests.support.both_paths import ran


@strawberry.enum
class Power(Enum):
    """Names are not values."""

    FLIGHT = "flies"
    STRENGTH = "is strong"


@model_input(description="A model.")
class Model(BaseModel):
    """An input that pydantic makes."""

    deep_name: str = ModelField(min_length=2)
    age: int | None = None
    tags: list[str] = []


@strawberry.input
class Plain:
    """An input that Strawberry makes."""

    name: str = "default"
    power: Power = Power.FLIGHT
    powers: list[Power] | None = strawberry.UNSET
    model: Model | None = None
    inner: list["Plain"] | None = None
    maybe: strawberry.Maybe[int]


@strawberry.input
class Refused:
    """An input that is never good."""

    why: str

    @staticmethod
    def refuse(_: type, value: Mapping[str, Any], context: Any) -> Any:
        """Strawberry's hook."""
        ran.append(context.path)
        raise BadUserInputError(f"{value['why']} at {context.path} of {context.info.field_name}")


own: Any = Refused
own.__strawberry_definition__ = replace(
    get_object_definition(Refused, strict=True), from_input=Refused.refuse
)


@strawberry.type
class Echo:
    """What a resolver was given."""

    text: str


def echo(given: dict[str, Any]) -> Echo:
    """What was given; then the resolver does with it as it likes."""
    given = {name: value for name, value in given.items() if name not in {"self", "info", "root"}}
    text = repr(given)
    ran.append(text)
    for value in given.values():
        if isinstance(value, list):
            value.append("mine")
        elif isinstance(value, dict):
            value["mine"] = True
        elif isinstance(value, Model):
            value.tags.append("mine")
    return Echo(text=text)


@strawberry.type
class Query:
    """Fields that say what they were given."""

    @strawberry.field
    async def take(  # noqa: PLR0913, PLR0917 (one of each kind)
        self,
        info: Info,
        plain: Plain | None = strawberry.UNSET,
        model: Model | None = strawberry.UNSET,
        plains: list[Plain] | None = None,
        models: list[Model | None] | None = None,
        power: Power | None = Power.STRENGTH,
        powers: list[Power] | None = strawberry.UNSET,
        numbers: list[int | None] | None = strawberry.UNSET,
        rows_of: list[list[int]] | None = strawberry.UNSET,
        texts: list[str] = ["a"],  # noqa: B006 (a default of the schema)
        any_value: JSON | None = strawberry.UNSET,
        global_id: GlobalID | None = strawberry.UNSET,
        maybe: strawberry.Maybe[int | None] = None,
        count: int | None = 1,
        must: int = 2,
    ) -> Echo:
        return echo(dict(locals()))

    @strawberry.field
    async def refused(self, info: Info, b: Refused, a: Refused, c: Refused) -> Echo:
        return echo(dict(locals()))

    @strawberry.field
    def bare(self, plain: Plain | None, powers: list[Power] | None = None) -> Echo:
        return echo(dict(locals()))

    @strawberry.field
    async def rooted(self, root: Any, info: Info, model: Model) -> Echo:
        return echo(dict(locals()))
