"""Keyset pages: each starts at the position where the last one ended."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from graph.database.base import Session
from graph.database.statement import STATEMENTS, Rows, Statement
from graph.tables.sql.conditions import (
    EVERYTHING,
    Condition,
    Template,
    clause,
    constant,
    has_relation,
    visible,
)
from graph.tables.sql.functions import WithoutIndex, comparable
from graph.tables.sql.keys import has_keyset_index, selected
from graph.tables.sql.segments import Bound, BoundTemplate, Order, Segment, Term, backward, segments

FAR = 10_000
"""Larger offsets are slow; up to this, skipping rows takes a few milliseconds."""

TIED = {Segment.NULL, Segment.NULL_AFTER, Segment.TIED_AFTER}
"""Segments whose rows tie on the first column."""

MANY_TIES = 10_000
"""Tied rows from which on SQLite reads them by the second column's index instead of sorting them.

Sorting this many takes as long as finding a page of them in a million rows."""


NOTHING_ELSE: Mapping[str, ColumnElement[Any]] = {}

RANGES = {"eq", "lt", "lte", "gt", "gte"}
"""Comparisons whose matching rows are adjacent in an index."""


def is_indexed(table: Table, order: Order, where: Template) -> bool:
    """Return whether an index gives matching rows in order, with few others in between.

    Args:
        table: each indexed or unique column must have an index on (column, key).
        order: an order of `total_order`.
        where: the condition.
    """
    if has_relation(where):
        return False
    lead, key = order[0], table.primary_key.columns.keys()
    parts = where[1] if where[0] == "and" else (where,)
    if constant(where) is not None:
        parts = ()
    known = {about for operator, about, *_ in parts if operator in {"eq", "in"}}
    if known.issuperset(key):
        return True
    if any(term.descending != lead.descending for term in order):
        return False
    names = [term.column for term in order]
    is_by_key = names == key
    # An index on (column, key) has the other columns of the key after one of its own.
    is_by_column = names[1:] == [name for name in key if name != names[0]]
    if not is_by_key and not (is_by_column and has_keyset_index(table.c[lead.column])):
        return False
    if all(operator in RANGES and about == lead.column for operator, about, *_ in parts):
        return True
    # In an index on (column, key), equal values are in the order of the key.
    return (
        is_by_key
        and len(parts) == 1
        and parts[0][0] == "eq"
        and has_keyset_index(table.c[parts[0][1]])
    )


class Page(NamedTuple):
    """Rows of a table between two bounds, in an order."""

    table: Table
    columns: tuple[str, ...] | None
    """Columns to return; all for None, and the key for an empty tuple."""
    order: Order
    """One of `total_order`."""
    condition: Condition
    after: Bound | None = None
    before: Bound | None = None
    """Exclusive upper bound: only rows before this position."""

    async def fetch(self, session: Session, limit: int, offset: int = 0) -> Rows:
        """Fetch the first `limit` rows from `offset` on, all from one state of the table.

        Most pages end in the first segment, which takes one statement. Any other page is read again
        from its start, in a snapshot.

        Raises:
            BadUserInputError: a value does not fit the type of its column.
        """
        values = self.condition.parameters
        if self.after is not None:
            values |= {f"a{index}": each for index, each in enumerate(self.after.position)}
        if self.before is not None:
            values |= {f"b{index}": each for index, each in enumerate(self.before.position)}
        template = self.template(offset)
        nulls_are_greatest = session.dialect.name != "sqlite"
        parts = segments(
            self.table, self.order, template.after, nulls_are_greatest=nulls_are_greatest
        )
        found: Rows | None = None
        reads: list[Any] = []
        for segment in parts:
            wanted = limit - len(found or ())
            by_second_index = segment in TIED and await self._by_second_index(
                session, template, segment, values
            )
            # SQLite has no separate index on the key.
            seek_by_key = offset > 0 and template.is_whole and session.dialect.name != "sqlite"
            statement = _page(
                template,
                self.columns,
                segment,
                by_second_index=by_second_index,
                seek_by_key=seek_by_key,
            )
            given = {**values, "limit": wanted, "offset": offset}
            rows = await session.fetch(statement, **given)
            reads.append((statement, given))
            rows.reads = reads
            if len(rows) == limit or len(parts) == 1:
                return rows
            if len(parts) > 1 and await session.snapshot(scans=template.may_scan):
                return await self.fetch(session, limit, offset)
            found = rows if found is None else found.plus(rows)
            if len(found) == limit:
                break
            if rows:
                offset = 0
            elif offset:
                (passed_over,) = await session.fetch(_count(template, segment), **values)
                offset -= passed_over.rows
        found = found or rows
        found.reads = reads
        return found

    @property
    def may_scan(self) -> bool:
        """Whether the page, without an offset, may read many other rows to find its own."""
        return self.template().may_scan

    def template(self, offset: int = 0) -> "PageTemplate":
        return PageTemplate(
            self.table,
            self.order,
            self.condition.template,
            self.after and self.after.template,
            self.before and self.before.template,
            offset > FAR,
        )

    async def _by_second_index(
        self, session: Session, template: "PageTemplate", segment: Segment, values: dict[str, Any]
    ) -> bool:
        """Whether to read tied rows by the index on the second column, instead of sorting them.

        PostgreSQL chooses by its statistics; SQLite has no statistics of single values.
        """
        if _is_by_key(self.table, self.order[1:]) or session.dialect.name != "sqlite":
            return False
        return bool(await session.fetch(_last_of_many_ties(template, segment), **values))


class PageTemplate(NamedTuple):
    """The parts of a page that determine its SQL; the key of cached statements."""

    table: Table
    order: Order
    where: Template
    after: BoundTemplate | None
    before: BoundTemplate | None
    is_far: bool
    """Whether the offset is greater than `FAR`."""

    @property
    def may_scan(self) -> bool:
        """Whether the page may read many other rows to find its own."""
        if self.is_far or self.before is not None:
            return True
        return not is_indexed(self.table, self.order, self.where)

    @property
    def is_whole(self) -> bool:
        """Whether the page is of all rows, in the order of the key."""
        bounded = self.after is not None or self.before is not None
        return len(self.order) == 1 and self.where == EVERYTHING.template and not bounded


@lru_cache(STATEMENTS)
def _count(template: PageTemplate, segment: Segment) -> Statement:
    """Count the rows of a segment."""
    rows = select(func.count().label("rows")).select_from(template.table)
    return Statement(rows.where(_within(template, segment)), scans=True)


@lru_cache(STATEMENTS)
def _last_of_many_ties(template: PageTemplate, segment: Segment) -> Statement:
    """Return a row only if at least `MANY_TIES` rows tie on the first column."""
    tied = _tied(template.table, template.order[0], segment)
    tied = and_(tied, visible(template.table))
    return Statement(select(literal(1).label("one")).where(tied).offset(MANY_TIES - 1).limit(1))


@lru_cache(STATEMENTS)
def _page(
    template: PageTemplate,
    columns: tuple[str, ...] | None,
    segment: Segment,
    *,
    by_second_index: bool,
    seek_by_key: bool,
) -> Statement:
    """Select `limit` rows of a segment from `offset` on.

    With `seek_by_key`, a subquery finds the first key; PostgreSQL then skips index entries, not
    rows.
    """
    table, order = template.table, template.order
    limit, offset = bindparam("limit", type_=BigInteger), bindparam("offset", type_=BigInteger)
    terms = [
        _sorted(table, term, leads=term.column == order[0].column)
        for term in _terms(table, order, segment)
    ]
    page = select(*selected(table, columns)).where(
        _within(template, segment, by_second_index=by_second_index)
    )
    page = page.order_by(*terms).limit(limit)
    if not seek_by_key:
        return Statement(page.offset(offset), may_scan=template.may_scan)
    key = comparable(table.c[order[0].column])
    keys = select(key).where(visible(table)).order_by(*terms)
    first = keys.limit(literal_column("1")).offset(offset).scalar_subquery()
    page = page.where(key <= first if order[0].descending else key >= first)
    return Statement(page, may_scan=template.may_scan)


def _terms(table: Table, order: Order, segment: Segment) -> Order:
    """Return the terms to sort a segment by."""
    lead, *others = order
    if segment not in TIED:
        return order
    if not _is_by_key(table, others):
        return tuple(others)
    # Sorted by the key alone, PostgreSQL would search the whole table for nulls.
    return lead._replace(descending=others[0].descending), *others


def _is_by_key(table: Table, terms: Sequence[Term]) -> bool:
    """Whether all terms are columns of the key."""
    return all(term.column in table.primary_key.columns for term in terms)


def sorted_by(
    table: FromClause, order: Order, equal: Mapping[str, ColumnElement[Any]] = NOTHING_ELSE
) -> list[ColumnElement[Any]]:
    """Return the terms of ORDER BY, nulls included.

    Args:
        table: the table.
        order: the order.
        equal: by column, another that has the same value, and an index.
    """
    return [_sorted(table, term, leads=False, column=equal.get(term.column)) for term in order]


def _sorted(
    table: FromClause, term: Term, *, leads: bool, column: ColumnElement[Any] | None = None
) -> ColumnElement[Any]:
    """Return a term of ORDER BY; the leading column's nulls are in a segment of their own."""
    column = comparable(table.c[term.column]) if column is None else column
    column = column.desc() if term.descending else column.asc()
    if leads or not table.c[term.column].nullable:
        return column
    return column.nulls_first() if term.nulls_first else column.nulls_last()


