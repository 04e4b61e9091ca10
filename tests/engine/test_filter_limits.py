"""Limits of filters: the largest allowed filter and the smallest refused one."""

from collections.abc import Callable
from json import dumps
from typing import Any

import pytest
from graphql import GraphQLInt

from graph.engine import service
from graph.engine.cost import LARGEST_FILTER
from graph.engine.limits import MAX_OBJECTS
from tests.support.client import Client, literal
from tests.support.databases import on_sqlite
from tests.support.response_shape import all_labelled, code, labelled

pytestmark = on_sqlite

PAGE = "query($where: HeroFilter) { heroes(where: $where) { id } }"


def predicates(count: int) -> dict[str, Any]:
    """A filter with this many comparisons; an empty filter counts as one."""
    several = {"age": {"gt": 0, "lt": 9}}
    return {"and": [several] * (count // 2) + [{}] * (count % 2)}


def levels(count: int) -> dict[str, Any]:
    """A filter with this many levels, nested by `and`, `or` and `not`."""
    where: dict[str, Any] = {"age": {"gt": 0}}
    for level in range(count - 1):
        kinds: list[dict[str, Any]] = [{"not": where}, {"and": [{}, where]}, {"or": where}]
        where = kinds[level % 3]
    return where


def values(count: int) -> dict[str, Any]:
    """A filter with this many values, in lists and alone."""
    return {
        "age": {"in": list(range(count - 2))},
        "or": [{"id": {"in": ["1"]}}, {"name": {"eq": "A"}}],
    }


EDGES = [
    (predicates, 20),
    (levels, 4),
    (values, 100),
]

FORMS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "variable": lambda where: {"query": PAGE, "variables": {"where": where}},
    "literal": lambda where: {"query": f"{{ heroes(where: {literal(where)}) {{ id }} }}"},
    "default": lambda where: {
        "query": PAGE.replace("HeroFilter", f"HeroFilter = {literal(where)}")
    },
    "fragment": lambda where: {
        "query": f"{{ ...F }} fragment F on Query {{ a: heroes(where: {literal(where)}) {{ id }} }}"
    },
    "part": lambda where: {
        "query": "query($name: StringFilter, $where: HeroFilter!) {"
        " first: heroes { id } heroes(where: {name: $name, and: [$where]}) { id } }",
        "variables": {"where": where},
    },
}
"""Ways to write the same filter; the last adds one level."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("filter_of", "most"), EDGES)
def test_the_largest_allowed_filter(
    shared: Client, filter_of: Callable[[int], dict[str, Any]], most: int, form: str
) -> None:
    most -= form == "part" and filter_of is levels
    assert "errors" not in labelled(shared.post(FORMS[form](filter_of(most))))
    assert code(shared.post(FORMS[form](filter_of(most + 1)))) == "OPERATION_TOO_COMPLEX"


def test_each_filter_has_its_own_limit(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LARGEST_FILTER", LARGEST_FILTER._replace(predicates=2))
    api = serve()
    most, more = literal(predicates(2)), literal(predicates(3))
    pages = [f"p{index}: heroes(limit: 1, where: {most}) {{ id }}" for index in range(14)]
    for last, refused in ((most, False), (more, True)):
        query = f"{{ {' '.join(pages)} heroes(limit: 1, where: {last}) {{ id }} }}"
        assert ("errors" in labelled(api.post({"query": query}))) == refused
    batch = [FORMS["variable"](predicates(count)) for count in (2, 3, 2)]
    bodies = all_labelled(api.post(batch))
    assert ["errors" in body for body in bodies] == [False, True, False]


def test_objects_in_variables_are_limited(shared: Client) -> None:
    """Objects are counted first, because coercing them is slow."""
    where: dict[str, Any] = {"or": [{}] * (MAX_OBJECTS - 1)}
    (error,) = labelled(shared.post(FORMS["variable"](where)))["errors"]
    assert error["message"].startswith("A filter has ")
    for request in (
        FORMS["variable"]({"or": [{}] * MAX_OBJECTS}),
        FORMS["variable"]({"or": [[[{}]]] * MAX_OBJECTS}),
        FORMS["variable"]({"age": {"in": [1] * (MAX_OBJECTS + 1)}}),
        {"query": "{ __typename }", "variables": {"unused": [[], ["a"] * MAX_OBJECTS]}},
    ):
        (error,) = labelled(shared.post(request))["errors"]
        assert error["message"] == (
            "The variables have more than 2000 objects and list items, the maximum."
        )
        assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"


def test_variables_over_the_limit_are_not_coerced(
    shared: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    coerced: list[object] = []
    integer = GraphQLInt.coerce_input_value

    def coerce(value: object) -> object:
        coerced.append(value)
        return integer(value)

    monkeypatch.setattr(GraphQLInt, "coerce_input_value", coerce)
    query = "query Fresh($where: HeroFilter) { heroes(where: $where) { id } }"
    for last in (1, "x"):
        where = {"age": {"in": [*[1] * MAX_OBJECTS, last]}}
        (error,) = labelled(shared.post({"query": query, "variables": {"where": where}}))["errors"]
        assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"
    assert not coerced


def test_objects_in_variables_add_up_in_a_batch(shared: Client) -> None:
    half: dict[str, Any] = {"variables": {"unused": [{}] * (MAX_OBJECTS // 2)}}
    batch = [{"query": "{ __typename }", **half}] * 2
    assert ["errors" in body for body in all_labelled(shared.post(batch))] == [False, False]
    batch.append({"query": "{ __typename }", "variables": {"unused": {}}})
    for body in all_labelled(shared.post(batch)):
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"


def test_a_deeply_nested_filter_is_refused(shared: Client) -> None:
    for depth in (50, 150, 200, 230, 500, 5_000):
        nested = '{"not":' * depth + "{}" + "}" * depth
        content = f'{{"query": {dumps(PAGE)}, "variables": {{"where": {nested}}}}}'
        headers = {"content-type": "application/json"}
        response = shared.http.post("/graphql", content=content, headers=headers)
        assert code(response) in {"OPERATION_TOO_COMPLEX", "BAD_USER_INPUT", "BAD_REQUEST"}
        query = f"{{ heroes(where: {nested.replace(chr(34), '')}) {{ id }} }}"
        assert code(shared.post({"query": query})) in {
            "OPERATION_TOO_COMPLEX",
            "GRAPHQL_PARSE_FAILED",
        }
