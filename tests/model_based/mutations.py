"""Strategies of mutations, valid and invalid ones."""

from typing import Any

from hypothesis import strategies as st

from tests.model_based.strategies import ages, filters, ids, mostly, names

texts = names.filter(str.strip)
valid = {"name": texts, "secretName": texts, "age": st.none() | ages}
unusable = {
    "name": st.sampled_from(["", " \n", "a\0", "x" * 201]),
    "secretName": st.just(""),
    "age": st.just(-1),
}
required = {name: valid[name] for name in ("name", "secretName")}
inputs = st.fixed_dictionaries(required, optional={"age": valid["age"]})
some_inputs = mostly(inputs, st.fixed_dictionaries({**required, "name": unusable["name"]}))
updates = mostly(
    st.fixed_dictionaries({}, optional=valid),
    st.fixed_dictionaries({}, optional=unusable),
    st.fixed_dictionaries({}, optional={"name": st.none(), "secretName": st.none()}),
)
expectations = mostly(
    st.fixed_dictionaries({"age": st.none() | ages}),
    st.fixed_dictionaries({}, optional={"name": names, "secretName": st.sampled_from("xy")}),
    times=2,
)
EMPTY = [{}, {}, {"and": []}, {"or": []}, {"not": {"or": [{"age": {}}]}}, {"name": {"in": []}}]
"""Filters without a comparison."""

limits = mostly(st.sampled_from([1, 3, 5, 100]), st.sampled_from([0, 101]))
"""Values of `atMost`."""

creations = st.one_of(
    st.tuples(st.just("createHero"), st.fixed_dictionaries({"input": some_inputs})),
    st.tuples(
        st.just("createHeroes"),
        st.fixed_dictionaries({"inputs": st.lists(some_inputs, max_size=3)}),
    ),
)


def _many(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a mutation of many rows."""
    fields = {"where": mostly(filters, st.sampled_from(EMPTY)), **fields}
    limited = st.fixed_dictionaries({**fields, "atMost": limits})
    return mostly(limited, st.fixed_dictionaries(fields), times=4)


_update = st.fixed_dictionaries({"id": ids, "input": updates})
_conditional = st.fixed_dictionaries({"id": ids, "input": updates, "expected": expectations})

others = st.one_of(
    st.tuples(st.just("updateHero"), mostly(_update, _conditional, times=1)),
    st.tuples(st.just("updateHeroes"), _many(input=updates)),
    st.tuples(st.just("deleteHero"), st.fixed_dictionaries({"id": ids})),
    st.tuples(st.just("deleteHeroes"), _many()),
)
mutations = mostly(
    st.lists(others | creations, min_size=1, max_size=1),
    st.builds(
        lambda before, creation: [*before, *creation],
        st.lists(others, min_size=2, max_size=2),
        st.lists(creations, max_size=1),
    ),
    times=3,
)
"""Root fields of an operation; a creation comes last: rollback does not reset the ids."""
