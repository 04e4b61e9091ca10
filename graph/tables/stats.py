"""Statistics of a table's rows."""

import sys
from collections.abc import Callable
from functools import lru_cache
from inspect import get_annotations
from typing import Any, NamedTuple, TypeVar

import strawberry
from sqlalchemy import ColumnElement, Table, case, func, select

from graph.database.statement import STATEMENTS, Statement
from graph.engine.context import Info
from graph.engine.definitions import to_camel_case
from graph.tables.columns import searchable_columns
from graph.tables.sql.conditions import EVERYTHING, Condition, clause
from graph.tables.sql.functions import underlying_type


@strawberry.type(description="Statistics of integers; null when there are no values.")
class IntStats:
    """Statistics of a column of integers."""

    min: int | None = strawberry.field(description="Smallest value.")
    max: int | None = strawberry.field(description="Largest value.")
    avg: float | None = strawberry.field(description="Mean.")


@strawberry.type(description="Statistics of numbers; null when there are no values.")
class FloatStats:
    """Statistics of a column of floats."""

    min: float | None = strawberry.field(description="Smallest value.")
    max: float | None = strawberry.field(description="Largest value.")
    avg: float | None = strawberry.field(description="Mean.")


class Kind(NamedTuple):
    """A type of numbers."""

    stats: type[IntStats] | type[FloatStats]
    least: float
    greatest: float
    """Bounds of the numbers that an answer can represent."""


KINDS: dict[type, Kind] = {
    int: Kind(IntStats, -(2**31), 2**31 - 1),
    float: Kind(FloatStats, -sys.float_info.max, sys.float_info.max),
}
"""By Python type of a column."""

STATISTICS = ("min", "max", "avg")


@strawberry.type
class Stats:
    """Base class of statistics; `stats_type` makes a subclass the type of a table."""

    count: int = strawberry.field(description="Number of rows.")


T = TypeVar("T", bound=Stats)


def stats_type(table: Table, type_: type, *, description: str) -> Callable[[type[T]], type[T]]:
    """Make a class the type of a table's statistics: its rows and its indexed numbers.

    Args:
        table: the table.
        type_: the Strawberry type of its rows; only columns that clients may read are included.
        description: the description of the type.
    """

    def decorate(cls: type[T]) -> type[T]:
        cls.__annotations__ = {}
        for name, column, _ in searchable_columns(table, type_):
            is_id = column.primary_key or column.foreign_keys
            if not is_id and (kind := _kind(column)):
                cls.__annotations__[column.key] = kind.stats
                setattr(cls, column.key, strawberry.field(description=f"Statistics of `{name}`."))
        return strawberry.type(cls, description=description)

    return decorate


def _kind(column: ColumnElement[Any]) -> Kind | None:
    return KINDS.get(underlying_type(column.type).python_type)


async def read_stats(info: Info, stats: type[T], table: Table, condition: Condition) -> T:
    """Return the selected statistics of the rows that match a condition.

    Values that are no numbers, or that an answer cannot represent, are left out.
    """
    numbers = get_annotations(stats)
    wanted = frozenset(
        (name, statistic)
        for name in numbers
        for statistic in STATISTICS
        if info.selects(f"{to_camel_case(name)}.{statistic}")
    )
    counts = info.selects("count")
    row: dict[str, Any] = {}
    if counts or wanted:
        statement = _statement(table, wanted, condition.template, counts=counts)
        rows = await info.context.session.fetch(statement, **condition.parameters)
        row = rows[0]._asdict()
    columns = {}
    for name, kind in numbers.items():
        given = row.get(f"{name}_given")
        columns[name] = kind(
            min=row.get(f"{name}_min"),
            max=row.get(f"{name}_max"),
            # Divide here: Python keeps all digits of an integer, whatever the database does.
            avg=float(row[f"{name}_sum"] / given) if given else None,
        )
    return stats(count=row.get("count", 0), **columns)


@lru_cache(STATEMENTS)
def _statement(
    table: Table, wanted: frozenset[tuple[str, str]], where: Any, *, counts: bool
) -> Statement:
    condition = clause(table, where)
    alone: list[ColumnElement[Any]] = []
    together: list[ColumnElement[Any]] = [func.count().label("count")] if counts else []
    for name, statistic in sorted(wanted):
        column = table.c[name]
        kind = KINDS[underlying_type(column.type).python_type]
        is_number = column.between(kind.least, kind.greatest)
        if statistic == "avg":
            together.append(func.sum(case((is_number, column))).label(f"{name}_sum"))
            together.append(func.count(case((is_number, column))).label(f"{name}_given"))
        else:  # an index answers each one alone
            found = select(getattr(func, statistic)(column)).where(condition, is_number)
            alone.append(found.scalar_subquery().label(f"{name}_{statistic}"))
    if not together:
        return Statement(select(*alone), may_scan=where != EVERYTHING.template)
    counted = select(*alone, *together).select_from(table).where(condition)
    return Statement(counted, scans=True)
