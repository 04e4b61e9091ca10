"""Compiled operations give resolvers the same arguments as Strawberry."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

import pytest
import strawberry
from pydantic import BaseModel
from pydantic import Field as ModelField
from strawberry.relay import GlobalID
from strawberry.scalars import JSON
from strawberry.types.base import get_object_definition

from graph.engine.context import Info
from graph.errors import BadUserInputError
from graph.tables.inputs import model_input
from tests.support.both_paths import Both, both_paths, forbid_graphql_core, ran


@strawberry.enum
class Power(Enum):
    """An enum whose names differ from its values."""

    FLIGHT = "flies"
    STRENGTH = "is strong"


@model_input(description="A model.")
class Model(BaseModel):
    """An input from a pydantic model."""

    deep_name: str = ModelField(min_length=2)
    age: int | None = None
    tags: list[str] = []


@strawberry.input
class Plain:
    """An input of Strawberry's."""

    name: str = "default"
    power: Power = Power.FLIGHT
    powers: list[Power] | None = strawberry.UNSET
    model: Model | None = None
    inner: list["Plain"] | None = None
    maybe: strawberry.Maybe[int]


@strawberry.input
class Refused:
    """An input that is always refused."""

    why: str

    @staticmethod
    def refuse(_: type, value: Mapping[str, Any], context: Any) -> Any:
        """Refuse the value, as Strawberry's hook `from_input`."""
        ran.append(context.path)
        raise BadUserInputError(f"{value['why']} at {context.path} of {context.info.field_name}")


own: Any = Refused
own.__strawberry_definition__ = replace(
    get_object_definition(Refused, strict=True), from_input=Refused.refuse
)


@strawberry.type
class Echo:
    """Text of the arguments of a resolver."""

    text: str


def echo(given: dict[str, Any]) -> Echo:
    """Record the arguments, then change them, as a resolver may."""
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
    """Fields that return the text of their arguments."""

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


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both_paths(Query, tmp_path_factory.mktemp("paths")) as both:
        yield both


GLOBAL = "VGhpbmc6MQ=="

LITERALS: list[str] = [
    "",
    *(
        f"{name}: null"
        for name in ("plain", "model", "models", "powers", "count", "maybe", "power")
    ),
    "plain: {}",
    'plain: {name: "n", power: STRENGTH, powers: [FLIGHT, STRENGTH], maybe: 1}',
    'plain: {model: {deepName: "ab"}, inner: [{name: "x"}, {inner: []}], powers: null}',
    'plain: {model: {deepName: "a"}}',
    "plain: {maybe: null}",
    'model: {deepName: "ab", tags: ["x"]}',
    'model: {deepName: "a"}',
    'plains: [{}, {name: "n"}], models: [{deepName: "ab"}, null]',
    'models: {deepName: "ab"}, models: {deepName: "a"}',
    'models: [{deepName: "ab"}, {deepName: "a"}]',
    "power: FLIGHT, powers: [STRENGTH]",
    "powers: STRENGTH, numbers: 3",
    "numbers: [1, null], rowsOf: [[1], [2, 3]], texts: []",
    'anyValue: {a: [1, {b: "c"}]}',
    "anyValue: [1]",
    f'globalId: "{GLOBAL}"',
    'globalId: "x"',
    "maybe: 3, must: 4",
]

DEEP: dict[str, Any] = {}
"""Deeper than the fast coercion supports."""
for _ in range(60):
    DEEP = {"inner": [DEEP]}

