"""One-statement mutations on PostgreSQL: each error says whether the row was stored."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

import pytest
import strawberry
from strawberry.extensions import SchemaExtension

from graph.engine.context import ONE_STATEMENT, Info
from graph.errors import ConflictError
from graph.hero.mutations import Mutation
from graph.hero.types import Hero
from tests.support.client import CREATE, HERO_FIELDS, Client, literal
from tests.support.databases import Sql, on_postgresql
from tests.support.hero_statements import hero_by_key, new_hero
from tests.support.postgres_proxy import Proxy
from tests.support.served_schemas import Serve as ServeSchema

pytestmark = on_postgresql

HERO = {"name": "Deadpond", "age": 7, "secretName": "Dive Wilson"}

ROW = {"name": "Deadpond", "age": 7, "secret_name": "Dive Wilson"}

NAMES = "SELECT name FROM hero ORDER BY id"

CONNECTIONS = """SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""

FUNCTION = """CREATE OR REPLACE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {} RETURN NEW; END $$"""

TRIGGER = f"""{FUNCTION};
CREATE TRIGGER change BEFORE INSERT ON hero FOR EACH ROW EXECUTE FUNCTION change()"""

INCOMPLETE = [
    ("ALTER TABLE hero ALTER name DROP NOT NULL", "NEW.name := NULL;"),
    ("ALTER TABLE hero ALTER age TYPE bigint", "NEW.age := 5000000000;"),
    ("ALTER TABLE hero ALTER age TYPE text", "NEW.age := 'old';"),
    ("ALTER TABLE hero ALTER age TYPE numeric", "NEW.age := 'NaN';"),
]
"""Changes of the table by others, each with the row that a trigger then stores."""

STORED = "The operation was stored."

Serve = Callable[..., Client]


def altered(sql: Sql, statements: str) -> None:
    """Run several statements; a function body may contain semicolons."""
    sql(f"DO $do$ BEGIN {statements}; END $do$")


@pytest.mark.parametrize(("change", "trigger"), INCOMPLETE)
def test_a_row_that_a_trigger_makes_invalid_is_not_stored(
    serve: Serve, sql: Sql, change: str, trigger: str
) -> None:
    fast, plain = serve(), serve(fast_execution=False)
    altered(sql, TRIGGER.format(""))  # a connection that is opened now knows it
    before = CREATE.replace(HERO_FIELDS, "id")  # another statement, or its plan would be invalid
    fast.data(before, input={**HERO, "name": "Before"})
    altered(sql, change)
    altered(sql, FUNCTION.format(trigger))
    query = CREATE.replace("{ id ", "{ ")  # each attempt takes an id
    bodies = [api.execute(query, input=HERO) for api in (fast, plain)]
    for body in bodies:
        (error,) = body["errors"]
        error["extensions"].pop("errorId", None)
        error["message"] = re.sub(r"Hero \d", "Hero", error["message"])
    assert bodies[0] == bodies[1]
    assert STORED not in str(bodies)
    assert sql(NAMES) == [("Before",)]


@pytest.mark.parametrize(("change", "trigger"), INCOMPLETE)
def test_a_row_that_cannot_be_answered_is_said_to_be_stored(
    api: Client, sql: Sql, change: str, trigger: str
) -> None:
    api.create("Before")
    altered(sql, change)
    altered(sql, TRIGGER.format(trigger))  # the open connection does not know it
    body = api.execute(CREATE, input=HERO)
    assert body["data"] is None or body["data"]["createHero"]["age"] is None
    (error,) = body["errors"]
    message = rf"Internal server error: the stored \w+ of Hero 2 is invalid\. {STORED}"
    assert re.fullmatch(message, error["message"])
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["path"][0] == "createHero"
    assert len(sql(NAMES)) == 2


def test_a_row_is_answered_as_a_trigger_stored_it(api: Client, sql: Sql) -> None:
    altered(sql, TRIGGER.format("NEW.name := repeat('\x01', 2000); NEW.age := NULL;"))
    assert api.create()["name"] == "\x01" * 2000
    assert api.create()["age"] is None


@pytest.mark.parametrize("name", ["n", "\x01" * 200, "ä" * 100])
def test_nothing_is_stored_if_the_answer_would_be_too_large(
    serve: Serve, sql: Sql, name: str
) -> None:
    api = serve(max_answer_bytes=50 + len(name))
    selected = "{ a: name b: name secretName id }"
    by_variable = f"mutation($i: CreateHeroInput!) {{ createHero(input: $i) {selected} }}"
    hero = {"name": name, "secretName": "s"}
    assert api.codes(by_variable, i=hero) == ["OPERATION_TOO_COMPLEX"]
    by_literal = f"mutation {{ createHero(input: {literal(hero)}) {selected} }}"
    assert api.codes(by_literal) == ["OPERATION_TOO_COMPLEX"]
    assert sql(NAMES) == []


