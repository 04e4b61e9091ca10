"""Orders of a table, and the segments in which a page is read.

An index on (column, key) has each segment in the page's order. With one condition for all segments,
or with nulls at the other end than in the index, databases read and sort the whole table.
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Table

CACHED_ORDERS = 100
"""Maximum number of cached orders; clients may use more."""


class Term(NamedTuple):
    """A column to sort by."""

    column: str
    descending: bool = False
    nulls_first: bool = False


Order: TypeAlias = tuple[Term, ...]
"""Terms; the last ones are the primary key, which breaks all ties."""


@lru_cache(CACHED_ORDERS)
def total_order(table: Table, terms: tuple[Term, ...] = ()) -> Order:
    """Return the order of these terms; the key breaks ties, in the last term's direction."""
    missing = list(table.primary_key.columns.keys())
    kept: list[Term] = []
    for term in terms:
        if term.column not in missing:
            kept.append(term)
            continue
        kept.append(Term(term.column, term.descending))
        missing.remove(term.column)
        if not missing:
            return tuple(kept)
    descending = bool(kept) and kept[-1].descending
    return (*kept, *[Term(name, descending) for name in missing])


def backward(order: Order) -> Order:
    """Return the reversed order."""
    return tuple(Term(name, not descending, not nulls) for name, descending, nulls in order)


class Bound(NamedTuple):
    """Lower bound in an order: only rows after this position."""

    position: Sequence[Any]
    """The values of a row, which may be gone, in the columns of the order."""
    inclusive: bool = False
    """Whether the row at the position itself is included."""

    @property
    def template(self) -> "BoundTemplate":
        """The bound without its values; compiled to SQL once."""
        return BoundTemplate(tuple([value is None for value in self.position]), self.inclusive)


class BoundTemplate(NamedTuple):
    """A bound without its values."""

    nulls: tuple[bool, ...]
    """Which values are null."""
    inclusive: bool


class Segment(Enum):
    """A part of an ordered table, by the value of the first term."""

    ALL = "any"
    NOT_NULL = "not null"
    NULL = "null"
    NULL_AFTER = "null, and after the bound in the other terms"
    TIED_AFTER = "tied with the bound, and after it in the other terms"
    AFTER = "after the bound"


def segments(
    table: Table, order: Order, after: BoundTemplate | None, *, nulls_are_greatest: bool
) -> list[Segment]:
    """Return the segments after a bound, in order.

    Args:
        table: the table.
        order: the order of its rows.
        after: the bound.
        nulls_are_greatest: whether the database sorts nulls behind all values, if a statement does
            not say where. On a column that is NOT NULL by the model none does, but another program
            may have dropped the constraint.
    """
    lead = order[0]
    nullable = bool(table.c[lead.column].nullable)
    if after is None:
        if not nullable:
            return [Segment.ALL]
        return (
            [Segment.NULL, Segment.NOT_NULL]
            if lead.nulls_first
            else [Segment.NOT_NULL, Segment.NULL]
        )
    if after.nulls[0]:
        return [Segment.NULL_AFTER, Segment.NOT_NULL] if lead.nulls_first else [Segment.NULL_AFTER]
    parts = [Segment.AFTER] if len(order) == 1 else [Segment.TIED_AFTER, Segment.AFTER]
    if lead.column in table.primary_key.columns:
        return parts
    nulls_last = not lead.nulls_first if nullable else nulls_are_greatest is not lead.descending
    return [*parts, Segment.NULL] if nulls_last else parts
