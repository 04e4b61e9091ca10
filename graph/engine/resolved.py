"""What row resolvers returned on the fast path, for graphql-core to use if it takes over."""

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode

NOT_RESOLVED: Any = object()
"""Stands for a field whose resolver has not run on the fast path."""


class Resolved:
    """The values that row resolvers returned, or the exceptions that they raised.

    No resolver then runs twice. They depend on the row alone, so rows with the same values share
    them: graphql-core may read a relation's rows again.
    """

    def __init__(self) -> None:
        self._new: list[tuple[FieldNode, Sequence[Any], Sequence[Any]]] = []
        self._values: dict[tuple[int, str], Any] = {}

    def add(self, node: FieldNode, rows: Sequence[Any], values: Sequence[Any]) -> None:
        """Keep the values of a field, one for each row."""
        self._new.append((node, rows, values))

    def value(self, node: FieldNode, row: Any) -> Any:
        """Return the value of a row's field, or `NOT_RESOLVED`; an exception if it was raised."""
        for known, rows, values in self._new:
            for each, value in zip(rows, values, strict=True):
                self._values[id(known), repr(each)] = value  # not all values are hashable
        self._new.clear()
        if not self._values:
            return NOT_RESOLVED
        return self._values.get((id(node), repr(row)), NOT_RESOLVED)
