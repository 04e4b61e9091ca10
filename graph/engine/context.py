"""The context of an operation: its session, who asks, and which columns are asked for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from graph.database.base import Session
from graph.engine.definitions import field_metadata, raw_info
from graph.engine.selected import Selected

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


ORDERED_BY = "ordered by"
"""The key, in a field's Strawberry metadata, of the columns that its cursors have."""


class Info(strawberry.Info[Context, None]):
    """Strawberry's `Info`, with our context and what of the field's value is selected."""

    @cached_property
    def selected(self) -> Selected:
        """What is selected on what this field returns."""
        return Selected(raw_info(self), field_metadata(self).get(ORDERED_BY, ()))

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The model's names of the fields selected on what this field returns, sorted.

        Of a connection, they are those of its nodes, and the ones that its cursors have if any is
        selected. None when every column may be needed: one of the fields has a resolver of its own.
        """
        return self.selected.columns

    @property
    def wants_cursors(self) -> bool:
        """Whether a cursor is selected."""
        return self.selected.cursors

    def selects(self, path: str) -> bool:
        """Whether a field is selected, given by the names that lead to it, as in `edges.node`."""
        return self.selected.includes(path)
