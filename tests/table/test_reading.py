"""Generated reads are answered as the model answers them, with the same bytes by every service."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import strategies as st

from tests.examples import check
from tests.table import model, strategies
from tests.table.documents import RootField, operations, project
from tests.table.model import Hero
from tests.table.stores import Store

EXAMPLES = [100, pytest.param(1_000, marks=pytest.mark.slow)]
"""How many are tried."""

PLACES: RootField = RootField(
    "heroesConnection", {}, {"edges": {"cursor": None, "node": {"id": None}}}
)
"""Asks where each row is."""


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A selection of at least one of these fields."""
    return st.fixed_dictionaries({}, optional=fields).filter(bool)


def leaves(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    """Fields that have none inside them."""
    return dict.fromkeys(names, st.none())


HEROES = some(**leaves(*model.FIELDS))
CONNECTIONS = some(
    nodes=HEROES,
    edges=some(node=HEROES, **leaves("cursor")),
    pageInfo=some(**leaves("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")),
    **leaves("totalCount"),
)
STATS = some(age=some(**leaves("min", "max", "avg")), **leaves("count"))
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"where": strategies.filters, "orderBy": strategies.orders}
)


def asked(stores: Sequence[Store], request: Mapping[str, Any]) -> Any:
    """The data that all services answer a request with."""
    first, *others = (client.post(request).content for store in stores for client in store.clients)
    assert others == [first] * len(others)
    body = json.loads(first)
    assert "errors" not in body, body
    return body["data"]


def connection(
    rows: Sequence[Hero], arguments: Mapping[str, Any], cursors: Mapping[Hero, str]
) -> dict[str, Any]:
    """A whole connection, as the model has it; a row that is new may have any cursor."""
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


@pytest.mark.parametrize("count", EXAMPLES)
def test_lists_and_statistics(stores: list[Store], count: int) -> None:
    def read(data: st.DataObject) -> None:
        rows = data.draw(strategies.rows())
        for store in stores:
            store.fill(rows)
        arguments = data.draw(CONDITIONS)
        where, order = arguments.get("where", {}), arguments.get("orderBy", ())
        window = data.draw(
            st.fixed_dictionaries(
                {}, optional={"offset": st.integers(0, 5), "limit": strategies.sizes}
            )
        )
        offset, limit = window.get("offset", 0), window.get("limit", 100)
        found = model.ordered(rows, where, order)[offset : offset + limit]
        filtered = {name: arguments[name] for name in arguments if name == "where"}
        fields = [
            RootField("heroes", {**arguments, **window}, data.draw(HEROES)),
            RootField("heroStats", filtered, data.draw(STATS)),
        ]
        answers = asked(stores, data.draw(operations(fields)))
        assert answers == {
            "f0": project([row.answered() for row in found], fields[0].selection),
            "f1": project(model.stats(rows, where), fields[1].selection),
        }

    check(count, st.data(), read)


@pytest.mark.parametrize("count", EXAMPLES)
def test_pages_by_cursors_of_a_table_that_has_changed(stores: list[Store], count: int) -> None:
    def read(data: st.DataObject) -> None:
        before = data.draw(strategies.rows())
        for store in stores:
            store.fill(before)
        arguments = data.draw(CONDITIONS)
        listing = PLACES._replace(arguments=arguments)
        edges = asked(stores, data.draw(operations([listing])))["f0"]["edges"]
        ids = {str(row.id): row for row in before}
        places = {ids[edge["node"]["id"]]: edge["cursor"] for edge in edges}
        expected = connection(before, arguments, places)
        assert project(expected, listing.selection) == {"edges": edges}

        after, _ = data.draw(strategies.changes())(before)
        for store in stores:
            store.fill(after)
        page = data.draw(strategies.pages(list(places)))
        sent = {name: places.get(value, value) for name, value in page.items()}
        field = RootField("heroesConnection", {**arguments, **sent}, data.draw(CONNECTIONS))
        answer = asked(stores, data.draw(operations([field])))["f0"]
        expected = connection(after, {**arguments, **page}, places)
        assert answer == project(expected, field.selection)

    check(count, st.data(), read)
