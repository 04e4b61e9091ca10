"""What of a field's value is selected, and so has to be fetched."""

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
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graph.engine.connection import Connection

Names: TypeAlias = dict[str, "Names"]
"""Fields by their names in GraphQL, each with those inside."""

CURSORS = ("edges.cursor", "pageInfo.startCursor", "pageInfo.endCursor")


class Selected:
    """The fields that are selected on what a field returns.

    Those that `@skip` or `@include` may leave out count as selected.

    Args:
        info: graphql-core's, of the field.
        ordered_by: the columns that cursors have.
    """

    def __init__(self, info: GraphQLResolveInfo[Any], ordered_by: tuple[str, ...] = ()) -> None:
        self._fragments = info.fragments
        self._names = self._inside([node.selection_set for node in info.field_nodes])
        self.cursors = any(map(self.includes, CURSORS))
        """Whether a cursor is selected."""
        self.columns = self._columns(get_named_type(info.return_type), ordered_by)
        """The model's names of the fields of a row, sorted; None when all may be needed."""

    def includes(self, path: str) -> bool:
        """Whether a field is selected, given by the names that lead to it, as in `edges.node`."""
        names = self._names
        for name in path.split("."):
            if name not in names:
                return False
            names = names[name]
        return True

    def _inside(self, waiting: list[SelectionSetNode | None]) -> Names:
        inner: dict[str, list[SelectionSetNode | None]] = {}
        spread = set[str]()
        while waiting:
            selection_set = waiting.pop()
            for node in selection_set.selections if selection_set else ():
                if isinstance(node, FieldNode):
                    inner.setdefault(node.name.value, []).append(node.selection_set)
                elif isinstance(node, InlineFragmentNode):
                    waiting.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    waiting.append(self._fragments[node.name.value].selection_set)
        return {name: self._inside(sets) for name, sets in inner.items()}

    def _columns(
        self, type_: GraphQLNamedType, ordered_by: tuple[str, ...]
    ) -> tuple[str, ...] | None:
        if not isinstance(type_, GraphQLObjectType):
            return None
        row: Any = type_
        names, columns = set(self._names), set[str]()
        if class_of(type_) is Connection:
            row = get_named_type(type_.fields["nodes"].type)
            edges = self._names.get("edges", {})
            names = {*self._names.get("nodes", {}), *edges.get("node", {})}
            columns.update(ordered_by if self.cursors else ())
        for name in names & row.fields.keys():
            field: Any = row.fields[name].extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
            if field.base_resolver is not None:
                return None
            columns.add(field.python_name)
        return tuple(sorted(columns))


def class_of(type_: GraphQLNamedType) -> type | None:
    """The Python class of a type's values: the generic one of types such as `HeroConnection`."""
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    definition = getattr(definition, "concrete_of", None) or definition
    class_: type | None = getattr(definition, "origin", None)
    return class_
