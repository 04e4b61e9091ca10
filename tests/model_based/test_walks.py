"""Walks by cursor return the sorted table, and each row that stays exactly once."""

from itertools import cycle, permutations, product
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.model_based import model, strategies
from tests.model_based.model import Hero
from tests.model_based.stores import Store
from tests.model_based.walk import Walk, step
from tests.support.hypothesis_examples import check

EXAMPLES = [6, pytest.param(150, marks=pytest.mark.slow)]
"""Number of examples."""

TERMS = {
    field: [
        {"field": field, "direction": direction, "nulls": nulls}
        for direction, nulls in product(("ASC", "DESC"), ("FIRST", "LAST"))
    ]
    for field in ("ID", "NAME", "AGE")
}

ORDERS: dict[int, list[list[dict[str, Any]]]] = {
    count: [
        list(terms)
        for fields in permutations(TERMS, count)
        for terms in product(*(TERMS[field] for field in fields))
    ]
    for count in (1, 2, 3)
}
"""All orders by number of terms."""

SIZES = (1, 2, 7, 100)

FILTERS: list[dict[str, Any]] = [
    {},
    {"age": {"isNull": False}},
    {"not": {"age": {"gte": 2}}},
    {"age": {"ne": 1}},
    {"not": {"name": {"startsWith": "a"}}, "or": [{"age": {"lt": 9}}, {"name": {"contains": "%"}}]},
    {"name": {"eq": "no hero's"}},
]

ROWS = [
    Hero(number, name, age, "x")
    for number, (name, age) in enumerate(
        [
            *product(("a", "B", "\U0001f9b8"), (None, 1, 2)),
            *[("a", 1), ("", None), ("\uffff", 30), ("%a", 0), ("é", None), ("a", 2**31 - 1)],
        ],
        start=3,
    )
]


def chosen(count: int | None) -> list[tuple[Any, dict[str, Any], int]]:
    """Orders, each with a filter and a size.

    Args:
        count: how many orders of three terms, and ten times as many of two; None for all.
    """
    orders: list[Any] = [None, [], *ORDERS[1]]
    for terms, times in ((2, 10), (3, 1)):
        all_ = ORDERS[terms]
        orders += all_ if count is None else Random(14).sample(all_, count * times)  # noqa: S311 (no secret)
    filters, sizes = cycle([{}, *FILTERS]), cycle(SIZES)
    return [(order, next(filters), next(sizes)) for order in orders]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("count", [3, pytest.param(None, marks=pytest.mark.slow)])
def test_the_sorted_table(stores: list[Store], count: int | None, *, backward: bool) -> None:
    for store in stores:
        _walk_all(store, ROWS, chosen(count), backward=backward)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("count", [3, pytest.param(None, marks=pytest.mark.slow)])
def test_ages_of_other_types(stores: list[Store], count: int | None, *, backward: bool) -> None:
    added = [Hero(100 + number, "a", age, "x") for number, age in enumerate(strategies.FOREIGN)]
    choices = [
        (order, where, size)
        for order, where, size in chosen(count)
        if any(term["field"] == "AGE" for term in order or ())
    ]
    _walk_all(stores[0], [*ROWS, *added], choices, backward=backward)


def _walk_all(
    store: Store,
    rows: list[Hero],
    choices: list[tuple[Any, dict[str, Any], int]],
    *,
    backward: bool,
) -> None:
    """Walk the table in each order, and check `hasNextPage` and `hasPreviousPage`."""
    table = store.fill(rows)
    walks = [Walk(order, where, size, backward=backward) for order, where, size in choices]
    while going := [walk for walk in walks if not walk.ended]:
        step(store.clients[0], going)
        for walk in going:
            assert walk.is_at_the_start is (walk.pages == 1), walk.request()
    for walk, (order, where, size) in zip(walks, choices, strict=True):
        expected = [row.id for row in model.ordered(table, where, order or ())]
        assert walk.ids == expected, (order, where, size)
        assert walk.pages == max(1, -(-len(expected) // size))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "foreign"])
@pytest.mark.parametrize("count", EXAMPLES)
def test_rows_that_come_and_go(stores: list[Store], kind: str, count: int) -> None:
    store = stores[kind == "postgresql"]
    ages = strategies.foreign_ages if kind == "foreign" else strategies.stored_ages

    def walk_on(data: st.DataObject) -> None:
        table = store.fill(data.draw(strategies.rows(ages)))
        order = data.draw(st.none() | strategies.orders)
        where = data.draw(st.sampled_from(FILTERS) | strategies.filters)
        walk = Walk(order, where, data.draw(st.integers(1, 3)), backward=data.draw(st.booleans()))
        found = [row.id for row in model.ordered(table, where, order or ())]
        touched: set[int] = set()
        for change in data.draw(st.lists(strategies.changes(ages), max_size=6)):
            step(store.clients[0], [walk])
            if walk.ended:
                break
            table, changed = change(table)
            touched |= changed
            table = store.fill(table)
        while not walk.ended:
            step(store.clients[0], [walk])
        stayed = [hero_id for hero_id in found if hero_id not in touched]
        assert [hero_id for hero_id in walk.ids if hero_id in stayed] == stayed

    check(count, st.data(), walk_on)
