"""The fields that an operation selects, collected by response key as in execution."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from graph.engine.connection import Connection
from graph.engine.definitions import (
    field_of,
    has_resolver,
    plain_attribute,
    python_class,
    standard_scalar,
)

Values: TypeAlias = Mapping[str, Any]
"""Coerced variables by name."""

CONDITIONS = {"skip": False, "include": True}
"""By directive, the value of `if` that keeps a selection."""


class Selection:
    """The nodes of one response key, which make one field of the answer."""

    def __init__(self, node: FieldNode) -> None:
        self.node = node
        """The first node; all nodes have its name and arguments."""
        self.inner: list[Sequence[SelectionNode]] = []
        """The selection sets of all nodes."""
        self.fields: dict[str, Selection] | None = None
        """The fields inside; None until they are collected."""


class Collector:
    """Collects the fields of one operation (https://spec.graphql.org/October2021/#CollectFields()).

    Args:
        document: the valid document that contains the operation.
        values: the variables of `@skip` and `@include`.
        steps: maximum number of selections to read.
    """

    def __init__(self, document: DocumentNode, values: Values, steps: int) -> None:
        self.steps = steps
        self._values = values
        self._fragments = {
            node.name.value: node.selection_set.selections
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def inside(self, selection: Selection) -> dict[str, Selection]:
        """Return the fields inside a selection.

        Raises:
            OverflowError: the steps are used up.
        """
        if selection.fields is None:
            selection.fields = self.collect(selection.inner)
        return selection.fields

    def collect(self, sets: Iterable[Sequence[SelectionNode]]) -> dict[str, Selection]:
        """Return the fields of these selection sets; each fragment is followed once.

        Raises:
            OverflowError: the steps are used up.
        """
        fields: dict[str, Selection] = {}
        spread = set[str]()
        waiting = [node for selections in sets for node in selections]
        while waiting:
            self.spend(1)
            node = waiting.pop()
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                selection = fields.setdefault(key, Selection(node))
                if node.selection_set:
                    selection.inner.append(node.selection_set.selections)
            elif isinstance(node, InlineFragmentNode):
                waiting.extend(node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                waiting.extend(self._fragments[node.name.value])
        return fields

    def spend(self, steps: int) -> None:
        """Use up some of the steps.

        Raises:
            OverflowError: none are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OverflowError

    def _included(self, node: SelectionNode) -> bool:
        """Whether a selection is kept; one with a null condition is, and fails in execution."""
        for directive in node.directives or ():
            wanted = CONDITIONS.get(directive.name.value)
            for argument in directive.arguments or ():
                condition: Any = None
                if isinstance(argument.value, VariableNode):
                    condition = self._values.get(argument.value.name.value)
                elif isinstance(argument.value, BooleanValueNode):
                    condition = argument.value.value
                if None not in (wanted, condition) and condition is not wanted:
                    return False
        return True


def key_column(type_: GraphQLObjectType) -> str | None:
    """Return the column of a row's `ID`, by which errors name the row; None without a plain one."""
    for field in type_.fields.values():
        if standard_scalar(get_nullable_type(field.type)) == "ID" and plain_attribute(field):
            return plain_attribute(field)
    return None


Fields: TypeAlias = dict[str, list[SelectionSetNode | None]]
"""Fields by GraphQL name, each with the selection sets inside."""

CURSORS = ("edges.cursor", "pageInfo.startCursor", "pageInfo.endCursor")


class Selected:
    """The fields selected on a field's value, those under `@skip` or `@include` included.

    Args:
        info: graphql-core's info of the field.
        ordered_by: the columns that cursors contain.
    """

    def __init__(self, info: GraphQLResolveInfo[Any], ordered_by: tuple[str, ...] = ()) -> None:
        self._fragments = info.fragments
        self._selected = [node.selection_set for node in info.field_nodes]
        self._known: dict[tuple[str, ...], Fields] = {}
        self.cursors = any(map(self.includes, CURSORS))
        """Whether a cursor is selected."""
        self.columns = self._columns(get_named_type(info.return_type), ordered_by)
        """The selected columns of a row and its id, sorted by name; None if any may be needed."""

    def includes(self, path: str) -> bool:
        """Whether the field at a path of GraphQL names is selected, such as `edges.node`."""
        *before, name = path.split(".")
        return name in self._fields(*before)

    def _fields(self, *path: str) -> Fields:
        """Return the fields inside the field at a path.

        Only the requested path is searched: nested fragment spreads can select exponentially more
        fields than the document has nodes.
        """
        if path not in self._known:
            sets = self._fields(*path[:-1]).get(path[-1], []) if path else self._selected
            self._known[path] = self._inside(sets)
        return self._known[path]

    def _inside(self, sets: list[SelectionSetNode | None]) -> Fields:
        fields: Fields = {}
        spread = set[str]()
        waiting = list(sets)
        while waiting:
            selection_set = waiting.pop()
            for node in selection_set.selections if selection_set else ():
                if isinstance(node, FieldNode):
                    fields.setdefault(node.name.value, []).append(node.selection_set)
                elif isinstance(node, InlineFragmentNode):
                    waiting.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    waiting.append(self._fragments[node.name.value].selection_set)
        return fields

    def _columns(
        self, type_: GraphQLNamedType, ordered_by: tuple[str, ...]
    ) -> tuple[str, ...] | None:
        row: Any = type_
        names, columns = set(self._fields()), set[str]()
        if python_class(type_) is Connection and isinstance(type_, GraphQLObjectType):
            row = get_named_type(type_.fields["nodes"].type)
            names = {*self._fields("nodes"), *self._fields("edges", "node")}
            columns.update(ordered_by if self.cursors else ())
        if not isinstance(row, GraphQLObjectType):
            return None
        for name in names & row.fields.keys():
            field = field_of(row.fields[name])
            if field is None or has_resolver(field):
                return None
            columns.add(field.python_name)
        key = key_column(row)
        if columns and key is not None:
            columns.add(key)
        return tuple(sorted(columns))
