"""The context of an operation: its session, who asks, and which columns are asked for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, TypeVar

import strawberry
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    get_named_type,
)
from strawberry.dataloader import DataLoader
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graph.database.base import Session

K = TypeVar("K")
T = TypeVar("T")
Load: TypeAlias = Callable[[Session, list[K]], Awaitable[Sequence[T]]]


class Caller(NamedTuple):
    """Who asks."""

    name: str | None = None
    """Whose token the request has; None when none is asked for."""
    headers: Mapping[bytes, bytes] = {}
    """The request's headers, by their names in lower case."""

    def header(self, name: str) -> str | None:
        """The value of a header; None when the request has none of this name."""
        value = self.headers.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")


@dataclass(slots=True)
class Context:
    """What the resolvers of one operation share."""

    session: Session
    caller: Caller = Caller()  # noqa: RUF009 (it is immutable)
    _loaders: dict[Any, DataLoader[Any, Any]] | None = None

    def loader(
        self, load: Callable[[Session, list[K]], Awaitable[Sequence[T]]]
    ) -> DataLoader[K, T]:
        """The data loader of a function, the same one throughout the operation.

        Args:
            load: gives what belongs to each of the keys, in their order.
        """
        if self._loaders is None:
            self._loaders = {}
        if load not in self._loaders:
            self._loaders[load] = DataLoader(lambda keys: load(self.session, keys))
        return self._loaders[load]


class Info(strawberry.Info[Context, None]):
    """Strawberry's `Info`, with our context and the columns that the selection needs."""

    @cached_property
    def columns(self) -> tuple[str, ...] | None:
        """The model's names of the fields selected on what this field returns, sorted.

        None when every column may be needed: one of them has a resolver of its own. Fields that
        `@skip` or `@include` may leave out count as selected.
        """
        returned = get_named_type(self._raw_info.return_type)
        if not isinstance(returned, GraphQLObjectType):
            return None
        columns = []
        for name in self._selected() & returned.fields.keys():
            field = returned.fields[name].extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
            if field.base_resolver is not None:
                return None
            columns.append(field.python_name)
        return tuple(sorted(columns))

    def _selected(self) -> set[str]:
        """The names of the fields that are selected."""
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
        return names
