"""Conditions in Python match the same rows as in the database."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from graph.database import open_database
from graph.database.base import Database
from graph.database.statement import Statement
from graph.settings import Settings
from graph.tables.sql.conditions import COMPARISONS, Condition, Template, clause
from graph.tables.sql.functions import is_stored_as_text, is_text
from graph.tables.sql.predicates import predicate
from tests.support.databases import on_sqlite
from tests.support.typed_table import Power, Thing

THING: Any = Thing.__table__  # type: ignore[attr-defined] # (SQLModel makes it)

MOMENTS = [datetime(2024, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC)]

VALUES: dict[str, list[Any]] = {
    "text": ["", "a", "A", "ab", "ß", "é", "\ufffd", "\U0001f600", "a b", "%_"],
    "number": [0, -1, 2**31 - 1, -(2**31)],
    "big": [0, -(2**63), 2**63 - 1, 2**53 + 1],
    "small": [0, -1, 7],
    "ratio": [0.0, -0.5, 1e300, 0.1, 3.0],
    "flag": [True, False],
    "moment": MOMENTS,
    "zoned": MOMENTS,
    "stamped": MOMENTS,
    "local": [datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 0, 1)],  # noqa: DTZ001 (naive)
    "born": [date(2024, 1, 1), date(1, 1, 1), date(9999, 12, 31)],
    "wakes": [time(6), time(23, 59, 59, 999_999), time(0)],
    "length": [timedelta(hours=1), timedelta(days=-1), timedelta(microseconds=1)],
    "fee": [Decimal("1.50"), Decimal("-0.01"), Decimal("1.5"), Decimal(0)],
    "token": [UUID(int=7), UUID(int=2**128 - 1)],
    "power": [Power.FLIGHT, Power.STRENGTH],
    "blob": [b"", b"\0", b"ab", b"\xff"],
    "site": [None, "https://example.org/"],
    "parent_id": [None, UUID(int=1)],
    "id": [UUID(int=number) for number in range(1, 4)],
}
"""By column, values of rows, by which they are compared, too."""


def conditions() -> Iterator[Condition]:
    """Each comparison of each column."""
    for name, given in VALUES.items():
        yield from (Condition((operator, name), ()) for operator in ("null", "set"))
        values = [value for value in given if value is not None]
        yield Condition(("in", name, 2), (values[0], values[-1]))
        for operator in COMPARISONS.keys() - {"null", "set"}:
            needs_text = operator in {"contains", "folded"}
            is_ordered = not is_stored_as_text(THING.c[name].type) or is_text(THING.c[name].type)
            if is_text(THING.c[name].type) if needs_text else is_ordered:
                yield from (Condition((operator, name), (value,)) for value in values)


def negated(condition: Condition) -> Condition:
    return Condition(("not", condition.template), condition.values)


def rows() -> list[dict[str, Any]]:
    """Rows with all values."""
    return [
        {"state": "new", **{name: given[number % len(given)] for name, given in VALUES.items()}}
        | {"id": UUID(int=number + 1)}
        for number in range(10)
    ]


async def check(database: Database, find: Callable[[Template], Statement]) -> None:
    """Compare both for each condition."""
    session = database.session()
    try:
        stored = (await session.fetch(Statement(select(THING)))).tuples
        place = THING.columns.keys().index("id")
        for condition in [each for one in conditions() for each in (one, negated(one))]:
            found = await session.fetch(find(condition.template), **condition.parameters)
            matches = predicate(THING, condition)
            expected = {row[place] for row in stored if matches(row)}
            assert {row.id for row in found} == expected, condition
    finally:
        await session.close()


def by_id(template: Template) -> Statement:
    return Statement(select(THING.c.id).where(clause(THING, template)))


def test_both_match_the_same_rows(configure: Callable[..., Settings]) -> None:
    async def main() -> None:
        database = open_database(configure())
        try:
            await database.create()
            await database.with_lock(THING.create)
            await database.insert(THING, rows())
            await check(database, by_id)
        finally:
            await database.dispose()

    asyncio.run(main())


@on_sqlite
@pytest.mark.parametrize("stored", ["'x'", "''", "5", "2.5", "x'00'", "NULL", "'5'"])
def test_both_match_the_same_rows_with_values_of_other_types(
    configure: Callable[..., Settings], stored: str
) -> None:
    async def main() -> None:
        database = open_database(configure())
        try:
            await database.create()

            def fill(connection: Any) -> None:
                columns = ", ".join(THING.columns.keys())
                connection.exec_driver_sql(f"CREATE TABLE thing ({columns})")
                for name in ("text", "number", "ratio", "site"):
                    connection.exec_driver_sql(
                        f"INSERT INTO thing (id, {name}) VALUES ('{'0' * 32}', {stored})"  # noqa: S608 (no input)
                    )

            await database.with_lock(fill)
            session = database.session()
            rows = (await session.fetch(Statement(select(THING)))).tuples
            for one in conditions():
                for condition in (one, negated(one)):
                    found = await session.fetch(by_id(condition.template), **condition.parameters)
                    matches = predicate(THING, condition)
                    assert len(found) == sum(map(matches, rows)), condition
            await session.close()
        finally:
            await database.dispose()

    asyncio.run(main())
