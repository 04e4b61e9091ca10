"""Generated operations whose variables are in every place that there is."""

import re
from typing import Any

from hypothesis import strategies as st

CONDITIONS = ("", "", " @skip(if: $s)", " @include(if: $t)", " @include(if: $s) @skip(if: $t)")

VARIABLES = {
    "s": ("Boolean!", "Boolean = true", "Boolean = null", "Boolean! = false"),
    "t": ("Boolean!", "Boolean = false", "Boolean! = true"),
    "id": ("ID!", "ID! = 2", 'ID = "1"'),
    "limit": ("Int", "Int!", "Int = null", "Int! = 3"),
    "offset": ("Int", "Int = 1"),
    "age": ("Int", "Int = null", "Int = 7"),
    "name": ("String!", 'String! = "N"'),
}
"""By name, the types that a variable may have where it is used."""


@st.composite
def operations_with_variables(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An operation whose variables are in every place that there is, each absent, null or given."""

    def one(*choices: str) -> str:
        return draw(st.sampled_from(choices))

    def selections() -> str:
        leaves = draw(st.lists(st.sampled_from(["id", "name", "age", "t: __typename", "...F"])))
        return (
            "{ " + " ".join(f"{leaf}{one(*CONDITIONS)}" for leaf in ["secretName", *leaves]) + " }"
        )

    fields = {
        "query": (
            "hero(id: $id)",
            "hero(id: 2)",
            "heroes(limit: $limit, offset: $offset)",
            "heroes(limit: 2, offset: $offset)",
            "heroes",
        ),
        "mutation": (
            "deleteHero(id: $id)",
            'createHero(input: {name: $name, secretName: "s", age: $age})',
            'createHero(input: {name: "A", secretName: "s", age: 3})',
        ),
    }
    kind = one(*fields)
    written = [
        f"f{n}: {one(*fields[kind])}{one(*CONDITIONS)} {selections()}"
        for n in range(draw(st.integers(1, 3)))
    ]
    body = f"{{ {' '.join(written)} }}"
    if "...F" in body:
        body += f" fragment F on Hero {{ age name{one(*CONDITIONS)} }}"
    used = [name for name in VARIABLES if re.search(rf"\${name}\b", body)]
    head = ", ".join(f"${name}: {one(*VARIABLES[name])}" for name in used)
    values: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(("s", "t"), st.sampled_from([None, True, False])),
                **dict.fromkeys(("id", "limit", "age"), st.sampled_from([None, 1, 2])),
                **dict.fromkeys(("offset", "name"), st.sampled_from([None, 0, "A", ""])),
            },
        )
    )
    return f"{kind}{f'({head})' if head else ''} {body}", values
