"""Heroes, filters, orders, pages and mutations that are often about the same few values."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import cycle
from typing import Any, TypeAlias

from hypothesis import strategies as st

from graph.hero.model import MAX_INT, MIN_INT
from tests.table.model import FIELDS, Hero

LETTERS = "aAbBiIzZ ,éÉßẞİ\u0131\u017f\u212a\u0301\uffff\U0001f9b8\U0010ffff%_*?[\\'\"$\n"
"""What patterns, quotes, folding of cases and orders that are not by code point trip over."""

NAMES = ["", "a", "A", "ab", "aB", "%", "_", "a%", "\\", "\uffff", "\U0001f9b8", "ß", "İ"]

AGES = [0, 1, 1, 2, 30]

NO_IDS = ["0", "-1", "07", " 7", "1.0", "abc", "", "2147483648", "9223372036854775808"]
"""Ids that no hero has."""

PREDICATES = 20
LEVELS = 4
"""The most predicates of a filter, and the most levels."""

names = st.sampled_from(NAMES) | st.text(LETTERS, max_size=3)
texts = names.filter(str.strip)
ages = st.sampled_from(AGES)
stored_ages = st.one_of(
    st.none(), ages, ages, ages, st.sampled_from([-1, 7, MIN_INT, MAX_INT, MAX_INT - 1])
)
foreign_ages = stored_ages | st.one_of(
    st.sampled_from(["", "old", "1a", "old ", 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]),
    st.sampled_from([0.5, 1.0, 1.5, -0.5, 2.0**53, 2.0**63, 1e300, 5e-324, float("inf")]),
)
"""What other apps may have stored as an age in SQLite."""

ids = st.integers(1, 12).map(str) | st.sampled_from(NO_IDS)


def rows(
    ages: st.SearchStrategy[Any] = stored_ages, max_size: int = 12
) -> st.SearchStrategy[list[Hero]]:
    """The rows of a table."""
    keys = st.integers(1, 12) | st.integers(1, MAX_INT - 1_000)
    hero = st.builds(Hero, keys, names, ages, st.sampled_from(["x", "y"]))
    return st.lists(hero, max_size=max_size, unique_by=lambda hero: hero.id)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mostly one of these fields, sometimes two or none."""
    return st.lists(st.sampled_from(list(fields)), max_size=2, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen})
    )


