"""Random rows of tables, to try a service with."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Enum,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    select,
)
from sqlalchemy.schema import sort_tables_and_constraints

from graph.database.base import Database, Session
from graph.tables.sql.functions import underlying_type

BATCH = 10_000
"""Rows per transaction: few commits, and short holds of the write lock."""

PARENTS = 1_000
"""Rows of another table among which a foreign key chooses."""

TRIES = 100
"""Tries to make a row with new values of its unique columns."""

NULL = 0.1
"""Share of nulls in a column that may be null."""

EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 (the column's type says whether it has a time zone)

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


Row = dict[str, object]
"""The values of a new row, by column."""


def any_value(column: Column[Any], random: Random, *, is_unique: bool = False) -> object:
    """Return a random value of the column's type, from a wide range if it must be unique."""
    type_: Any = underlying_type(column.type)
    if isinstance(type_, Enum):
        return random.choice(list(type_.enum_class or type_.enums))
    value = VALUES[type_.python_type](random)
    if isinstance(value, str):
        if is_unique:
            value = f"{value} {random.getrandbits(32):08x}"
        return value if type_.length is None else value[-type_.length :]
    if isinstance(value, Decimal):
        scale = 2 if type_.scale is None else type_.scale
        digits = min(4, type_.precision or 4)
        return Decimal(random.randrange(10**digits)).scaleb(-scale)
    if is_unique and type(value) is int:
        return random.randrange(2**15 if isinstance(type_, SmallInteger) else 2**31)
    if isinstance(value, datetime | time) and type_.timezone:
        value = value.replace(tzinfo=UTC)
    return value


class Samples:
    """Makes random rows of a table.

    Args:
        table: the table.
        realistic: returns values of some columns; the others get any value of their type.
    """

    def __init__(self, table: Table, realistic: Callable[[Random], Row] | None = None) -> None:
        self.table = table
        self.random = Random()  # noqa: S311 (nothing secret)
        self.parents: list[tuple[list[str], Sequence[Sequence[Any]]]] = []
        """The columns of each foreign key, and the values that rows have which it refers to."""
        self._realistic = realistic or (lambda _: {})
        self._unique = _unique_keys(table)
        self._seen: list[set[tuple[Any, ...]]] = [set() for _ in self._unique]
        given = self._realistic(self.random)
        self._columns = [
            (column, any(column is each for key in self._unique for each in key))
            for column in table.columns
            if column.name not in given and not column.foreign_keys
            if not (column.default or column.server_default or column.computed)
            if column is not table.autoincrement_column
        ]

    async def read(self, session: Session) -> None:
        """Read what new rows depend on: rows that they may refer to, and values that are unique."""
        self.parents = []
        for foreign_key in self.table.foreign_key_constraints:
            targets = [element.column for element in foreign_key.elements]
            newest = select(*targets).order_by(*[each.desc() for each in targets]).limit(PARENTS)
            found: Any = await session.orm.exec(newest)  # type: ignore[call-overload] # (Core's)
            self.parents.append((list(foreign_key.column_keys), found.all()))
        for key, seen in zip(self._unique, self._seen, strict=True):
            there: Any = await session.orm.exec(select(*key).limit(BATCH))  # type: ignore[call-overload] # (as above)
            seen.update(map(tuple, there.all()))

    def batch(self, count: int) -> list[Row]:
        """Return new rows; fewer than `count` if not so many can be unique."""
        rows = [self._new_row() for _ in range(count)]
        return [row for row in rows if row is not None]

    def _new_row(self) -> Row | None:
        for _ in range(TRIES):
            row = self._row()
            keys = [tuple(row.get(each.name) for each in key) for key in self._unique]
            pairs = list(zip(keys, self._seen, strict=True))
            if not any(key in seen and None not in key for key, seen in pairs):
                for key, seen in pairs:
                    if None not in key:
                        seen.add(key)
                return row
        return None

    def _row(self) -> Row:
        random = self.random
        row: Row = {}
        for column, is_unique in self._columns:
            is_null = column.nullable and random.random() < NULL
            row[column.name] = None if is_null else any_value(column, random, is_unique=is_unique)
        for columns, found in self.parents:
            may_be_null = all(self.table.c[name].nullable for name in columns)
            if found and not (may_be_null and random.random() < NULL):
                row |= zip(columns, random.choice(found), strict=True)
            elif may_be_null:
                row |= dict.fromkeys(columns)
        return row | self._realistic(random)


def _unique_keys(table: Table) -> list[list[Column[Any]]]:
    """Return the columns of each unique constraint, without a key that the database numbers."""
    constraints = [
        list(each.columns)
        for each in table.constraints
        if isinstance(each, UniqueConstraint | PrimaryKeyConstraint)
    ]
    indexes = [list(index.columns) for index in table.indexes if index.unique]
    numbered = table.autoincrement_column
    return [key for key in (*constraints, *indexes) if key and key[0] is not numbered]


def _parents_first(tables: Iterable[Table]) -> list[Table]:
    """Return the tables so that each comes after those to which its foreign keys refer.

    In a circle, only the foreign keys that may not be null decide.
    """

    def may_wait(foreign_key: ForeignKeyConstraint) -> bool | None:
        return None if all(column.nullable for column in foreign_key.columns) else False

    parts: Any = sort_tables_and_constraints(tables, may_wait)  # type: ignore[no-untyped-call] # (SQLAlchemy's)
    return [table for table, _ in parts if table is not None]


async def add_samples(
    database: Database,
    tables: Iterable[Table],
    count: int,
    realistic: Mapping[str, Callable[[Random], Row]],
) -> AsyncIterator[int]:
    """Add rows to each table, after the tables to which its foreign keys refer.

    Args:
        database: the database.
        tables: the tables, in any order.
        count: rows to add to each table.
        realistic: by table, the function that returns values of a row.

    Yields:
        The number of rows added by each transaction.
    """
    for table in _parents_first(tables):
        samples = Samples(table, realistic.get(str(table)))
        for start in range(0, count, BATCH):
            session = database.session()
            try:
                await samples.read(session)
            finally:
                await session.close()
            if rows := samples.batch(min(BATCH, count - start)):
                await database.insert(table, rows)
            yield len(rows)
