"""Orders of a table, and the parts of it that an index has in an order.

A table is read in segments, each of which an index on (column, key) has in its order. With one
condition for all of them, or with nulls where the index does not have them, databases read and sort
the whole table.
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Table

ORDERS = 100
"""Orders that are kept; clients choose among more than that."""


class Term(NamedTuple):
    """A column by which a table is ordered."""

    column: str
    descending: bool = False
    nulls_first: bool = False


Order: TypeAlias = tuple[Term, ...]
"""The terms of an order, of which the last is the key, and tells all rows apart."""


@lru_cache(ORDERS)
def total_order(table: Table, terms: tuple[Term, ...] = ()) -> Order:
    """The order of these terms, in which the key breaks ties in the direction of the last one."""
    (key,) = table.primary_key.columns.keys()
    kept: list[Term] = []
    for term in terms:
        if term.column == key:
            return (*kept, Term(key, term.descending))
        kept.append(term)
    return (*kept, Term(key, bool(kept) and kept[-1].descending))


def backward(order: Order) -> Order:
    """The same order, read from its end."""
    return tuple(Term(name, not descending, not nulls) for name, descending, nulls in order)


class Bound(NamedTuple):
    """Rows that come after a position in an order."""

    position: Sequence[Any]
    """The values that some row has, or had, in the columns of the order's terms."""
    inclusive: bool = False
    """Whether the row at the position is meant, too."""

    @property
    def template(self) -> "BoundTemplate":
        """What its SQL is made from."""
        return BoundTemplate(tuple([value is None for value in self.position]), self.inclusive)


class BoundTemplate(NamedTuple):
    """A bound without its values."""

    nulls: tuple[bool, ...]
    """Which of its values are null."""
    inclusive: bool


class Segment(Enum):
    """A part of an ordered table, by the first term of its rows."""

    ALL = "any"
    NOT_NULL = "not null"
    NULL = "null"
    NULL_AFTER = "null, and the other terms beyond the bound's"
    TIED_AFTER = "the same as the bound's, and the other terms beyond the bound's"
    AFTER = "beyond the bound's"


def segments(table: Table, order: Order, after: BoundTemplate | None) -> list[Segment]:
    """The segments of the rows after a bound, in order."""
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
    return [*parts, Segment.NULL] if nullable and not lead.nulls_first else parts
