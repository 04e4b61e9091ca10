"""The fields that an operation selects, collected by response key as an executor does."""

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
"""The coerced values of an operation's variables, by name."""

CONDITIONS = {"skip": False, "include": True}
"""By directive, the value of its condition with which a selection stays."""


class Selection:
    """What is selected under one response key, which is one field of the answer."""

    def __init__(self, node: FieldNode) -> None:
        self.node = node
        """The first of its nodes, with the name and the arguments of all."""
        self.inner: list[Sequence[SelectionNode]] = []
        """The selection sets of all its nodes."""
        self.fields: dict[str, Selection] | None = None
        """What is inside, once it was collected."""


class Collector:
    """Collects the fields of one operation (https://spec.graphql.org/October2021/#CollectFields()).

    Args:
        document: the valid document that it is in.
        values: the variables that decide what is skipped and included.
        steps: selections that may be read before it gives up.
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
        """The fields inside a selection.

        Raises:
            OverflowError: there are too many.
        """
        if selection.fields is None:
            selection.fields = self.collect(selection.inner)
        return selection.fields

    def collect(self, sets: Iterable[Sequence[SelectionNode]]) -> dict[str, Selection]:
        """The fields of these selection sets; each fragment is followed once.

        Raises:
            OverflowError: there are too many.
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
        """Count steps.

        Raises:
            OverflowError: there were too many.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OverflowError

    def _included(self, node: SelectionNode) -> bool:
        """Whether it stays; so does one whose condition is null, which is an error of its own."""
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