def _tied(
    table: Table, lead: Term, segment: Segment, *, by_second_index: bool = False
) -> ColumnElement[bool]:
    """Condition: the row is tied on the first column."""
    column = comparable(table.c[lead.column])
    column = WithoutIndex(column) if by_second_index else column
    if segment is Segment.TIED_AFTER:
        return column == _value(table, lead, "a0")
    return column.is_(None)


def _within(
    template: PageTemplate, segment: Segment, *, by_second_index: bool = False
) -> ColumnElement[bool]:
    """Condition: the row is in the segment."""
    table, order, where, after, before, _ = template
    lead = order[0]
    column = table.c[lead.column]
    conditions = [clause(table, where)]
    if segment is Segment.NOT_NULL:
        conditions.append(column.is_not(None))
    elif segment in TIED:
        conditions.append(_tied(table, lead, segment, by_second_index=by_second_index))
    elif segment is Segment.AFTER and after is not None:
        inclusive = after.inclusive and len(order) == 1
        conditions.append(_column_after(table, lead, "a0", inclusive=inclusive))
    if segment in {Segment.NULL_AFTER, Segment.TIED_AFTER} and after is not None:
        conditions.append(_row_after(table, order, after, "a", 1))
    if before is not None:
        conditions.append(_row_after(table, backward(order), before, "b", 0))
    return and_(*conditions)