VARIABLES: dict[str, tuple[str, list[Any]]] = {
    "plain": (
        "Plain",
        [
            *({}, {"name": "n", "powers": ["FLIGHT"], "maybe": 1}, {"maybe": None}),
            *({"power": "flies"}, {"unknown": 1}, {"name": 1}, [], DEEP, {"inner": [DEEP] * 2}),
        ],
    ),
    "model": (
        "Model",
        [{"deepName": "ab"}, {"deepName": "a"}, {"deepName": "ab", "tags": ["x"]}, {}],
    ),
    "plains": ("[Plain!]", [[], [{}, {"inner": [{}]}], {}, [None]]),
    "models": ("[Model]", [[{"deepName": "ab"}, None], [{"deepName": "a"}], {"deepName": "ab"}]),
    "power": ("Power", ["FLIGHT", "flies", 1]),
    "powers": ("[Power!]", [["FLIGHT", "STRENGTH"], "FLIGHT", []]),
    "numbers": ("[Int]", [[1, None], 1, "x", [2**31]]),
    "rowsOf": ("[[Int!]!]", [[[1], []], [1], 1]),
    "texts": ("[String!]!", [["b"], [], "b"]),
    "anyValue": ("JSON", [{"a": [1]}, [1], 1, "x", False]),
    "globalId": ("ID", [GLOBAL, "x", 1]),
    "maybe": ("Int", [3, "x"]),
    "count": ("Int", [3]),
    "must": ("Int!", [3]),
}
"""By argument, the type of its variable, and valid and invalid values."""


@pytest.mark.parametrize("arguments", LITERALS)
def test_literals(both: Both, arguments: str) -> None:
    both(f"{{ take{arguments and f'({arguments})'} {{ text }} }}")


@pytest.mark.parametrize("arguments", [each for each in LITERALS if "count" not in each])
def test_literals_beside_a_variable(both: Both, arguments: str) -> None:
    query = f"query($count: Int) {{ take({arguments} count: $count) {{ text }} }}"
    for variables in ({}, {"count": None}, {"count": 5}, {}):
        both(query, **variables)


@pytest.mark.parametrize("name", VARIABLES)
def test_variables(both: Both, name: str) -> None:
    type_, values = VARIABLES[name]
    for declared in (type_, f"{type_.removesuffix('!')}!"):
        query = f"query($v: {declared}) {{ take({name}: $v) {{ text }} }}"
        both(query)
        for value in (None, *values, None):
            both(query, v=value)


def test_variables_inside_others(both: Both) -> None:
    head = "query($n: String, $p: [Power!], $i: Int)"
    query = f"{head} {{ take(plain: {{name: $n, powers: $p}}, numbers: [$i, 2]) {{ text }} }}"
    for variables in (
        {},
        {"n": None},
        {"n": "n", "p": ["FLIGHT"], "i": 3},
        {"n": "n", "p": None, "i": None},
    ):
        both(query, **variables)


def test_defaults_of_variables(both: Both) -> None:
    head = 'query($m: Model = {deepName: "de"}, $t: [String!]! = ["t"], $p: Power = FLIGHT)'
    query = f"{head} {{ take(model: $m, texts: $t, power: $p) {{ text }} }}"
    for variables in ({}, {"m": None}, {"m": {"deepName": "ab"}, "t": ["u"], "p": "STRENGTH"}, {}):
        both(query, **variables)


@pytest.mark.parametrize(
    "arguments",
    [
        'a: {why: "x"}, b: {why: "y"}',
        'b: {why: "y"}, a: {why: "x"}',
        'a: {why: "x"}, b: $v',
        'b: {why: "y"}, a: $v',
        "a: $v, b: $v",
    ],
)
def test_the_same_argument_is_refused_first(both: Both, arguments: str) -> None:
    both(f'query($v: Refused! = {{why: "v"}}) {{ refused({arguments}, c: $v) {{ text }} }}')


def test_resolvers_with_other_parameters(both: Both) -> None:
    for query in (
        "query($m: Model!) { rooted(model: $m) { text } }",
        "query($m: Model) { bare(plain: {model: $m}, powers: [FLIGHT]) { text } }",
    ):
        for value in ({"deepName": "ab"}, {"deepName": "a"}, None):
            both(query, m=value)
    both("{ bare { text } }")


@pytest.mark.parametrize(
    "arguments",
    [
        'plain: {model: {deepName: "ab"}, inner: [{}]}',
        'models: [{deepName: "ab"}], power: FLIGHT, powers: [FLIGHT]',
        f'numbers: [1], anyValue: {{a: 1}}, globalId: "{GLOBAL}", maybe: 1',
    ],
)
def test_the_fast_path_is_taken(
    both: Both, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    forbid_graphql_core(monkeypatch)
    both.fast.data(f"{{ take({arguments}) {{ text }} }}")
