"""Which fields an operation selects, and which columns of its rows."""

import pytest
import strawberry
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, validate
from graphql.execution import Executor
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields, collect_subfields
from strawberry.schema.config import StrawberryConfig

from graph.engine.connection import Connection
from graph.engine.context import Info
from graph.engine.definitions import core_schema
from graph.engine.schema import Schema
from graph.engine.selection import Fields, Selected, SelectionTree, has_inner_variables


@strawberry.interface
class Named:
    """What has a name."""

    name: str


@strawberry.type
class Cat(Named):
    """A node."""

    lives: int
    kitten: "Cat"


@strawberry.type
class Dog(Named):
    """Another node."""

    tricks: int


@strawberry.type
class Query:
    """Fields that are never resolved."""

    pets: Connection[Cat | Dog]
    cats: Connection[Cat]
    cat: Cat
    named: Named
    either: Cat | Dog


SCHEMA = core_schema(Schema(Query, types=[Cat, Dog], config=StrawberryConfig(info_class=Info)))


class Counted(dict[str, FragmentDefinitionNode]):
    """Fragments that count their lookups."""

    lookups = 0

    def __getitem__(self, name: str) -> FragmentDefinitionNode:
        self.lookups += 1
        return super().__getitem__(name)


def tree_of(
    document: str, **values: bool
) -> tuple[SelectionTree, OperationDefinitionNode, Counted]:
    """The tree of a document's only operation."""
    parsed, fragments = parse(document), Counted()
    assert validate(SCHEMA, parsed) == []
    operations = []
    for node in parsed.definitions:
        if isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
        elif isinstance(node, OperationDefinitionNode):
            operations.append(node)
    (operation,) = operations
    return SelectionTree(SCHEMA, fragments, values), operation, fragments


def selected(document: str, ordered_by: tuple[str, ...] = ()) -> tuple[Selected, Counted]:
    """The selection in the only field of a document, and the counted fragments."""
    tree, operation, fragments = tree_of(document)
    (selection,) = tree.root(operation).values()
    return Selected(tree, selection, ordered_by), fragments


def test_paths_lead_through_fragments() -> None:
    found, _ = selected(
        "{ cats { ...C edges { ... { node { name __typename } } } } }"
        " fragment C on CatConnection { edges { cursor @skip(if: true) } pageInfo { ...P } }"
        " fragment P on PageInfo { end: endCursor }",
        ("id",),
    )
    assert found.includes("edges")
    assert found.includes("edges.node.name")
    assert found.includes("pageInfo.endCursor")
    assert not found.includes("pageInfo.startCursor")
    assert not found.includes("edges.cursor")
    assert not found.includes("nodes.name")
    assert not found.includes("pageInfo.endCursor.deeper.still")
    assert found.cursors
    assert found.columns == ("id", "name")


def test_skipped_fields_are_not_selected() -> None:
    found, _ = selected(
        "{ cats { nodes { name lives @include(if: false) } totalCount @skip(if: true)"
        " pageInfo @skip(if: true) { endCursor } } }",
        ("id",),
    )
    assert not found.includes("totalCount")
    assert not found.cursors
    assert found.columns == ("name",)


def test_fragments_that_double_at_each_level_are_not_expanded() -> None:
    """12 fragments whose three fields each spread the next one expand to half a million fields."""
    levels = 12
    chain = "".join(
        f" fragment F{n} on Cat {{ "
        + " ".join(f"{key}: kitten {{ ...F{n + 1} }}" for key in "abc")
        + " }"
        for n in range(levels)
    )
    document = f"{{ cat {{ ...F0 }} }}{chain} fragment F{levels} on Cat {{ name }}"
    found, fragments = selected(document)
    assert found.columns == ("kitten",)
    assert fragments.lookups == 1
    tree, operation, _ = tree_of(document)
    tree.steps = 10_000
    with pytest.raises(OverflowError):
        walk(tree, tree.root(operation))


def walk(tree: SelectionTree, fields: Fields) -> None:
    """Collect the fields at all levels."""
    for selection in fields.values():
        for type_ in tree.types(selection):
            walk(tree, tree.inside(selection, type_))


def test_nodes_of_several_types_may_need_every_column() -> None:
    found, _ = selected("{ pets { nodes { ... on Cat { name } } } }")
    assert found.columns is None


DOCUMENTS = [
    """{ cat { name lives } ...Q cat { kitten { name } } }
    fragment Q on Query { cat { name } c: cat { lives } }""",
    "{ either { __typename ... on Cat { lives } ... on Dog { tricks } ... on Named { name } } }",
    "{ named { ... on Named { n: name ... on Dog { tricks } ... on Cat { kitten { name } } } } }",
    "{ cat { ... on Named { ... on Cat { lives } ... on Dog { tricks } } name } }",
    "query($a: Boolean!) { cat { name @skip(if: $a) lives @include(if: $a) } }",
    """query($a: Boolean!) {
      ... @include(if: $a) { cat { name } } ...Q @skip(if: $a) cat { lives } }
    fragment Q on Query { cat { name } __typename }""",
    """{ cat { ...A ...B ...A } } fragment A on Cat { name ...B } fragment B on Cat { lives ...C }
    fragment C on Named { z: name }""",
    "{ __schema { types { name ...T } } } fragment T on __Type { kind fields { name } }",
]


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_fields_are_collected_as_graphql_core_does(document: str, *, flag: bool) -> None:
    tree, operation, _ = tree_of(document, a=flag)
    variables = {"a": flag} if "$a" in document else None
    executor = Executor.build(SCHEMA, parse(document), raw_variable_values=variables)
    assert isinstance(executor, Executor)

    def compare(fields: Fields, expected: GroupedFieldSet) -> None:
        assert list(fields) == list(expected)
        for key, selection in fields.items():
            details = expected[key]
            assert selection.nodes == [each.node for each in details]
            for type_ in tree.types(selection):
                grouped = collect_subfields(
                    SCHEMA,
                    executor.fragments,
                    executor.variable_values,
                    operation,
                    type_,
                    details,
                ).grouped_field_set
                compare(tree.inside(selection, type_), grouped)

    root = SCHEMA.query_type
    assert root is not None
    compare(
        tree.root(operation),
        collect_fields(
            SCHEMA, executor.fragments, executor.variable_values, root, executor.operation
        ).grouped_field_set,
    )


@pytest.mark.parametrize(
    ("arguments", "inner"),
    [("id: $v", False), ("id: [$v]", True), ("id: { a: [{ b: $v }] }", True), ("id: [1]", False)],
)
def test_variables_inside_values(arguments: str, *, inner: bool) -> None:
    (operation,) = parse(f"{{ f({arguments}) }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.selection_set.selections
    assert has_inner_variables(node) == inner  # type: ignore[arg-type] # (it is a field)


def test_a_null_condition_is_noted() -> None:
    tree, operation, _ = tree_of("query($a: Boolean = true) { cat @skip(if: $a) { name } }")
    assert list(tree.root(operation)) == ["cat"]
    assert tree.has_null_condition
