"""The context of an operation: its session, its caller, and the selected columns."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from graph.database.base import Session
from graph.engine.definitions import field_metadata, raw_info
from graph.engine.selection import Selected, Selection, SelectionTree

K = TypeVar("K")
T = TypeVar("T")
Load: TypeAlias = Callable[[Session, list[K]], Awaitable[Sequence[T]]]

ORDERED_BY = "ordered by"
"""Key in a field's Strawberry metadata: the columns that its cursors contain."""

ONE_STATEMENT = "one statement"
"""Key in a mutation's Strawberry metadata: whether its resolver runs one statement only, and cannot
fail after it. PostgreSQL then commits it as it runs, if it is all of its operation."""


@dataclass(slots=True)
class Caller:
    """The client that sent the request."""

    name: str | None = None
    """The name of its token; None if no token is required."""
    address: str = ""
    """The IP address of the client, or of a proxy that is not trusted."""

    @property
    def identity(self) -> str:
        """What tells it from other clients: its name, or else its address."""
        return self.name or self.address

    def header(self, name: str) -> str | None:  # noqa: ARG002 (a transport overrides it)
        """Return the value of a header of the request; None if it is missing."""
        return None


@dataclass(slots=True)
class Context:
    """The state that the resolvers of one operation share."""

    session: Session
    caller: Caller = field(default_factory=Caller)
    last_event_id: str | None = None
    """Id of the last event that the client of a subscription got before it reconnected."""
    _loaders: dict[Any, DataLoader[Any, Any]] | None = None

    def loader(
        self, load: Callable[[Session, list[K]], Awaitable[Sequence[T]]]
    ) -> DataLoader[K, T]:
        """Return the data loader of a function, the same one throughout the operation.

        Args:
            load: returns one value per key, in the order of the keys.
        """
        if self._loaders is None:
            self._loaders = {}
        if load not in self._loaders:
            self._loaders[load] = DataLoader(lambda keys: load(self.session, keys))
        return self._loaders[load]


class Info(strawberry.Info[Context, None]):
    """Strawberry's `Info` with this service's context, and the selection of the field."""

    @cached_property
    def selected(self) -> Selected:
        """The fields selected on this field's value."""
        raw = raw_info(self)
        definition = raw.schema.get_field(raw.parent_type, raw.field_name)
        assert definition is not None  # noqa: S101 (it is being executed)
        values: Any = raw.variable_values
        values = getattr(values, "coerced", values)  # Strawberry's executor has a plain dict
        tree = SelectionTree(raw.schema, raw.fragments, values)
        ordered_by = field_metadata(self).get(ORDERED_BY, ())
        return Selected(tree, Selection(definition, raw.field_nodes), ordered_by)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the selected columns, sorted.

        For a connection: the columns of its nodes, and those of its cursors if one is selected.
        None if any column may be needed, because a selected field has a resolver.
        """
        return self.selected.columns

    @property
    def wants_cursors(self) -> bool:
        """Whether a cursor is selected."""
        return self.selected.cursors

    def selects(self, path: str) -> bool:
        """Whether the field at a path of GraphQL names is selected, such as `edges.node`."""
        return self.selected.includes(path)
