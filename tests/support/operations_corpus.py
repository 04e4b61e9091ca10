"""Operations on which the two paths are compared."""

from typing import Any

VALID = 'name: "A", secretName: "B"'

CORPUS: list[tuple[str, dict[str, Any]]] = [
    ("{ heroes { id name age secretName } }", {}),
    ("{ heroes(limit: 2) { id name } }", {}),
    ("{ heroes(limit: 2, offset: 1) { age id } }", {}),
    ("{ heroes(limit: 0) { id } }", {}),
    ("{ heroes(limit: 8) { name } }", {}),
    ("{ heroes(offset: 1000) { id } }", {}),
    ("{ heroes(limit: 101) { id } }", {}),
    ("{ heroes(limit: -1) { id } }", {}),
    ("{ heroes(offset: -1) { id } hero(id: 1) { id } }", {}),
    ("{ heroes(limit: 2) { __typename } }", {}),
    ("{ __typename heroes(limit: 2) { id t: __typename } }", {}),
    ("{ heroes(limit: 2) { id id name: secretName n: name ID: id } }", {}),
    ("{ heroes(limit: 2) { ...F } } fragment F on Hero { id ...G } fragment G on Hero { name }", {}),
    ("{ ...Q } fragment Q on Query { a: heroes(limit: 1) { id } b: hero(id: 2) { name } }", {}),
    ("{ heroes(limit: 2) { ... on Hero { id } ... { name } ... @include(if: false) { age } } }", {}),
    ("{ a: hero(id: 1) { id } a: hero(id: 1) { name } }", {}),
    ("{ hero(id: 4) { id age } b: hero(id: 1) { id } }", {}),
    ("{ heroes { age } hero(id: 1) { id } }", {}),
    ("{ hero(id: 1) { id } heroes(limit: 9) { name } }", {}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": 3}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": "3"}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": 3.0}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": True}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {"n": 2**31}),
    ("query($n: Int!) { heroes(limit: $n) { id } }", {}),
    ("query($n: Int) { heroes(limit: $n) { id } }", {}),
    ("query($n: Int) { heroes(limit: $n) { id } }", {"n": None}),
    ("query($n: Int) { heroes(limit: $n) { id } hero(id: 1) { id } }", {"n": 2}),
    ("query($n: Int! = 2) { heroes(limit: $n) { id } }", {}),
    ("query($n: Int! = 2, $o: Int! = 1) { heroes(limit: $n, offset: $o) { id } }", {"o": 3}),
    ("query($id: ID!) { hero(id: $id) { id name age secretName } }", {"id": "2"}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": 2}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": 2.5}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": None}),
    ("query($id: ID!) { hero(id: $id) { id } }", {"id": "07"}),
    ("query($id: ID!, $unused: ID) { hero(id: $id) { id } }", {"id": "1"}),
    ("query($s: Boolean!) { heroes(limit: 2) { id name @skip(if: $s) } }", {"s": True}),
    ("query($s: Boolean!) { heroes(limit: 2) { id name @skip(if: $s) } }", {"s": False}),
    ("query($s: Boolean!) { heroes(limit: 2) @include(if: $s) { id } __typename }", {"s": False}),
    ("query($s: Boolean!) { hero(id: 1) { ...F @skip(if: $s) id } } fragment F on Hero { name }", {"s": True}),
    ("query($s: Boolean! = true) { hero(id: 1) { id name @skip(if: $s) } }", {}),
    ("query($s: Boolean!) { hero(id: 1) { name @skip(if: $s) } }", {"s": "yes"}),
    *(
        (query, variables)
        for query in (
            "query($s: Boolean = true) { heroes(limit: 2) { id name @skip(if: $s) } }",
            "query($s: Boolean = false) { heroes(limit: 2) { id name @include(if: $s) } }",
            "query($s: Boolean = true) { heroes(limit: 2) @skip(if: $s) { id } __typename }",
            "query($s: Boolean = true) { ... @include(if: $s) { heroes(limit: 2) { id } } }",
            "query($s: Boolean = true) { hero(id: 1) { ...F @skip(if: $s) id } } fragment F on Hero { name }",
            f"mutation($s: Boolean = true) {{ createHero(input: {{{VALID}}}) @include(if: $s) {{ id }} }}",
            f"mutation($s: Boolean = true) {{ createHero(input: {{{VALID}}}) {{ id @skip(if: $s) }} }}",
        )
        for variables in ({}, {"s": None}, {"s": True}, {"s": False})
    ),
    (f"mutation {{ createHero(input: {{{VALID}}}) {{ id name age secretName }} }}", {}),
    (f"mutation {{ a: createHero(input: {{{VALID}, age: 3}}) {{ id }} b: createHero(input: {{{VALID}}}) {{ id }} }}", {}),
    (f"mutation {{ createHero(input: {{{VALID}, age: -1}}) {{ id }} }}", {}),
    (f"mutation {{ a: createHero(input: {{{VALID}}}) {{ id }} b: deleteHero(id: \"x\") {{ id }} }}", {}),
    ("mutation($n: String!) { createHero(input: {name: $n, secretName: \"s\"}) { id name } }", {"n": "N"}),
    ("mutation($n: String!) { createHero(input: {name: $n, secretName: \"s\"}) { id name } }", {"n": ""}),
    ("mutation($i: CreateHeroInput!) { createHero(input: $i) { id age } }", {"i": {"name": "A", "secretName": "B"}}),
    ("mutation($i: CreateHeroInput!) { createHero(input: $i) { id age } }", {"i": {"name": "A"}}),
    ("mutation($i: CreateHeroInput!) { createHero(input: $i) { id age } }", {"i": {"name": "A", "secretName": "B", "age": None}}),
    ("mutation { deleteHero(id: 1) { id name age secretName } }", {}),
    ("mutation { deleteHero(id: 4) { id age } }", {}),
    ("mutation { deleteHero(id: 9) { name } }", {}),
    ("mutation { deleteHero(id: 999) { name } }", {}),
    ("mutation($id: ID!) { deleteHero(id: $id) { id } }", {"id": "2"}),
    ("{ __schema { queryType { name } } heroes(limit: 1) { id } }", {}),
]  # fmt: skip

