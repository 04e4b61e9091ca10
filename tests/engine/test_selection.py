"""The parts of a field's value that are selected."""

from types import SimpleNamespace
from typing import Any

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse
from strawberry.schema.config import StrawberryConfig

from graph.engine.connection import Connection
from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.engine.selection import Selected


@strawberry.type
class Cat:
    """A node."""

    name: str


@strawberry.type
class Dog:
    """Another node."""

    name: str


@strawberry.type
class Query:
    """Fields that are never resolved."""

    pets: Connection[Cat | Dog]
    cats: Connection[Cat]


class Counted(dict[str, FragmentDefinitionNode]):
    """Fragments that count how often they are looked up."""

    lookups = 0

    def __getitem__(self, name: str) -> FragmentDefinitionNode:
        self.lookups += 1
        return super().__getitem__(name)


def selected(document: str, ordered_by: tuple[str, ...] = ()) -> tuple[Selected, Counted]:
    """Return the selection inside the first field of a document, and the counted fragments."""
    schema = Schema(Query, config=StrawberryConfig(info_class=Info))._schema  # noqa: SLF001
    fragments, nodes = Counted(), list[FieldNode]()
    for node in parse(document).definitions:
        if isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
        elif isinstance(node, OperationDefinitionNode):
            nodes += [each for each in node.selection_set.selections if isinstance(each, FieldNode)]
    query = schema.query_type
    assert query
    info: Any = SimpleNamespace(
        fragments=fragments,
        field_nodes=nodes[:1],
        return_type=query.fields[nodes[0].name.value].type,
    )
    return Selected(info, ordered_by), fragments


def test_paths_lead_through_fragments() -> None:
    found, _ = selected(
        "{ cats { ...C edges { ... { node { name } } } } }"
        " fragment C on CatConnection { edges @skip(if: true) { cursor } pageInfo { ...P } }"
        " fragment P on PageInfo { end: endCursor }",
        ("id",),
    )
    assert found.includes("edges")
    assert found.includes("edges.node.name")
    assert found.includes("pageInfo.endCursor")
    assert not found.includes("pageInfo.startCursor")
    assert not found.includes("nodes.name")
    assert not found.includes("pageInfo.endCursor.deeper.still")
    assert found.cursors
    assert found.columns == ("id", "name")


def test_fragments_that_double_at_each_level_are_not_written_out() -> None:
    """12 fragments whose three fields each spread the next one expand to half a million fields."""
    levels = 12
    chain = "".join(
        f" fragment F{n} on N {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} c {{ ...F{n + 1} }} }}"
        for n in range(levels)
    )
    found, fragments = selected(f"{{ cats {{ ...F0 }} }}{chain} fragment F{levels} on N {{ id }}")
    assert found.includes(".".join("abc" * (levels // 3)) + ".id")
    assert fragments.lookups <= 3 * levels


def test_nodes_of_several_types_may_need_every_column() -> None:
    found, _ = selected("{ pets { nodes { ... on Cat { name } } } }")
    assert found.columns is None
