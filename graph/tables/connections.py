"""Reads pages by cursor."""

from functools import lru_cache
from typing import Any, NamedTuple

import strawberry
from sqlalchemy import Table, func, select

from graph.database.base import Session
from graph.database.statement import STATEMENTS, Rows, Statement
from graph.engine.connection import Connection, Edges, PageInfo
from graph.engine.context import Info
from graph.errors import BadUserInputError
from graph.tables.cursors import Cursors
from graph.tables.sql.conditions import Condition, clause
from graph.tables.sql.page import Page
from graph.tables.sql.segments import Bound, Order, backward


class PageArguments(NamedTuple):
    """The page arguments of a connection."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None

    @classmethod
    def given(cls, *arguments: Any) -> "PageArguments":
        """Create from a resolver's arguments, which are UNSET if not given."""
        return cls(*[None if each is strawberry.UNSET else each for each in arguments])

    def size(self, most: int) -> int:
        """Return the maximum number of rows.

        Raises:
            BadUserInputError: `first` or `last` is out of bounds, or both are given.
        """
        if self.first is not None and self.last is not None:
            raise BadUserInputError("first and last must not both be given")
        for name, size in (("first", self.first), ("last", self.last)):
            if size is not None and not 0 <= size <= most:
                raise BadUserInputError(f"{name} must be from 0 to {most}, not {size}")
        given = self.first if self.last is None else self.last
        return most if given is None else given


class OrderedRows(NamedTuple):
    """The rows of a table that match a condition, in an order."""

    table: Table
    order: Order
    condition: Condition


async def read_connection(
    info: Info, rows: OrderedRows, arguments: PageArguments, most: int
) -> Connection[Any]:
    """Read a page by cursor; only selected parts are read.

    Args:
        info: of the field that returns the connection.
        rows: the rows to page through.
        arguments: the page arguments.
        most: maximum number of rows of a page.

    Raises:
        BadUserInputError: a page argument is invalid.
    """
    size, session = arguments.size(most), info.context.session
    cursors = Cursors(rows.table, rows.order, rows.condition)
    start = _bound(cursors, "after", arguments.after, session)
    end = _bound(cursors, "before", arguments.before, session)
    previous_page, next_page = "pageInfo.hasPreviousPage", "pageInfo.hasNextPage"
    order = rows.order
    is_backward = arguments.last is not None
    if is_backward:
        order, start, end = backward(order), end, start
        previous_page, next_page = next_page, previous_page
    # Several statements must read one state of the table.
    checks_previous = start is not None and info.selects(previous_page)
    checks_next = end is not None and info.selects(next_page)
    counts = info.selects("totalCount")
    page = Page(rows.table, info.columns, order, rows.condition, start, end)
    if checks_previous or checks_next or counts:
        await session.snapshot(scans=counts or page.may_scan)
    found = await page.fetch(session, size + 1)
    nodes = found.part(slice(size))
    if is_backward:
        nodes = nodes.part(slice(None, None, -1))
    has_more = len(found) > size
    if checks_next and not has_more:
        has_more = await _has_any(session, page._replace(after=_inclusive(end), before=None))
    has_less = checks_previous and await _has_any(
        session, page._replace(order=backward(order), after=_inclusive(start), before=None)
    )
    texts = _cursors(info, cursors, nodes)
    return Connection(
        nodes=nodes,
        edges=Edges(nodes, texts if len(texts) == len(nodes) else [""] * len(nodes)),
        page_info=PageInfo(
            has_next_page=has_less if is_backward else has_more,
            has_previous_page=has_more if is_backward else has_less,
            start_cursor=texts[0] if texts else None,
            end_cursor=texts[-1] if texts else None,
        ),
        total_count=await _count(session, rows) if counts else 0,
    )


def _cursors(info: Info, cursors: Cursors, nodes: Rows) -> list[Any]:
    """Return the selected cursors: of all rows, or of the first and the last."""
    if info.selects("edges.cursor"):
        return cursors.write(nodes)
    if info.wants_cursors and nodes:
        # The first and the last; a step of 0 is not allowed.
        return cursors.write(nodes.part(slice(None, None, max(len(nodes) - 1, 1))))
    return []


def _bound(cursors: Cursors, name: str, text: str | None, session: Session) -> Bound | None:
    return None if text is None else Bound(cursors.read(text, name, session.dialect))


def _inclusive(bound: Bound | None) -> Bound | None:
    return bound and bound._replace(inclusive=True)


async def _has_any(session: Session, page: Page) -> bool:
    return len(await page._replace(columns=()).fetch(session, 1)) > 0


async def _count(session: Session, rows: OrderedRows) -> int:
    statement = _count_statement(rows.table, rows.condition.template)
    (counted,) = await session.fetch(statement, **rows.condition.parameters)
    count: int = counted.rows
    return count


@lru_cache(STATEMENTS)
def _count_statement(table: Table, where: Any) -> Statement:
    return Statement(
        select(func.count().label("rows")).select_from(table).where(clause(table, where)),
        scans=True,
    )