CURSORS = "pageInfo { startCursor endCursor hasNextPage hasPreviousPage }"

FILTERS: list[dict[str, Any]] = [
    {},
    {"w": None, "by": None},
    {"w": {}, "by": []},
    {"w": {"age": {"gt": 1}}, "by": {"field": "AGE", "nulls": "FIRST"}},
    {
        "w": {"or": [{"id": {"in": ["1", "x"]}}, {"name": {"startsWith": "S"}}]},
        "by": [{"field": "ID"}],
    },
    {"w": {"name": {"eq": None}}},
    {"w": {"name": {"eq": "\0"}}},
    {"by": [{"field": "SECRET_NAME"}]},
    {"by": [{"field": "AGE", "direction": None}]},
]

LISTS: list[tuple[str, dict[str, Any]]] = [
    ("{ heroesConnection { nodes { id name age } totalCount } }", {}),
    ("{ heroesConnection(first: 2) { edges { cursor node { id name } } } }", {}),
    ("{ heroesConnection(last: 2) { edges { c: cursor cursor n: node { id } node { age: id } t: __typename } } }", {}),
    ("{ heroesConnection(first: 2) { edges { __typename } nodes { __typename } __typename } }", {}),
    ("{ heroesConnection(first: 0) { edges { cursor node { id } } nodes { id } " + CURSORS + " } }", {}),
    ("{ heroesConnection(first: 2) { a: edges { node { id } } a: edges { cursor } b: nodes { name } } }", {}),
    ("{ heroesConnection(first: 3) { ...C } } fragment C on HeroConnection { nodes { ...H } ... { totalCount } " + CURSORS + " } fragment H on Hero { id }", {}),
    ("{ heroesConnection(first: 8, orderBy: [{field: AGE}]) { nodes { id age } } }", {}),
    ("{ heroesConnection(first: 9) { nodes { name } } }", {}),
    ("{ heroesConnection(first: 9) { edges { cursor node { name } } } }", {}),
    ("{ heroesConnection(first: 101) { nodes { id } } }", {}),
    ("{ heroesConnection(after: \"x\") { nodes { id } } heroes(limit: 1) { id } }", {}),
    ("{ heroes(limit: 2, orderBy: {field: NAME, direction: DESC}) { id } }", {}),
    ("{ heroes(orderBy: [{field: NAME}, {field: NAME}]) { id } }", {}),
    ("{ heroes(where: {age: {gte: 1}, not: {name: {contains: \"i\"}}}) { id } }", {}),
    ("{ heroes(where: {age: null}) { id } }", {}),
    ("{ heroStats { count age { min max avg } } }", {}),
    ("{ heroStats(where: {age: {lt: 0}}) { __typename a: age { m: max __typename } } s: heroStats { count } }", {}),
    *(
        (query, variables)
        for query in (
            "query($w: HeroFilter, $by: [HeroOrder!]) { heroes(where: $w, orderBy: $by) { id } }",
            "query($w: HeroFilter, $by: [HeroOrder!]) { heroesConnection(where: $w, orderBy: $by) { nodes { id } totalCount } }",
            "query($w: HeroFilter = {age: {gt: 2}}, $by: [HeroOrder!] = []) { heroes(where: $w, orderBy: $by) { id } }",
        )
        for variables in FILTERS
    ),
    *(
        ("query($f: Int, $a: String, $l: Int, $s: Boolean! = false) { heroesConnection(first: $f, after: $a, last: $l) { nodes { id @skip(if: $s) } " + CURSORS + " } }", variables)
        for variables in ({}, {"f": 1}, {"f": None, "l": 1}, {"f": 1, "l": 1}, {"a": None}, {"a": ""}, {"s": True})
    ),
    *(
        ("query($n: String, $g: Int) { heroes(where: {name: {eq: $n}, age: {gt: $g}}) { id } }", variables)
        for variables in ({}, {"n": "A"}, {"n": None}, {"n": "Deadpond", "g": None}, {"g": 3})
    ),
]  # fmt: skip
"""Filters, orders, pages by cursor and figures."""
