"""Strategies of heroes, filters, orders and pages, with few different values."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import cycle
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from graph.hero.model import MAX_INT, MIN_INT
from tests.model_based.model import FIELDS, Hero

T = TypeVar("T")

LETTERS = "aAbBiIzZ ,éÉßẞİ\u0131\u017f\u212a\u0301\uffff\U0001f9b8\U0010ffff%_*?[\\'\"$\n"
"""Characters that break patterns, quoting, case folding, and orders other than by code point."""

NAMES = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "a%",
    "_",
    "a*",
    "?",
    "[a]",
    "\\",
    "\uffff",
    "\U0001f9b8",
    "ß",
    "İ",
]

AGES = [0, 1, 1, 2, 30]

FOREIGN = [
    *("", "old", "1a", "old ", b"1", 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)),
    *(0.5, 1.0, 1.5, -0.5, 2.0**53, 2.0**63, 1e300, -1e300, 5e-324, float("inf")),
]
"""Ages that other programs may store in SQLite."""

NO_IDS = ["0", "-1", "07", " 7", "1.0", "abc", "", "2147483648", "9223372036854775808"]
"""Ids that no hero has."""

PREDICATES = 20
LEVELS = 4
"""Maximum predicates and levels of a filter."""


def mostly(
    usual: st.SearchStrategy[T], *rare: st.SearchStrategy[T], times: int = 9
) -> st.SearchStrategy[T]:
    """The usual strategy, this many times as often as the other."""
    kinds = [usual] * times * len(rare) + list(rare)
    return st.sampled_from(range(len(kinds))).flatmap(lambda kind: kinds[kind])


names = st.sampled_from(NAMES) | st.text(LETTERS, max_size=3)
ages = st.sampled_from(AGES)
stored_ages = mostly(
    ages, st.none(), st.sampled_from([-1, 7, MIN_INT, MAX_INT, MAX_INT - 1]), times=2
)
foreign_ages = stored_ages | st.sampled_from(FOREIGN)

ids = mostly(st.integers(1, 6).map(str), st.sampled_from(NO_IDS))


def rows(ages: st.SearchStrategy[Any] = stored_ages) -> st.SearchStrategy[list[Hero]]:
    """The rows of a table, with ids from 1 on."""
    hero = st.tuples(names, ages, st.sampled_from(["x", "y"]))
    some = st.lists(hero, min_size=4, max_size=12)
    return mostly(some, st.lists(hero, max_size=2)).map(
        lambda heroes: [Hero(number, *values) for number, values in enumerate(heroes, start=1)]
    )


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mostly one of these fields, sometimes two or none."""
    one = st.sampled_from(list(fields)).map(lambda name: (name,))
    two = st.permutations(list(fields)).map(lambda names: tuple(names[:2]))
    return mostly(one, two, two, st.just(()), times=3).flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen})
    )


_predicates = {
    "id": some(eq=ids, **{"in": st.lists(ids, max_size=4)}),
    "name": some(
        eq=names,
        ne=names,
        startsWith=names,
        contains=names,
        eqIgnoreCase=names,
        **{"in": st.lists(names, max_size=4)},
    ),
    "age": some(
        eq=ages,
        ne=ages,
        lt=ages,
        lte=ages,
        gt=ages,
        gte=ages,
        isNull=st.booleans(),
        **{"in": st.lists(ages, max_size=4)},
    ),
}


def _filters(levels: int) -> st.SearchStrategy[dict[str, Any]]:
    """Filters with at most this many levels."""
    flat = some(**_predicates)
    if levels == 1:
        return flat
    inner = _filters(levels - 1)
    several = mostly(st.lists(inner, min_size=1, max_size=3), st.just([]))
    deeper = some(**{"and": several, "or": several, "not": inner})
    both = st.builds(lambda one, other: {**one, **other}, flat, deeper)
    return st.one_of(flat, deeper, both)


def predicates(where: Any) -> int:
    """Number of predicates in a filter; an empty filter counts as one."""
    if isinstance(where, list):
        return sum(map(predicates, where))
    return (
        sum(
            predicates(value) if name in ("and", "or", "not") else len(value)
            for name, value in where.items()
        )
        or 1
    )


filters = _filters(LEVELS).filter(lambda where: predicates(where) <= PREDICATES)

DIRECTIONS = [{}, {"direction": "ASC"}, {"direction": "DESC"}]
NULLS = [{}, {"nulls": "LAST"}, {"nulls": "FIRST"}]

term = st.builds(
    lambda field, direction, nulls: {"field": field, **direction, **nulls},
    st.sampled_from(["AGE", "NAME", "ID"]),
    st.sampled_from(DIRECTIONS),
    st.sampled_from(NULLS),
)
orders = mostly(
    st.lists(term, min_size=1, max_size=3, unique_by=lambda term: str(term["field"])), st.just([])
)

sizes = st.sampled_from([1, 2, 3, 7, 100, 0])


def pages(places: Iterable[Hero]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a page by cursor, with these cursors as bounds."""
    place = st.sampled_from([*places, None])
    ends = {"after": place, "before": place}
    return st.one_of(
        st.fixed_dictionaries({"first": sizes}, optional={**ends, "last": st.none()}),
        st.fixed_dictionaries({"last": sizes}, optional={**ends, "first": st.none()}),
        st.fixed_dictionaries({}, optional=ends),
    )


Change: TypeAlias = Callable[[Sequence[Hero]], tuple[list[Hero], set[int]]]
"""A table after a change, and the ids of all changed rows."""


def changes(ages: st.SearchStrategy[Any] = stored_ages) -> st.SearchStrategy[Change]:
    """Delete, update and insert some rows."""
    deeds = st.sampled_from(["keep", "keep", "update", "delete"])
    values = st.lists(st.tuples(deeds, names, ages), min_size=1, max_size=7)
    return st.builds(
        lambda deeds, new: partial(_changed, deeds=deeds, new=new),
        values,
        st.lists(st.tuples(names, ages), max_size=3),
    )


def _changed(
    before: Sequence[Hero], deeds: list[tuple[str, str, Any]], new: list[tuple[str, Any]]
) -> tuple[list[Hero], set[int]]:
    after = {hero.id: hero for hero in before}
    for hero, (deed, name, age) in zip(before, cycle(deeds), strict=False):
        if deed == "update":
            after[hero.id] = hero._replace(name=name, age=age)
        elif deed == "delete":
            del after[hero.id]
    first = 1 + max(after, default=0)
    for number, (name, age) in enumerate(new, start=first):
        after[number] = Hero(number, name, age, "new")
    there = set(before)
    same = {hero.id for hero in after.values() if hero in there}
    return list(after.values()), {hero.id for hero in (*before, *after.values())} - same


selections = st.lists(st.sampled_from(list(FIELDS)), min_size=1, unique=True).map(dict.fromkeys)