_predicates = {
    "id": _some(eq=ids, **{"in": st.lists(ids, max_size=4)}),
    "name": _some(
        eq=names,
        ne=names,
        startsWith=names,
        contains=names,
        eqIgnoreCase=names,
        **{"in": st.lists(names, max_size=4)},
    ),
    "age": _some(
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
    """Filters of at most so many levels."""
    if levels == 1:
        return _some(**_predicates)
    inner = _filters(levels - 1)
    several = st.lists(inner, max_size=3)
    deeper = {"and": several, "or": several, "not": inner}
    return _some(**_predicates) | _some(**_predicates, **deeper)


def predicates(where: Any) -> int:
    """How many predicates a filter has."""
    if isinstance(where, list):
        return sum(map(predicates, where))
    return sum(
        predicates(value) if name in ("and", "or", "not") else len(value)
        for name, value in where.items()
    )


filters = _filters(LEVELS).filter(lambda where: predicates(where) <= PREDICATES)

DIRECTIONS = [{}, {"direction": "ASC"}, {"direction": "DESC"}]
NULLS = [{}, {"nulls": "LAST"}, {"nulls": "FIRST"}]

orders = st.lists(
    st.builds(
        lambda field, direction, nulls: {"field": field, **direction, **nulls},
        st.sampled_from(["AGE", "NAME", "ID"]),
        st.sampled_from(DIRECTIONS),
        st.sampled_from(NULLS),
    ),
    max_size=3,
    unique_by=lambda term: term["field"],
)

sizes = st.sampled_from([1, 2, 3, 7, 100, 0])


def pages(places: Iterable[Hero]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a page by cursor, which starts or ends at some of these places."""
    place = st.sampled_from([*places, None])
    ends = {"after": place, "before": place}
    return st.one_of(
        st.fixed_dictionaries({"first": sizes}, optional={**ends, "last": st.none()}),
        st.fixed_dictionaries({"last": sizes}, optional={**ends, "first": st.none()}),
        st.fixed_dictionaries({}, optional=ends),
    )


Change: TypeAlias = Callable[[Sequence[Hero]], tuple[list[Hero], set[int]]]
"""Gives a table after a change, and the ids of all rows that are not as they were."""


def changes(ages: st.SearchStrategy[Any] = stored_ages) -> st.SearchStrategy[Change]:
    """Some rows are deleted, others are updated, and others are new."""
    deeds = st.sampled_from(["keep", "keep", "update", "delete"])
    values = st.lists(st.tuples(deeds, names, ages), min_size=1, max_size=7)
    return st.builds(
        lambda deeds, new: partial(_changed, deeds=deeds, new=new), values, rows(ages, 3)
    )


def _changed(
    before: Sequence[Hero], deeds: list[tuple[str, str, Any]], new: list[Hero]
) -> tuple[list[Hero], set[int]]:
    after = {hero.id: hero for hero in new}
    after.update((hero.id, hero) for hero in before)
    for hero, (deed, name, age) in zip(before, cycle(deeds), strict=False):
        if deed == "update":
            after[hero.id] = hero._replace(name=name, age=age)
        elif deed == "delete":
            del after[hero.id]
    there = set(before)
    same = {hero.id for hero in after.values() if hero in there}
    return list(after.values()), {hero.id for hero in (*before, *after.values())} - same


valid = {"name": texts, "secretName": texts, "age": st.none() | ages}
unusable = {
    "name": st.sampled_from(["", " \n", "a\0", "x" * 201]),
    "secretName": st.just(""),
    "age": st.just(-1),
}
required = {name: valid[name] for name in ("name", "secretName")}
inputs = st.fixed_dictionaries(required, optional={"age": valid["age"]})
some_inputs = st.one_of(
    *[inputs] * 9, st.fixed_dictionaries({**required, "name": unusable["name"]})
)
updates = st.one_of(
    *[st.fixed_dictionaries({}, optional=valid)] * 8,
    st.fixed_dictionaries({}, optional=unusable),
    st.fixed_dictionaries({}, optional={"name": st.none(), "secretName": st.none()}),
)
expectations = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["a", "b"]), "age": st.none() | ages}
)
limits = st.sampled_from([1, 2, 3, 100, 100, 0, 101])
"""How many heroes a mutation may be about."""

creations = st.one_of(
    st.tuples(st.just("createHero"), st.fixed_dictionaries({"input": some_inputs})),
    st.tuples(
        st.just("createHeroes"),
        st.fixed_dictionaries({"inputs": st.lists(some_inputs, max_size=3)}),
    ),
)
at_most = {"atMost": limits}
others = st.one_of(
    st.tuples(
        st.just("updateHero"),
        st.fixed_dictionaries({"id": ids, "input": updates}, optional={"expected": expectations}),
    ),
    st.tuples(
        st.just("updateHeroes"),
        st.fixed_dictionaries({"where": filters, "input": updates}, optional=at_most),
    ),
    st.tuples(st.just("deleteHero"), st.fixed_dictionaries({"id": ids})),
    st.tuples(st.just("deleteHeroes"), st.fixed_dictionaries({"where": filters}, optional=at_most)),
)
mutations = st.builds(
    lambda before, creation: [*before, *creation],
    st.lists(others, max_size=2),
    st.lists(creations, max_size=1),
).filter(bool)
"""The root fields of an operation. A creation is the last: a sequence of ids is not rolled back."""

selections = st.lists(st.sampled_from(list(FIELDS)), min_size=1, unique=True).map(dict.fromkeys)
