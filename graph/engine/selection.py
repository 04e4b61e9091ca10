"""The fields that an operation selects, collected by response key as in execution."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    VariableNode,
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
