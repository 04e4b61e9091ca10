"""Relations: fields whose values are rows that belong to the row of their object."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import GraphQLField

from graph.database.base import Session
from graph.database.statement import Rows
from graph.engine.definitions import field_of

RELATED = "related"
"""Key in a field's Strawberry metadata: its `Related`."""


class Found(NamedTuple):
    """Rows that were found for some keys, in order for each of the keys."""

    rows: Rows
    keys: Sequence[Any]
    """The key to which each row belongs."""


class Related(ABC):
    """The related rows of a field.

    The field is ordinary: its resolver finds the rows of one object by a data loader. The fast path
    calls `fetch` itself instead.

    Args:
        key: the columns by which an object's row knows its related rows.
        is_list: whether several rows may belong to an object.
    """

    def __init__(self, key: tuple[str, ...], *, is_list: bool) -> None:
        self.key = key
        self.is_list = is_list

    @abstractmethod
    def columns(self, selected: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Return the columns of the rows that `fetch` finds for these selected ones."""

    @abstractmethod
    def choice(self, arguments: Mapping[str, Any]) -> Hashable:
        """Return the choice of rows that the resolver's arguments make.

        Raises:
            PublicError: an argument is invalid.
        """

    @abstractmethod
    async def fetch(
        self, session: Session, keys: Sequence[Any], columns: tuple[str, ...] | None, choice: Any
    ) -> Found:
        """Fetch the rows that belong to any of the keys, in one statement.

        Args:
            session: the operation's session.
            keys: distinct keys; tuples if they have several columns.
            columns: the selected columns; None for all.
            choice: what `choice` returned.
        """


def related_of(field: GraphQLField) -> Related | None:
    """Return the related rows of a field; None for any other field."""
    source = field_of(field)
    related: Related | None = source.metadata.get(RELATED) if source else None
    return related
