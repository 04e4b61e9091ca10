"""Each comparison and its negation match the same rows as the model."""

from collections.abc import Iterator
from typing import Any

from graph.hero.model import MAX_INT, MIN_INT
from tests.model_based import model
from tests.model_based.model import Hero
from tests.model_based.stores import Store, asked
from tests.model_based.strategies import AGES, LETTERS, NAMES, NO_IDS
from tests.model_based.walk import AT_ONCE

QUERY = "query ($where: HeroFilter) { heroes(where: $where) { id } }"

TEXTS = sorted({*NAMES, *LETTERS})

NUMBERS = [*sorted(set(AGES)), MIN_INT, -1, MAX_INT]

ROWS = [
    Hero(number, name, age, "x")
    for number, (name, age) in enumerate(
        [
            *((text, None) for text in TEXTS),
            *((f"a{text}", number % 3) for number, text in enumerate(LETTERS)),
            *(("x", number) for number in NUMBERS),
        ],
        start=1,
    )
]


def predicates() -> Iterator[dict[str, Any]]:
    """Filters of one comparison."""
    for name in ("eq", "ne", "startsWith", "contains", "eqIgnoreCase"):
        yield from ({"name": {name: text}} for text in TEXTS)
    for name in ("eq", "ne", "lt", "lte", "gt", "gte"):
        yield from ({"age": {name: number}} for number in NUMBERS)
    yield from ({"id": {"eq": hero_id}} for hero_id in ("1", *NO_IDS))
    yield from ({"age": {"isNull": value}} for value in (True, False))
    for values in ([], ["a"], ["a", "\uffff", "a"]):
        yield {"name": {"in": values}}
    for ages in ([], [1], [MAX_INT, 2, 1]):
        yield {"age": {"in": ages}}
    for ids in ([], ["1"], [*NO_IDS, "2"]):
        yield {"id": {"in": ids}}


def test_each_comparison_and_its_negation(stores: list[Store]) -> None:
    assert len(ROWS) <= model.MAX_HEROES  # they fit on one page
    for store in stores:
        store.fill(ROWS)
    found = list(predicates())
    filters = [*found, *({"not": where} for where in found)]
    for start in range(0, len(filters), AT_ONCE):
        several = filters[start : start + AT_ONCE]
        batch = [{"query": QUERY, "variables": {"where": where}} for where in several]
        for where, body in zip(several, asked(stores, batch), strict=True):
            expected = [{"id": str(row.id)} for row in ROWS if model.matches(row, where)]
            assert body == {"data": {"heroes": expected}}, where
