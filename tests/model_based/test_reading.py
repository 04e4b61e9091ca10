"""Generated reads: every service answers like the model, with the same bytes."""

from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import strategies as st

from tests.model_based import model, strategies
from tests.model_based.documents import RootField, operations, project
from tests.model_based.model import Hero
from tests.model_based.stores import Store, asked
from tests.support.hypothesis_examples import check

EXAMPLES = [8, pytest.param(200, marks=pytest.mark.slow)]
"""Number of examples."""

PLACES: RootField = RootField(
    "heroesConnection", {}, {"edges": {"cursor": None, "node": {"id": None}}}
)
"""Selects the cursor of each row."""


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A selection of at least one of these fields."""
    return st.fixed_dictionaries({}, optional=fields).filter(bool)


def leaves(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    """Fields without subfields."""
    return dict.fromkeys(names, st.none())


HEROES = some(**leaves(*model.FIELDS))
CONNECTIONS = some(
    nodes=HEROES,
    edges=some(node=HEROES, **leaves("cursor")),
    pageInfo=some(**leaves("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")),
    **leaves("totalCount"),
)
STATS = some(age=some(**leaves("min", "max", "avg")), **leaves("count"))
FILTERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"where": strategies.filters}
)
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"where": strategies.filters, "orderBy": strategies.orders}
)
WINDOWS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"offset": st.integers(0, 5), "limit": strategies.sizes}
)


def data_of(stores: Sequence[Store], request: Mapping[str, Any]) -> Any:
    """Return the data that all services answer."""
    body = asked(stores, request)
    assert "errors" not in body, body
    return body["data"]


def connection(
    rows: Sequence[Hero], arguments: Mapping[str, Any], cursors: Mapping[Hero, str]
) -> dict[str, Any]:
    """Return the model's whole connection; a new row may have any cursor."""
    places = {name: arguments[name] for name in arguments if name not in ("where", "orderBy")}
    where, order = arguments.get("where", {}), arguments.get("orderBy", ())
    page = model.page(rows, where, order, **places)
    edges = [{"cursor": cursors.get(row, ANY), "node": row.answered()} for row in page.rows]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
        "totalCount": len(model.ordered(rows, where, order)),
    }


def heroes(rows: Sequence[Hero], arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the model's list of heroes."""
    found = model.ordered(rows, arguments.get("where", {}), arguments.get("orderBy", ()))
    offset = arguments.get("offset", 0)
    return [row.answered() for row in found[offset : offset + arguments.get("limit", 100)]]


@pytest.mark.parametrize("count", EXAMPLES)
def test_lists_and_statistics(stores: list[Store], count: int) -> None:
    def read(data: st.DataObject) -> None:
        rows = data.draw(strategies.rows())
        for store in stores:
            store.fill(rows)
        lists = data.draw(st.lists(st.tuples(CONDITIONS, WINDOWS, HEROES), max_size=3))
        fields = [RootField("heroes", {**given, **page}, fields) for given, page, fields in lists]
        where = data.draw(FILTERS)
        fields.append(RootField("heroStats", where, data.draw(STATS)))
        whole = [heroes(rows, field.arguments) for field in fields[:-1]]
        expected = [*whole, model.stats(rows, where.get("where", {}))]
        assert data_of(stores, data.draw(operations(fields))) == {
            f"f{n}": project(answer, field.selection)
            for n, (field, answer) in enumerate(zip(fields, expected, strict=True))
        }

    check(count, st.data(), read)


@pytest.mark.parametrize("count", EXAMPLES)
def test_pages_by_cursors_of_a_table_that_has_changed(stores: list[Store], count: int) -> None:
    def read(data: st.DataObject) -> None:
        before = data.draw(strategies.rows())
        for store in stores:
            store.fill(before)
        ids = {str(row.id): row for row in before}
        conditions = data.draw(st.lists(CONDITIONS, min_size=1, max_size=3))
        listings = [PLACES._replace(arguments=given) for given in conditions]
        answers = data_of(stores, data.draw(operations(listings)))
        places: list[dict[Hero, str]] = []
        for listing, answer in zip(listings, answers.values(), strict=True):
            places.append({ids[edge["node"]["id"]]: edge["cursor"] for edge in answer["edges"]})
            expected = connection(before, listing.arguments, places[-1])
            assert answer == project(expected, listing.selection)

        after, _ = data.draw(strategies.changes())(before)
        for store in stores:
            store.fill(after)
        fields, whole = [], []
        for given, cursors in zip(conditions, places, strict=True):
            page = data.draw(strategies.pages(cursors))
            sent = {name: cursors.get(value, value) for name, value in page.items()}
            fields.append(RootField(PLACES.name, {**given, **sent}, data.draw(CONNECTIONS)))
            whole.append(connection(after, {**given, **page}, cursors))
        assert data_of(stores, data.draw(operations(fields))) == {
            f"f{n}": project(expected, field.selection)
            for n, (field, expected) in enumerate(zip(fields, whole, strict=True))
        }

    check(count, st.data(), read)


def test_a_cursor_holds_its_place_whatever_is_ordered_behind_the_id(stores: list[Store]) -> None:
    by_id = {"orderBy": [{"field": "ID"}, {"field": "AGE"}]}
    query = (
        "query ($after: String) { heroesConnection(after: $after, orderBy: [{ field: ID },"
        " { field: AGE }]) { edges { cursor node { id } } } }"
    )

    def edges(rows: Sequence[Hero], after: str | None) -> Any:
        for store in stores:
            store.fill(rows)
        request = {"query": query, "variables": {"after": after}}
        return data_of(stores, request)["heroesConnection"]["edges"]

    before = [Hero(number, "a", 1, "x") for number in (1, 2, 3)]
    cursor = edges(before, None)[0]["cursor"]
    after = [row._replace(age=2) for row in before]
    expected = connection(after, {**by_id, "after": before[0]}, {})["edges"]
    assert edges(after, cursor) == [project(edge, PLACES.selection["edges"]) for edge in expected]
