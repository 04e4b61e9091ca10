"""The fields that an operation selects: one tree for its cost, its columns and its plan."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
)

from graph.engine.connection import Connection
from graph.engine.definitions import (
    field_of,
    has_resolver,
    plain_attribute,
    python_class,
    row_resolver,
    standard_scalar,
)
from graph.engine.related import related_of

Values: TypeAlias = Mapping[str, Any]
"""Coerced variables by name."""

CONDITIONS = {"skip": False, "include": True}
"""By directive, the value of `if` that keeps a selection."""

CURSORS = ("edges.cursor", "pageInfo.startCursor", "pageInfo.endCursor")


class Selection:
    """One field of an object in the answer: its definition, and the nodes that select it."""

    __slots__ = ("definition", "inside", "nodes")

    def __init__(self, definition: GraphQLField, nodes: list[FieldNode]) -> None:
        self.definition = definition
        self.nodes = nodes
        """All have the same name and arguments, and each may select other fields inside."""
        self.inside: dict[str, Fields] = {}
        """The fields inside, by the name of the object's type; filled by `SelectionTree.inside`."""

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    @property
    def type(self) -> GraphQLNamedType:
        """The field's type, without lists and non-null."""
        return get_named_type(self.definition.type)


Fields: TypeAlias = dict[str, Selection]
"""Fields of an object by response key, in the order of the answer."""


class SelectionTree:
    """The fields of one operation, collected level by level on first use.

    Collecting follows https://spec.graphql.org/October2021/#CollectFields(), as graphql-core does.

    Args:
        schema: the schema.
        fragments: the fragments of the valid document, by name.
        values: the variables of `@skip` and `@include`.
        steps: maximum number of nodes to read; nested fragments can multiply to any number.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        values: Values,
        steps: int = sys.maxsize,
    ) -> None:
        self.schema = schema
        self.steps = steps
        self.has_null_condition = False
        """Whether a condition was null: its selection is kept, and graphql-core reports it."""
        self._fragments = fragments
        self._values = values

    def root(self, operation: OperationDefinitionNode) -> Fields:
        """Return the root fields of an operation.

        Raises:
            OverflowError: the steps are used up.
        """
        root = self.schema.get_root_type(operation.operation)
        assert root is not None  # noqa: S101 (the operation is valid)
        return self._collect(root, [operation.selection_set])

    def inside(self, selection: Selection, type_: GraphQLObjectType) -> Fields:
        """Return the fields that a selection has in an object of this type.

        Raises:
            OverflowError: the steps are used up.
        """
        fields = selection.inside.get(type_.name)
        if fields is None:
            sets = [node.selection_set for node in selection.nodes if node.selection_set]
            fields = selection.inside[type_.name] = self._collect(type_, sets)
        return fields

    def types(self, selection: Selection) -> Sequence[GraphQLObjectType]:
        """Return the possible types of a selection's objects; none if it has no objects."""
        type_ = selection.type
        if isinstance(type_, GraphQLObjectType):
            return [type_]
        return self.schema.get_possible_types(type_) if is_abstract_type(type_) else []

    def spend(self, steps: int) -> None:
        """Use up some of the steps.

        Raises:
            OverflowError: none are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OverflowError

    def _collect(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Fields:
        fields: Fields = {}
        spread = set[str]()
        waiting = [node for each in reversed(sets) for node in reversed(each.selections)]
        while waiting:
            self.spend(1)
            node = waiting.pop()
            if not self._includes(node):
                continue
            if isinstance(node, FieldNode):
                self._add(fields, type_, node)
                continue
            inner: Any = node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
                inner = self._fragments[node.name.value]
            if self._applies(inner.type_condition, type_):
                waiting.extend(reversed(inner.selection_set.selections))
        return fields

    def _add(self, fields: Fields, type_: GraphQLObjectType, node: FieldNode) -> None:
        key = node.alias.value if node.alias else node.name.value
        if key in fields:
            fields[key].nodes.append(node)
        elif (definition := self.schema.get_field(type_, node.name.value)) is not None:
            fields[key] = Selection(definition, [node])

    def _applies(self, condition: NamedTypeNode | None, type_: GraphQLObjectType) -> bool:
        """Whether a fragment with this type condition applies to an object of this type."""
        if condition is None or condition.name.value == type_.name:
            return True
        named = self.schema.type_map.get(condition.name.value)
        return is_abstract_type(named) and self.schema.is_sub_type(named, type_)

    def _includes(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            wanted = CONDITIONS.get(directive.name.value)
            if wanted is None:
                continue
            for argument in directive.arguments or ():
                condition: Any = None
                if isinstance(argument.value, VariableNode):
                    condition = self._values.get(argument.value.name.value)
                elif isinstance(argument.value, BooleanValueNode):
                    condition = argument.value.value
                if condition is None:
                    self.has_null_condition = True
                elif condition is not wanted:
                    return False
        return True


def key_column(type_: GraphQLObjectType) -> str | None:
    """Return the column that holds a row's id; None without an `ID` field that reads a column."""
    own = type_.fields.get("id")  # other `ID` fields may be references to other rows
    for field in [own] if own else type_.fields.values():
        if standard_scalar(get_nullable_type(field.type)) == "ID" and plain_attribute(field):
            return plain_attribute(field)
    return None


