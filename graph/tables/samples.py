"""Random rows of a table, to try a service with."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Enum, Table

from graph.tables.sql.functions import underlying_type

BATCH = 10_000
"""Rows per transaction: few commits, and short holds of the write lock."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

WORDS = ("Silver", "Crimson", "Golden", "Midnight", "Azure", "Scarlet", "Emerald", "Violet")

VALUES: dict[type, Callable[[Random], Any]] = {
    str: lambda random: random.choice(WORDS),
    int: lambda random: random.randint(0, 100),
    float: lambda random: random.random(),
    bool: lambda random: random.choice((True, False)),
    datetime: lambda random: EPOCH + timedelta(seconds=random.randrange(10**9)),
    date: lambda random: date.fromordinal(random.randint(700_000, 740_000)),
    time: lambda random: time(random.randrange(24), random.randrange(60)),
    timedelta: lambda random: timedelta(seconds=random.randrange(10**6)),
    bytes: lambda random: random.randbytes(4),
    dict: lambda _: {},
    list: lambda _: [],
    Decimal: lambda random: Decimal(random.randrange(10**4)) / 100,
    UUID: lambda random: UUID(int=random.getrandbits(128), version=4),
}
"""By Python type of a column, a random value."""


def needed_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a new row that have a value neither by default nor as null."""
    return [
        column
        for column in table.columns
        if not (column.nullable or column.default or column.server_default)
        and column is not table.autoincrement_column
    ]


def any_value(column: Column[Any], random: Random) -> object:
    """Return a random value of the column's type."""
    type_: Any = underlying_type(column.type)
    if isinstance(type_, Enum):
        return random.choice(list(type_.enum_class or type_.enums))
    value = VALUES[type_.python_type](random)
    if isinstance(value, str):
        return value[: type_.length]
    if isinstance(value, datetime) and not type_.timezone:
        value = value.replace(tzinfo=None)
    return value


def batches(
    count: int, row: Callable[[Random], dict[str, object]]
) -> Iterator[list[dict[str, object]]]:
    """Yield `count` rows in batches.

    Args:
        count: the number of rows.
        row: returns the values of a row, by column.
    """
    random = Random()  # noqa: S311 (nothing secret)
    for start in range(0, count, BATCH):
        yield [row(random) for _ in range(min(BATCH, count - start))]


def random_rows(table: Table, count: int) -> Iterator[list[dict[str, object]]]:
    """Yield `count` rows of a table, in batches: random values where the table needs one."""
    columns = needed_columns(table)
    return batches(
        count, lambda random: {column.name: any_value(column, random) for column in columns}
    )