def _row_after(
    table: Table, order: Order, bound: BoundTemplate, prefix: str, index: int
) -> ColumnElement[bool]:
    """Condition: the row's terms from `index` on come after the bound."""
    term = order[index]
    if index == len(order) - 1:
        return _column_after(table, term, f"{prefix}{index}", inclusive=bound.inclusive)
    column = table.c[term.column]
    rest = _row_after(table, order, bound, prefix, index + 1)
    greater: ColumnElement[bool]
    if bound.nulls[index]:
        greater = column.is_not(None) if term.nulls_first else false()
        return or_(greater, and_(column.is_(None), rest))
    greater = _column_after(table, term, f"{prefix}{index}")
    same = comparable(column) == _value(table, term, f"{prefix}{index}")
    if column.nullable and not term.nulls_first:
        return or_(greater, column.is_(None), and_(same, rest))
    # The first part follows from the others; it gives the index scan its start.
    not_less = _column_after(table, term, f"{prefix}{index}", inclusive=True)
    return and_(not_less, or_(greater, and_(same, rest)))


def _column_after(
    table: Table, term: Term, parameter: str, *, inclusive: bool = False
) -> ColumnElement[bool]:
    """Condition: the column comes after the parameter's value, which is not null."""
    column, value = comparable(table.c[term.column]), _value(table, term, parameter)
    if term.descending:
        return column <= value if inclusive else column < value
    return column >= value if inclusive else column > value


def _value(table: Table, term: Term, parameter: str) -> ColumnElement[Any]:
    """Bind parameter of the column's type; integers may exceed the column's range."""
    type_ = table.c[term.column].type
    return bindparam(parameter, type_=BigInteger() if isinstance(type_, Integer) else type_)
