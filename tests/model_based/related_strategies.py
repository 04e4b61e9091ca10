"""Strategies of related rows, and of selections and filters of several levels."""

from functools import cache
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.model_based.documents import RootField
from tests.model_based.related_model import LISTS, RELATIONS, Member, Tables, Team
from tests.model_based.strategies import DIRECTIONS, NULLS, mostly, some

LEVELS = 4
PREDICATES = 20
"""Maximum levels and predicates of a filter."""

KEYS = [UUID(int=(n * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128) for n in range(1, 5)]
"""Keys of teams."""

MEMBERS = range(1, 8)
"""Keys of members."""

names = st.sampled_from(["", "a", "A", "b", "\uffff", "\U0001f9b8"])
numbers = st.sampled_from([0, 1, 2])
team_ids = st.sampled_from([*map(str, KEYS), str(KEYS[0]).upper(), "x"])
member_ids = st.sampled_from([*map(str, MEMBERS), "07", "x"])


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """Draw rows that refer to one another, and to themselves."""
    keys = KEYS[: draw(st.integers(0, len(KEYS)))]
    numbers_of = MEMBERS[: draw(mostly(st.integers(3, len(MEMBERS)), st.integers(0, 2)))]
    no_team = st.none()
    team = st.sampled_from(keys) | no_team if keys else no_team
    no_member = st.none()
    member = st.sampled_from(numbers_of) | no_member if numbers_of else no_member
    teams = [Team(key, draw(names), draw(numbers | st.none()), draw(member)) for key in keys]
    members = [
        Member(key, draw(names), draw(numbers | st.none()), draw(member), draw(team))
        for key in numbers_of
    ]
    pairs = [(key, number) for key in keys for number in numbers_of]
    links = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    return Tables(
        {row.id: row for row in teams}, {row.id: row for row in members}, frozenset(links)
    )


def _comparisons(of: st.SearchStrategy[Any], *operators: str, null: bool) -> Any:
    given = dict.fromkeys(operators, of) | {"in": st.lists(of, max_size=3)}
    return some(**given, **({"isNull": st.booleans()} if null else {}))


_ordered = ("eq", "ne", "lt", "lte", "gt", "gte")

COMPARISONS = {
    "team": {
        "id": _comparisons(team_ids, "eq", null=False),
        "name": _comparisons(names, "eq", "ne", "startsWith", "eqIgnoreCase", null=False),
        "rank": _comparisons(numbers, *_ordered, null=True),
    },
    "member": {
        "id": _comparisons(member_ids, "eq", null=False),
        "name": _comparisons(names, "eq", "ne", "contains", null=False),
        "age": _comparisons(numbers, *_ordered, null=True),
        "mentorId": _comparisons(member_ids, "eq", "ne", null=True),
    },
}


@cache
def _filters(table: str, levels: int) -> st.SearchStrategy[dict[str, Any]]:
    flat = some(**COMPARISONS[table])
    if levels == 1:
        return flat
    targets = {relation.target for relation in RELATIONS[table].values()}
    of_target = {each: _filters(each, levels - 1) for each in targets}
    related = {name: of_target[relation.target] for name, relation in RELATIONS[table].items()}
    inner = _filters(table, levels - 1)
    several = mostly(st.lists(inner, min_size=1, max_size=2), st.just([]))
    deeper = some(**related) | some(**{"and": several, "or": several, "not": inner})
    both = st.builds(lambda one, other: {**one, **other}, flat, deeper)
    return st.one_of(flat, deeper, deeper, both)


def predicates(where: Any) -> int:
    """Number of predicates in a filter; an empty filter counts as one."""
    if isinstance(where, list):
        return sum(map(predicates, where))
    inside = ("and", "or", "not", *RELATIONS["team"], *RELATIONS["member"])
    counts = [predicates(each) if name in inside else len(each) for name, each in where.items()]
    return sum(counts) or 1


FILTERS = {
    table: _filters(table, LEVELS).filter(lambda where: predicates(where) <= PREDICATES)
    for table in RELATIONS
}
"""By table."""

TERMS = {"team": ["ID", "NAME", "RANK"], "member": ["ID", "NAME", "AGE"]}

ORDERS = {
    table: st.lists(
        st.builds(
            lambda field, direction, nulls: {"field": field, **direction, **nulls},
            st.sampled_from(fields),
            st.sampled_from(DIRECTIONS),
            st.sampled_from(NULLS),
        ),
        max_size=2,
        unique_by=lambda term: str(term["field"]),
    )
    for table, fields in TERMS.items()
}
"""By table."""

LEAVES = {
    "team": ["id", "name", "rank", "captainId"],
    "member": ["id", "name", "age", "mentorId", "homeId"],
}


def _conditions(table: str) -> dict[str, Any]:
    limits = st.sampled_from([0, 1, 2, 5])
    return {"where": FILTERS[table], "orderBy": ORDERS[table], "limit": limits}


@st.composite
def selections(draw: st.DrawFn, table: str, levels: int = 3) -> dict[str, Any]:
    """Draw a selection, with relations of up to `levels` levels."""
    leaves = st.lists(st.sampled_from(LEAVES[table]), min_size=1, max_size=2, unique=True)
    selection: dict[str, Any] = dict.fromkeys(draw(leaves))
    if levels:
        for n in range(draw(st.integers(0, 2))):
            name = draw(st.sampled_from(list(RELATIONS[table])))
            target = RELATIONS[table][name].target
            optional = _conditions(target) if name in LISTS else {}
            arguments = draw(st.fixed_dictionaries({}, optional=optional))
            inner = draw(selections(target, levels - 1))
            selection[f"r{n}"] = RootField(name, arguments, inner)
    return selection


@st.composite
def reads(draw: st.DrawFn) -> RootField:
    """Draw a root field that reads."""
    table = draw(st.sampled_from(list(RELATIONS)))
    kind = draw(st.sampled_from(["s", "s", "sConnection", "Stats"]))
    conditions = _conditions(table)
    del conditions["limit"]
    if kind == "Stats":
        arguments = draw(st.fixed_dictionaries({}, optional={"where": conditions["where"]}))
        return RootField(f"{table}Stats", arguments, {"count": None})
    selection = draw(selections(table))
    if kind == "sConnection":
        arguments = draw(st.fixed_dictionaries({}, optional=conditions))
        selection = {"totalCount": None, "nodes": selection}
    else:
        page = {"offset": st.integers(0, 3), "limit": st.sampled_from([1, 2, 7])}
        arguments = draw(st.fixed_dictionaries({}, optional=conditions | page))
    return RootField(f"{table}{kind}", arguments, selection)


@st.composite
def writes(draw: st.DrawFn, rows: Tables) -> RootField:
    """Draw a mutation of the members that a filter matches."""
    arguments = {"where": draw(FILTERS["member"]), "atMost": draw(st.sampled_from([100, 100, 2]))}
    selection = draw(selections("member", 1))
    if draw(st.booleans()):
        return RootField("deleteMembers", arguments, selection)
    values: dict[str, Any] = {"name": names, "age": numbers | st.none()}
    if rows.teams:
        values["homeId"] = st.sampled_from([*map(str, rows.teams)]) | st.none()
    if rows.members:
        values["mentorId"] = st.sampled_from([*map(str, rows.members)]) | st.none()
    arguments["input"] = draw(st.fixed_dictionaries({}, optional=values).filter(bool))
    return RootField("updateMembers", arguments, selection)