def test_an_answer_that_a_trigger_makes_too_large_is_said_to_be_stored(
    serve: Serve, sql: Sql
) -> None:
    api = serve(max_answer_bytes=100_000)
    api.create("Before")
    altered(sql, TRIGGER.format("NEW.name := repeat('n', 100000);"))
    (error,) = api.execute(CREATE, input=HERO)["errors"]
    assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"
    assert error["message"] == f"The answer has more than 100000 bytes. {STORED}"
    assert len(sql(NAMES)) == 2


def test_a_refused_row_costs_no_connection(api: Client, sql: Sql) -> None:
    api.create()
    sql("CREATE UNIQUE INDEX ON hero (name)")
    before = sql(CONNECTIONS)
    codes = {code for _ in range(10) for code in api.codes(CREATE, input=HERO)}
    assert codes == {"CONFLICT"}
    assert api.create("Other")["name"] == "Other"
    assert before == sql(CONNECTIONS) != []


@pytest.mark.parametrize("after", [True, False], ids=["stored", "lost"])
def test_a_lost_connection_leaves_the_outcome_unknown(
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


def one_statement(field: Callable[..., Any]) -> Any:
    """A mutation field that is declared to be one statement."""
    return strawberry.mutation(field, metadata={ONE_STATEMENT: True})


@strawberry.type
class More(Mutation):
    """Fields that are declared to be one statement; not all are."""

    @one_statement
    async def once(self, info: Info) -> Hero:
        (hero,) = await info.context.session.fetch_exactly(1, new_hero(info.columns), **ROW)
        return cast("Hero", hero)

    @one_statement
    async def refused(self, info: Info) -> Hero:
        (hero,) = await info.context.session.fetch_exactly(1, new_hero(info.columns), **ROW)
        raise ConflictError(f"not {hero.id}")

    @one_statement
    async def after_a_read(self, info: Info) -> Hero:
        await info.context.session.fetch(hero_by_key(()), key=1)
        (hero,) = await info.context.session.fetch_exactly(1, new_hero(info.columns), **ROW)
        raise ConflictError(f"not {hero.id}")

    @one_statement
    async def twice(self, info: Info) -> Hero:
        for _ in range(2):
            rows = await info.context.session.fetch(new_hero(info.columns), **ROW)
        return cast("Hero", rows[0])

    @one_statement
    async def endless(self, info: Info) -> Hero:
        await info.context.session.fetch(new_hero(()), **ROW)
        await asyncio.Event().wait()
        raise AssertionError

    @strawberry.mutation
    async def plain(self, info: Info) -> Hero:
        (hero,) = await info.context.session.fetch_exactly(1, new_hero(info.columns), **ROW)
        raise ConflictError(f"not {hero.id}")


@pytest.mark.parametrize(
    ("document", "code", "stored"),
    [
        ("mutation { refused { id } }", "CONFLICT", 1),
        ("mutation { twice { id } }", "INTERNAL_SERVER_ERROR", 1),
        ("mutation { endless { id } }", "INTERNAL_SERVER_ERROR", 1),
        ("mutation { plain { id } }", "CONFLICT", 0),
        ("mutation { afterARead { id } }", "CONFLICT", 0),
        ("mutation { once { id } refused { id } }", "CONFLICT", 0),
        ("mutation { refused { __typename ... on Hero { id } } }", "CONFLICT", 1),
    ],
)
def test_an_error_after_the_statement_says_whether_the_row_was_stored(
    serve_schema: ServeSchema, sql: Sql, document: str, code: str, stored: int
) -> None:
    api = serve_schema(mutation=More, request_timeout=0.5)
    body = api.post({"query": document}).json()
    assert body["data"] is None
    (error,) = body["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"].endswith(STORED) == bool(stored)
    assert len(sql(NAMES)) == stored
    assert api.data("mutation { once { name } }") == {"once": {"name": "Deadpond"}}
    assert len(sql(NAMES)) == stored + 1


@pytest.mark.parametrize("extensions", [[], [SchemaExtension]], ids=["key", "extension"])
def test_a_key_and_a_schema_extension_take_a_transaction(
    serve_schema: ServeSchema, sql: Sql, extensions: list[type[SchemaExtension]]
) -> None:
    api = serve_schema(mutation=More, extensions=extensions)
    request: dict[str, Any] = {"query": "mutation { refused { id } }"}
    if not extensions:
        request["extensions"] = {"idempotencyKey": "k"}
    (error,) = api.post(request).json()["errors"]
    assert STORED not in error["message"]
    assert sql(NAMES) == []
