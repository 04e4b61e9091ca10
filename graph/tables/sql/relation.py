"""Relations: how the rows of two tables belong together."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Table, UniqueConstraint

OWNER = "owner_key_"
"""Beginning of the names of the columns by which a related row knows the row that it belongs to."""

Pairs = tuple[tuple[Column[Any], Column[Any]], ...]
"""Pairs of columns that are equal in related rows."""


class Relation(NamedTuple):
    """How the rows of one table belong to the rows of another, or of the same table."""

    name: str
    owner: Table
    target: Table
    pairs: Pairs
    """Columns of the owner, and of the target; or of the table between them."""
    between: Table | None = None
    """The table of a many-to-many relation."""
    pairs_between: Pairs = ()
    """Columns of the table between them, and of the target."""

    def __repr__(self) -> str:
        """Return a text that is the same in all processes: cursors contain a digest of it."""
        return f"Relation({self.owner.name}.{self.name})"

    @property
    def key(self) -> tuple[str, ...]:
        """The owner's columns, by which its related rows are found."""
        return tuple([str(column.key) for column, _ in self.pairs])

    @property
    def owners(self) -> tuple[str, ...]:
        """Names of the columns of a related row that have its owner's key."""
        return tuple([f"{OWNER}{index}" for index in range(len(self.pairs))])


def is_unique(columns: Sequence[Column[Any]]) -> bool:
    """Whether at most one row of a table has the same values in these columns."""
    table, names = columns[0].table, {column.name for column in columns}
    assert isinstance(table, Table)  # noqa: S101 (for the type checker)
    unique: list[Any] = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    unique += [each for each in table.indexes if each.unique]
    return any(
        bool(each.columns) and {column.name for column in each.columns} <= names
        for each in [table.primary_key, *unique]
    )
