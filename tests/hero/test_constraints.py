"""Constraint violations are client errors, with the same message on every database."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    delete,
    insert,
)

from graph.database.base import Database, Session
from graph.database.constraints import FIELDS
from graph.database.statement import Statement
from graph.errors import Constraint, ConstraintError, PublicError
from tests.support.client import CREATE, Client
from tests.support.databases import Sql, on_postgresql
from tests.support.prepared_database import Configure, run

METADATA = MetaData()

TEAMS = Table("team", METADATA, Column("id", Integer, primary_key=True))

MEMBERS = Table(
    "member",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("team_id", ForeignKey("team.id")),
    Column("name", String(5), nullable=False),
    Column("email", String, unique=True),
    Column("age", Integer, CheckConstraint("age >= 0", name="age")),
    Column("share", Numeric(3, 2)),
    info={FIELDS: {"team_id": "teamId", "name": "name", "email": "mail", "age": "age"}},
)

MEMBER = {"id": 1, "team_id": 1, "name": "a", "email": "a", "age": 1, "share": 1}
OTHER = {**MEMBER, "id": 2, "email": "b"}


async def short(session: Session, table: Table, values: dict[str, Any]) -> None:
    await session.fetch(Statement(insert(table).returning(table.c.id), tuple(values)), **values)


async def through_the_orm(session: Session, table: Table, values: dict[str, Any]) -> None:
    await session.orm.exec(insert(table), params=values)


Add = Callable[[Session, Table, dict[str, Any]], Any]


async def started(database: Database) -> Session:
    """A session in a transaction, on a database with a team and a member."""
    await database.with_lock(METADATA.create_all)
    await database.insert(TEAMS, [{"id": 1}])
    await database.insert(MEMBERS, [MEMBER])
    session = database.session()
    session.start()
    return session


def refused(
    configure: Configure, add: Add, values: dict[str, Any], constraint: Constraint, **about: Any
) -> None:
    """Try to add a second member; it must violate the constraint, and the error say so."""

    async def work(database: Database) -> None:
        session = await started(database)
        with pytest.raises(ConstraintError) as caught:
            await add(session, MEMBERS, values)
        await session.close()
        assert caught.value.message == constraint
        code = "CONFLICT" if constraint is Constraint.UNIQUE else "BAD_USER_INPUT"
        said = {"code": code, "constraint": constraint.name, "fields": [], **about}
        assert caught.value.extensions == said
        await database.insert(MEMBERS, [OTHER])  # the connection is still usable

    run(configure, work)


@pytest.mark.parametrize("add", [short, through_the_orm])
@pytest.mark.parametrize(
    ("change", "constraint", "about"),
    [
        ({"team_id": 2}, Constraint.FOREIGN_KEY, {"fields": ["teamId"]}),
        ({"name": None}, Constraint.NOT_NULL, {"fields": ["name"]}),
        ({"email": "a"}, Constraint.UNIQUE, {"fields": ["mail"]}),
        ({"age": -1}, Constraint.CHECK, {"constraintName": "age"}),
    ],
)
def test_a_violated_constraint_is_a_client_error(
    configure: Configure,
    add: Add,
    change: dict[str, Any],
    constraint: Constraint,
    about: dict[str, Any],
) -> None:
    refused(configure, add, {**OTHER, **change}, constraint, **about)


@pytest.mark.parametrize("add", [short, through_the_orm])
def test_an_existing_key_is_an_internal_error(configure: Configure, add: Add) -> None:
    async def work(database: Database) -> None:
        session = await started(database)
        with pytest.raises(Exception, match=r"(?i)unique") as caught:
            await add(session, MEMBERS, {**OTHER, "id": 1})
        await session.close()
        assert not isinstance(caught.value, PublicError)

    run(configure, work)


@on_postgresql
@pytest.mark.parametrize("add", [short, through_the_orm])
@pytest.mark.parametrize("change", [{"name": "longer"}, {"share": 10}])
def test_a_value_out_of_range_is_a_client_error(
    configure: Configure, add: Add, change: dict[str, Any]
) -> None:
    refused(configure, add, {**OTHER, **change}, Constraint.RANGE)


def test_a_row_with_references_is_not_deleted(configure: Configure) -> None:
    async def work(database: Database) -> None:
        session = await started(database)
        gone = Statement(delete(TEAMS).where(TEAMS.c.id == 1).returning(TEAMS.c.id))
        with pytest.raises(ConstraintError, match=Constraint.FOREIGN_KEY):
            await session.fetch(gone)
        await session.close()
        assert not await database.is_empty(TEAMS)

    run(configure, work)


def test_the_client_gets_the_message_and_nothing_is_stored(
    api: Client, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    sql("CREATE UNIQUE INDEX one_of_a_name ON hero (name)")
    hero = {"name": "Deadpond", "secretName": "Dive Wilson"}
    created = api.create(**hero)
    both = "a: createHero(input: $a) { id } b: createHero(input: $b) { id }"
    twice = f"mutation($a: CreateHeroInput!, $b: CreateHeroInput!) {{ {both} }}"
    body = api.execute(twice, a={**hero, "name": "Other"}, b=hero)
    (error,) = body["errors"]
    assert body["data"] is None
    assert error["message"] == "A value that must be unique is there already."
    unique = {"code": "CONFLICT", "constraint": "UNIQUE", "fields": ["name"]}
    assert error["extensions"] == unique
    assert api.codes(CREATE, input=hero) == ["CONFLICT"]
    assert api.heroes() == [created]
    assert not caplog.records
