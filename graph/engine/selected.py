"""The parts of a field's value that are selected, and must be fetched."""

from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)

from graph.engine.connection import Connection
from graph.engine.definitions import field_of, has_resolver, python_class

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
        """The selected columns of a row, sorted by name; None if any column may be needed."""

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
        return tuple(sorted(columns))
