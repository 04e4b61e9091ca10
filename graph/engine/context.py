"""The context of an operation: its session, and which columns it asks for."""

from dataclasses import dataclass
from functools import cached_property

import strawberry
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    get_named_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graph.database.base import Session


@dataclass(slots=True)
class Context:
    """What the resolvers of one operation share."""

    session: Session


class Info(strawberry.Info[Context, None]):
    """Strawberry's `Info`, with our context and the columns that the selection needs."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The model's names of the fields selected on what this field returns, sorted.

        Fields that `@skip` or `@include` may leave out count as selected.
        """
        names = set[str]()
        fragments = set[str]()
        waiting = [node.selection_set for node in self._raw_info.field_nodes]
        while waiting:
            selection_set = waiting.pop()
            for node in selection_set.selections if selection_set else ():
                if isinstance(node, FieldNode):
                    names.add(node.name.value)
                elif isinstance(node, InlineFragmentNode):
                    waiting.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in fragments:
                    fragments.add(node.name.value)
                    waiting.append(self._raw_info.fragments[node.name.value].selection_set)
        returned = get_named_type(self._raw_info.return_type)
        assert isinstance(returned, GraphQLObjectType)  # noqa: S101 (for the type checker)
        definitions = (returned.fields[name] for name in names & returned.fields.keys())
        return tuple(
            sorted(
                field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
                for field in definitions
            )
        )
