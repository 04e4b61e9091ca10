"""Random documents over the schema, each generated from a few numbers."""

import json
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from graph.hero.schema import schema

TYPES: dict[str, Any] = schema._schema.type_map  # noqa: SLF001 (graphql-core's schema)
META = {"__schema": "__Schema", "__type": "__Type"}
LISTS = {"fields", "interfaces", "possibleTypes", "inputFields"}
"""List fields of introspection; graphql-core allows two levels of them."""


@dataclass(frozen=True)
class Shape:
    """The numbers from which a document is generated; shares are from 0 to 1."""

    seed: int = 0
    tokens: int = 980
    branches: int = 4
    depth: int = 12
    aliases: int = 0
    fragments: int = 0
    spreads: float = 0
    inline: float = 0
    introspection: float = 0.5
    conditions: float = 0
    unknown: float = 0
    name_length: int = 3
    text_length: int = 0
    operations: int = 1
    batch: int = 1
    variables: int = 0


SHAPES = [
    Shape(),
    Shape(introspection=1, branches=6),
    Shape(introspection=1, aliases=15, fragments=4, spreads=0.5),
    Shape(introspection=1, aliases=4, fragments=20, spreads=0.3, branches=3, depth=20),
    Shape(introspection=0, aliases=15, branches=10),
    Shape(introspection=0, fragments=50, spreads=0.9, branches=12),
    Shape(introspection=0, inline=0.9, branches=8),
    Shape(introspection=0, conditions=0.9, branches=8),
    Shape(introspection=0, branches=200, depth=2),
    Shape(introspection=1, branches=200, depth=4),
    Shape(operations=150, tokens=900, depth=3, branches=1),
    Shape(operations=60, fragments=60, spreads=0.9, branches=2, depth=3),
    Shape(batch=10, operations=10, branches=2),
    Shape(unknown=0.5, branches=10),
    Shape(unknown=1, name_length=90, branches=10, depth=2),
    Shape(unknown=1, name_length=9_000, tokens=40),
    Shape(text_length=90_000, tokens=60),
    Shape(variables=5_000, tokens=60),
]
"""Where the search starts."""

RANGES = {
    "tokens": (10, 1_000),
    "branches": (1, 300),
    "depth": (1, 20),
    "aliases": (0, 15),
    "fragments": (0, 80),
    "spreads": (0, 1),
    "inline": (0, 1),
    "introspection": (0, 1),
    "conditions": (0, 1),
    "unknown": (0, 1),
    "name_length": (1, 9_000),
    "text_length": (0, 90_000),
    "operations": (1, 190),
    "batch": (1, 10),
    "variables": (0, 5_000),
}


class Writer:
    """Writes the document of a shape; its random numbers come from the shape's seed."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.random = Random(shape.seed)  # noqa: S311 (nothing secret)
        self.left = shape.tokens // shape.batch
        self.aliases = shape.aliases

    def document(self) -> str:
        """The text of the document."""
        shape = self.shape
        types = [name for name in TYPES if isinstance(TYPES[name], GraphQLObjectType)]
        self.names = {f"F{n}": self.random.choice(types) for n in range(shape.fragments)}
        parts = []
        for n in range(shape.operations):
            head = f"query Q{n}($v: Boolean! = true)" if shape.conditions else f"query Q{n}"
            self.left -= 9
            parts.append(f"{head} {self.selections(Place('Query', 1, 2, -1))}")
        for n, name in enumerate(self.names):
            self.left -= 5
            inner = self.selections(Place(self.names[name], 2, 0 if n % 2 else 2, n))
            parts.append(f"fragment {name} on {self.names[name]} {inner}")
        return " ".join(parts)

    def selections(self, place: "Place") -> str:
        """A selection set."""
        self.left -= 2
        more = self.random.randint(0, self.shape.branches)
        written = [self.selection(place) for n in range(1 + more) if n == 0 or self.left > 0]
        return f"{{ {' '.join(written)} }}"

    def selection(self, place: "Place") -> str:
        """A field, an inline fragment or a spread."""
        shape, random = self.shape, self.random
        self.left -= 1
        later = [*self.names][place.fragment + 1 :]
        spreads = [name for name in later if self.names[name] == place.type]
        if spreads and random.random() < shape.spreads:
            return f"...{random.choice(spreads)}"
        condition = ""
        if random.random() < shape.conditions:
            self.left -= 6
            condition = "@include(if: $v) "
        if random.random() < shape.inline and self.left > 0 and place.inline > 0:
            return f"... {condition}{self.selections(place._replace(inline=place.inline - 1))}"
        return f"{self.alias()}{self.field(place, condition)}"

    def alias(self) -> str:
        """An alias, or none."""
        if self.aliases and self.random.random() < 0.5:
            self.aliases -= 1
            self.left -= 2
            return f"a{self.aliases}".ljust(min(self.shape.name_length, 100), "x") + ": "
        return ""

    def field(self, place: "Place", condition: str) -> str:
        """A field with its arguments and selection set."""
        shape, random = self.shape, self.random
        if random.random() < shape.unknown:
            return "x".ljust(shape.name_length, "y") + str(random.randint(0, 99))
        known = TYPES[place.type].fields
        inner = {name: get_named_type(known[name].type) for name in known}
        leaves = [name for name in inner if is_leaf_type(inner[name])] or ["__typename"]
        objects = [name for name in inner if not is_leaf_type(inner[name])]
        if place.lists == 0:
            objects = [name for name in objects if name not in LISTS]
        if place.type == "Query" and random.random() < shape.introspection:
            name = random.choice([*META])
        elif objects and place.level < shape.depth and self.left > 0:
            name = random.choice(objects)
        else:
            return f"{random.choice(leaves)} {condition}"
        arguments = {"hero": 'id: "7"', "__type": 'name: "Query"'}.get(name, "")
        if name == "hero" and shape.text_length:
            arguments = f'id: "{"7" * shape.text_length}"'
        self.left -= 5 if arguments else 0
        called = f"{name}({arguments})" if arguments else name
        lists = place.lists - (name in LISTS)
        target = META.get(name) or str(inner[name])
        inside = place._replace(type=target, level=place.level + 1, lists=lists)
        return f"{called} {condition}{self.selections(inside)}"


class Place(NamedTuple):
    """The place of a selection in the document."""

    type: str
    level: int
    lists: int
    """How many more levels of `LISTS` are allowed."""
    fragment: int
    """Number of the enclosing fragment, or -1."""
    inline: int = 150
    """How many more levels of inline fragments are allowed: Python's stack is limited."""


def body_of(shape: Shape) -> bytes:
    """Body of the request, at most 100 kB."""
    entries = []
    for n in range(shape.batch):
        query = Writer(replace(shape, seed=shape.seed + n)).document()
        variables = {f"v{m}": [m] for m in range(shape.variables)}
        entry = {"query": query, "operationName": "Q0", "variables": variables}
        entries.append(entry)
    return json.dumps(entries if shape.batch > 1 else entries[0]).encode()[:100_000]