class Selected:
    """The parts of a field's value that are selected.

    Args:
        tree: the tree that the selection is part of.
        selection: the field.
        ordered_by: the columns that cursors contain.
        has_key: whether the columns include the row's id, so that errors can name the row. Without
            it, a page of 100 names is read a fifth faster.
    """

    def __init__(
        self,
        tree: SelectionTree,
        selection: Selection,
        ordered_by: tuple[str, ...] = (),
        *,
        has_key: bool = True,
    ) -> None:
        self._tree = tree
        self._selection = selection
        self.cursors = any(map(self.includes, CURSORS))
        """Whether a cursor is selected."""
        self._has_row_resolver = False
        self.named = self._named(ordered_by, has_key=has_key)
        """The columns that the fields name, sorted; None if a field has a resolver that takes more
        than the row."""
        self.columns = None if self._has_row_resolver else self.named
        """The columns to read of a row, sorted by name; None if any may be needed."""

    def includes(self, path: str) -> bool:
        """Whether the field at a path of GraphQL names is selected, such as `edges.node`."""
        return bool(self._at(path))

    def _at(self, path: str) -> list[Selection]:
        """Return the selections at a path; only their fields are collected."""
        found = [self._selection]
        for name in path.split("."):
            found = [inner for each in found for inner in self._inside(each) if inner.name == name]
        return found

    def _inside(self, selection: Selection) -> Iterable[Selection]:
        for type_ in self._tree.types(selection):
            yield from self._tree.inside(selection, type_).values()

    def _named(self, ordered_by: tuple[str, ...], *, has_key: bool) -> tuple[str, ...] | None:
        rows, columns = [self._selection], set[str]()
        row: Any = self._selection.type
        if python_class(row) is Connection and isinstance(row, GraphQLObjectType):
            row = get_named_type(row.fields["nodes"].type)
            rows = self._at("nodes") + self._at("edges.node")
            columns.update(ordered_by if self.cursors else ())
        if not isinstance(row, GraphQLObjectType):
            return None
        for inner in (each for selection in rows for each in self._inside(selection)):
            if inner.name in row.fields:  # `__typename` is not
                field, related = field_of(inner.definition), related_of(inner.definition)
                if related is not None:
                    columns.update(related.key)
                elif row_resolver(inner.definition) is not None:
                    self._has_row_resolver = True
                elif field is None or has_resolver(field):
                    return None
                else:
                    columns.add(field.python_name)
        key = key_column(row)
        if columns and key is not None and has_key:
            columns.add(key)
        return tuple(sorted(columns))


def has_variables(value: ValueNode) -> bool:
    """Whether a value is or contains a variable."""
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, VariableNode):
            return True
        waiting += getattr(part, "values", None) or ()
        waiting += [field.value for field in getattr(part, "fields", None) or ()]
    return False


def has_inner_variables(node: FieldNode) -> bool:
    """Whether a list or an input object in a field's arguments contains a variable."""
    return any(
        not isinstance(argument.value, VariableNode) and has_variables(argument.value)
        for argument in node.arguments or ()
    )
