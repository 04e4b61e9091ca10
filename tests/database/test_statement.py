"""`Statement` writes and reads columns of any type, on each kind of database."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Time,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy.exc import InvalidRequestError
from sqlmodel.sql.sqltypes import UTCDateTime

from graph.database.base import Database, Session
from graph.database.statement import Statement
from graph.errors import BadUserInputError
from tests.support.databases import Sql, on_sqlite
from tests.support.prepared_database import Configure, run


class Power(Enum):
    """An enum whose names differ from its values, and whose longest name is not the first."""

    FLIGHT = "flies"
    STRENGTH = "is strong"


made = iter(range(1_000))

THINGS = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", String),
    Column("ratio", Float),
    Column("active", Boolean),
    Column("seen", UTCDateTime),
    Column("local", DateTime),
    Column("born", Date),
    Column("wakes", Time),
    Column("price", Numeric(8, 2)),
    Column("token", Uuid),
    Column("power", EnumType(Power)),
    Column("kind", String, default="plain", onupdate="changed"),
    Column("number", Integer, default=lambda: next(made)),
)

VALUES: dict[str, Any] = {
    "text": "a",
    "ratio": 0.1,
    "active": False,
    "seen": datetime(2024, 2, 29, 23, 59, 59, 999999, timezone(timedelta(hours=5, minutes=30))),
    "local": datetime(2024, 2, 29, 23, 59, 59, 1),  # noqa: DTZ001 (without a time zone)
    "born": date(1, 1, 1),
    "wakes": time(6, 30, 0, 5),
    "price": Decimal("-123456.78"),
    "token": uuid4(),
    "power": Power.STRENGTH,
}

ALL = Statement(select(THINGS).order_by(THINGS.c.id))
ADD = Statement(insert(THINGS).returning(THINGS), values=tuple(VALUES))


@pytest.fixture
def use(configure: Configure) -> Callable[[Callable[[Session], Awaitable[None]]], None]:
    """Runs the work in a transaction on a database with the table."""

    def used(work: Callable[[Session], Awaitable[None]]) -> None:
        async def main(database: Database) -> None:
            await database.with_lock(THINGS.metadata.create_all)
            session = database.session()
            try:
                session.start()
                await work(session)
                await session.commit()
            finally:
                await session.close()

        run(configure, main)

    return used


Use = Callable[[Callable[[Session], Awaitable[None]]], None]


def test_any_type_of_column_is_written_and_read(use: Use) -> None:
    async def work(session: Session) -> None:
        expected = {**VALUES, "kind": "plain"}
        (added,) = await session.fetch(ADD, **VALUES)
        (found,) = await session.fetch(ALL)
        assert added == found
        got = found._asdict()
        assert {name: got[name] for name in expected} == expected
        assert {name: isinstance(got[name], type(expected[name])) for name in expected} == (
            dict.fromkeys(expected, True)
        )
        assert got["seen"].utcoffset() == timedelta(0)
        for name, value in VALUES.items():
            where = THINGS.c[name] == bindparam(name, type_=THINGS.c[name].type)
            assert await session.fetch(Statement(select(THINGS).where(where)), **{name: value})

    use(work)


def test_null_in_a_column_of_any_type(use: Use) -> None:
    async def work(session: Session) -> None:
        await session.fetch(ADD, **dict.fromkeys(VALUES))
        (found,) = await session.fetch(ALL)
        assert [found._asdict()[name] for name in VALUES] == [None] * len(VALUES)

    use(work)


def test_columns_that_are_not_given_have_their_defaults(use: Use) -> None:
    async def work(session: Session) -> None:
        add = Statement(insert(THINGS).returning(THINGS), values=("text",))
        first, second = [(await session.fetch(add, text=text))[0] for text in ("a", "b")]
        assert (first.text, first.kind, second.text) == ("a", "plain", "b")
        assert second.number == first.number + 1
        text = bindparam("new", type_=String)
        changed = Statement(update(THINGS).values(text=text).returning(THINGS.c.kind))
        assert [row.kind for row in await session.fetch(changed, new="c")] == ["changed"] * 2

    use(work)


def test_each_inserted_row_has_its_own_defaults(use: Use) -> None:
    async def work(session: Session) -> None:
        rows = [{"text": bindparam(f"{n}.text", type_=String)} for n in range(3)]
        add = Statement(insert(THINGS).values(rows).returning(THINGS.c.kind, THINGS.c.number))
        added = await session.fetch(add, **{f"{n}.text": "a" for n in range(3)})
        first = added[0].number
        assert added.tuples == [("plain", first), ("plain", first + 1), ("plain", first + 2)]

    use(work)


def test_a_sort_column_is_not_returned(use: Use) -> None:
    async def work(session: Session) -> None:
        for text in "cab":
            await session.fetch(ADD, **{**VALUES, "text": text})
        by_text = select(THINGS.c.token, THINGS.c.id, THINGS.c.text.label("place"))
        rows = await session.fetch(Statement(by_text, sort_by=1))
        assert rows.columns == ("token", "id")
        assert rows.tuples == [(VALUES["token"], 2), (VALUES["token"], 3), (VALUES["token"], 1)]

    use(work)


def test_the_values_in_a_statement_are_those_of_its_parameters(use: Use) -> None:
    async def work(session: Session) -> None:
        for text in "abc":
            await session.fetch(ADD, **{**VALUES, "text": text})
        key = THINGS.c.id

        async def ids(clause: Any, **parameters: object) -> list[int]:
            return [row.id for row in await session.fetch(Statement(clause), **parameters)]

        by_id = select(key).order_by(key)
        assert await ids(by_id.limit(2)) == [1, 2]
        assert await ids(by_id.limit(2).offset(0)) == [1, 2]
        assert await ids(by_id.where(THINGS.c.text == "b")) == [2]
        assert await ids(by_id.where(key > bindparam("least", 1))) == [2, 3]
        assert await ids(by_id.where(key > bindparam("least", 1)), least=2) == [3]
        assert await ids(by_id.where(THINGS.c.power == Power.STRENGTH, key < 3)) == [1, 2]
        assert await ids(by_id.where(key.in_([1, 3])).limit(5)) == [1, 3]
        assert await ids(by_id.where(THINGS.c.token.in_([VALUES["token"]]), key != 1)) == [2, 3]

    use(work)


def test_a_parameter_may_be_a_list(use: Use) -> None:
    async def work(session: Session) -> None:
        for text in "abc":
            await session.fetch(ADD, **{**VALUES, "text": text})
        among = THINGS.c.token.in_(bindparam("tokens", expanding=True))
        found = Statement(select(THINGS.c.text).where(among, THINGS.c.text != bindparam("a.not")))
        for tokens, count in (([], 0), ([VALUES["token"]], 2), ([UUID(int=1), VALUES["token"]], 2)):
            assert len(await session.fetch(found, **{"tokens": tokens, "a.not": "b"})) == count
        with pytest.raises(InvalidRequestError, match="tokens"):
            await session.fetch(found, **{"a.not": "b"})

    use(work)


def test_a_function_is_a_column_by_its_label(use: Use) -> None:
    async def work(session: Session) -> None:
        (counted,) = await session.fetch(Statement(select(func.count().label("rows"))))
        assert counted.rows == 1

    use(work)


def test_a_parameter_without_a_value_must_be_given(use: Use) -> None:
    async def work(session: Session) -> None:
        with pytest.raises(KeyError, match="least"):
            await session.fetch(Statement(select(THINGS).where(THINGS.c.id > bindparam("least"))))

    use(work)


def test_a_time_outside_of_utc_is_refused(use: Use) -> None:
    async def work(session: Session) -> None:
        first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
        with pytest.raises(BadUserInputError, match="seen is out of range"):
            await session.fetch(ADD, **{**VALUES, "seen": first})

    use(work)


@on_sqlite
def test_a_stored_value_of_another_type_becomes_an_exception(use: Use, sql: Sql) -> None:
    async def add(session: Session) -> None:
        for _ in range(2):
            await session.fetch(ADD, **VALUES)

    async def read(session: Session) -> None:
        good, bad = await session.fetch(ALL)
        assert {name: good._asdict()[name] for name in VALUES} == VALUES
        unreadable = ("seen", "local", "born", "wakes", "price", "token", "power", "active")
        assert [isinstance(bad._asdict()[name], Exception) for name in unreadable] == [True] * 8
        assert (bad.text, bad.ratio) == (b"x", "x")

    use(add)
    for value in ("'x'", "x'78'"):
        columns = ", ".join(f"{name} = {value}" for name in VALUES)
        sql(f"UPDATE thing SET {columns}, text = x'78', ratio = 'x' WHERE id = 2")  # noqa: S608 (a test's own)
        use(read)
