"""Mutations of one statement, which PostgreSQL commits as it runs them: stored or not, for sure."""

from collections.abc import Callable, Iterator
from datetime import date
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest
import strawberry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Enum,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    insert,
)
from sqlalchemy.types import TypeEngine

from graph.database.autocommit import Guard, Leaf
from graph.database.base import Database
from graph.database.statement import Statement
from graph.engine.context import Info
from graph.errors import ConflictError
from graph.hero.mutations import Mutation
from graph.hero.statements import new_hero
from graph.hero.types import Hero
from graph.settings import Settings
from tests.support.client import CREATE, Client
from tests.support.databases import Sql, on_postgresql
from tests.support.postgres_proxy import Proxy
from tests.support.prepared_database import Configure, run
from tests.support.served_schemas import Serve as ServeSchema
from tests.support.served_schemas import serving_schemas

pytestmark = on_postgresql

HERO = {"name": "Deadpond", "age": 7, "secretName": "Dive Wilson"}

ROW = {"name": "Deadpond", "age": 7, "secret_name": "Dive Wilson"}

NAMES = "SELECT name FROM hero ORDER BY id"

CONNECTIONS = """SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""

TRIGGER = """CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {} RETURN NEW; END $$;
CREATE TRIGGER change BEFORE INSERT ON hero FOR EACH ROW EXECUTE FUNCTION change()"""

INCOMPLETE = [
    ("ALTER TABLE hero ALTER name DROP NOT NULL", "NEW.name := NULL;"),
    ("ALTER TABLE hero ALTER age TYPE bigint", "NEW.age := 5000000000;"),
    ("ALTER TABLE hero ALTER age TYPE text", "NEW.age := 'old';"),
    ("ALTER TABLE hero ALTER age TYPE numeric", "NEW.age := 'NaN';"),
]
"""How the table was changed by others, and what a trigger then makes of a row."""

Serve = Callable[..., Client]


@pytest.fixture
def serve_schema(configure: Callable[..., Settings]) -> Iterator[ServeSchema]:
    with serving_schemas(configure) as serve:
        yield serve


def altered(sql: Sql, statements: str) -> None:
    """Run several statements, of which one may have semicolons of its own."""
    sql(f"DO $do$ BEGIN {statements}; END $do$")


@pytest.mark.parametrize(("change", "trigger"), INCOMPLETE)
def test_a_row_that_cannot_be_answered_in_full_is_not_stored(
    serve: Serve, sql: Sql, change: str, trigger: str
) -> None:
    fast, plain = serve(), serve(fast_execution=False)
    fast.create("Before")
    altered(sql, change)
    altered(sql, TRIGGER.format(trigger))
    query = CREATE.replace("{ id ", "{ ")  # of which each attempt takes one
    bodies = [api.execute(query, input=HERO) for api in (fast, plain)]
    for body in bodies:
        body["errors"][0]["extensions"].pop("errorId", None)
    assert bodies[0] == bodies[1]
    assert sql(NAMES) == [("Before",)]


def test_what_a_trigger_makes_of_a_row_is_answered(api: Client, sql: Sql) -> None:
    altered(sql, TRIGGER.format("NEW.name := repeat('\x01', 2000); NEW.age := NULL;"))
    assert api.create()["name"] == "\x01" * 2000
    assert api.create()["age"] is None


@pytest.mark.parametrize("room", [100, 100_000])
def test_nothing_is_stored_where_the_answer_has_no_room(serve: Serve, sql: Sql, room: int) -> None:
    api = serve(max_answer_bytes=room)
    altered(sql, TRIGGER.format(f"NEW.name := repeat('n', {room});"))
    assert api.codes(CREATE, input=HERO) == ["OPERATION_TOO_COMPLEX"]
    assert sql(NAMES) == []


@pytest.mark.parametrize(
    ("type_", "scalar", "value", "committed"),
    [
        (BigInteger(), "ID", 2**40, True),
        (BigInteger(), "Int", 1, False),
        (SmallInteger(), "Int", None, False),
        (Double(), "Float", 0.5, True),
        (Double(), "Float", inf, False),
        (Double(), "Float", nan, False),
        (Boolean(), "Boolean", False, True),
        (Uuid(), "UUID", UUID(int=1), True),
        (Text(), "ID", "n" * 1_000, True),
        (Text(), "ID", "ä" * 501, False),
        (Date(), "Date", date(1, 1, 1), False),
        (Enum("a", "b", name="letter"), "String", "a", False),
    ],
)
def test_what_may_be_committed_before_it_is_answered(
    configure: Configure, type_: TypeEngine[Any], scalar: str, value: object, *, committed: bool
) -> None:
    table = Table("thing", MetaData(), Column("value", type_))
    statement = Statement(insert(table).returning(table.c.value), values=("value",))

    async def work(database: Database) -> None:
        await database.with_lock(table.create)
        session = database.session()
        await session.start()
        guard = Guard((Leaf("value", scalar, required=True),), 0)
        rows = await session.autocommit(statement, {"value": value}, guard)
        await session.close()
        assert (rows is not None and rows.tuples) == (committed and [(value,)])
        assert await database.is_empty(table) != committed

    run(configure, work)


def test_a_refused_row_costs_no_connection(api: Client, sql: Sql) -> None:
    api.create()
    sql("CREATE UNIQUE INDEX ON hero (name)")
    before = sql(CONNECTIONS)
    codes = {code for _ in range(10) for code in api.codes(CREATE, input=HERO)}
    assert codes == {"BAD_USER_INPUT"}
    assert api.create("Other")["name"] == "Other"
    assert before == sql(CONNECTIONS) != []


@pytest.mark.parametrize("after", [True, False], ids=["stored", "lost"])
def test_an_answer_that_never_comes_is_not_known(
    serve: Serve, proxy: Proxy, database_url: str, sql: Sql, *, after: bool
) -> None:
    api = serve(database_url=proxy.url(database_url), request_timeout=0.5, database_timeout=60)
    api.create("Before")
    if after:
        proxy.silent_after = b"Deadpond"
    else:
        proxy.break_at = b"Deadpond"
    (error,) = api.execute(CREATE, input=HERO)["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "not known" in error["message"]
    assert sql(NAMES) == [("Before",), ("Deadpond",)][: 1 + after]


@strawberry.type
class More(Mutation):
    """Resolvers that do more than to return what `one` gave them."""

    @strawberry.mutation
    async def awaited(self, info: Info) -> Hero:
        hero: Hero = await info.context.session.one(new_hero(info.columns), **ROW)
        raise ConflictError(f"not {hero.id}")

    @strawberry.mutation
    async def second(self, info: Info) -> Hero:
        session = info.context.session
        await session.fetch(new_hero(()), **ROW)
        hero: Hero = await session.one(new_hero(info.columns), **ROW)
        return hero

    @strawberry.mutation
    def returned(self, info: Info) -> Hero:
        created: Hero = info.context.session.one(new_hero(info.columns), **ROW)
        return created


def test_what_does_more_is_stored_as_a_whole(serve_schema: ServeSchema, sql: Sql) -> None:
    api = serve_schema(mutation=More)
    assert api.codes("mutation { awaited { id } }") == ["CONFLICT"]
    assert sql(NAMES) == []
    assert api.data("mutation { second { name } }") == {"second": {"name": "Deadpond"}}
    assert len(sql(NAMES)) == 2
    assert api.codes("mutation { returned { id } awaited { id } }") == ["CONFLICT"]
    assert len(sql(NAMES)) == 2
    assert api.data("mutation { returned { name } }") == {"returned": {"name": "Deadpond"}}
    assert len(sql(NAMES)) == 3
