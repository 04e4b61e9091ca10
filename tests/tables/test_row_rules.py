"""A rule on rows holds in every statement of a table, its relations included."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from sqlalchemy import Table
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from graph.app import create_app
from graph.engine.schema import Schema
from graph.settings import Settings
from graph.tables import changes
from graph.tables.columns import keyset_indexes
from graph.tables.resource import Resource
from graph.tables.sql import conditions
from graph.tables.sql.conditions import Condition
from tests.support.client import Client
from tests.support.databases import Sql
from tests.support.event_stream import subscribed
from tests.support.served_app import serving
from tests.support.tables import run

MODELS: Any = registry()


class Tables(SQLModel, registry=MODELS):
    """The base class of the models, with metadata of their own."""


class ClubBase(SQLModel):
    """The columns of both tables."""

    name: str = Field(index=True)
    rank: int = Field(default=1, index=True)


class Badge(Tables, table=True):
    """A link between clubs and fans."""

    club_id: int = Field(foreign_key="club.id", primary_key=True)
    fan_id: int = Field(foreign_key="fan.id", primary_key=True)
    hidden: int | None = None


class Club(ClubBase, Tables, table=True):
    """A table."""

    id: int | None = Field(default=None, primary_key=True)
    hidden: int | None = None
    members: list["Fan"] = Relationship(back_populates="club")
    fans: list["Fan"] = Relationship(link_model=Badge)


class Fan(ClubBase, Tables, table=True):
    """A table that refers to the other one."""

    id: int | None = Field(default=None, primary_key=True)
    hidden: int | None = None
    club_id: int | None = Field(default=None, foreign_key="club.id", index=True)
    club: Club | None = Relationship(back_populates="members")


class New(ClubBase):
    """A new row."""


@strawberry.pydantic.type(name="Club")
class ClubType(ClubBase):
    """A row."""

    id: strawberry.ID


@strawberry.pydantic.type(name="Fan")
class FanType(ClubBase):
    """A row."""

    id: strawberry.ID


for table in MODELS.metadata.tables.values():
    keyset_indexes(table)

CLUBS = Resource(Club, ClubType, create=New, one="club", many="clubs")
FANS = Resource(Fan, FanType, create=New, one="fan", many="fans")
CLUBS.to_many("members", FANS)
CLUBS.to_many("fans", FANS)
FANS.to_one("club", CLUBS)


@strawberry.type
class Query:
    """Root fields that read."""

    club = CLUBS.get_field()
    clubs = CLUBS.page_field()
    clubs_connection = CLUBS.connection_field()
    club_stats = CLUBS.stats_field()
    fans = FANS.page_field()


@strawberry.type
class Mutation:
    """Root fields that write."""

    update_club = CLUBS.update_field()
    update_clubs = CLUBS.update_many_field()
    delete_club = CLUBS.delete_field()
    delete_clubs = CLUBS.delete_many_field()


@strawberry.type
class Subscription:
    """Root fields that follow."""

    club_changes = CLUBS.changes_field()


SCHEMA = Schema(Query, Mutation, Subscription)


def only_shown(table: Table) -> Condition:
    """Rows without a value of `hidden`, and of a rank that is not 666."""
    if "rank" not in table.c:
        return Condition(("null", "hidden"), ())
    return Condition(("and", (("null", "hidden"), ("ne", "rank"))), (666,))


@pytest.fixture(params=[True, False], ids=["compiled", "graphql-core"])
def api(
    request: pytest.FixtureRequest,
    configure: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    sql: Sql,
) -> Iterator[Client]:
    """Two of three clubs are hidden, and so are two of three fans, and one of the links."""
    monkeypatch.setattr(conditions, "rule", only_shown)
    monkeypatch.setattr(changes, "rule", only_shown)
    settings = configure()
    run(settings.database_url, MODELS.metadata.create_all)
    for name in ("club", "fan"):
        sql(f"INSERT INTO {name} (name, rank, hidden) VALUES ('a', 1, NULL), ('b', 2, 1)")  # noqa: S608 (no input)
        sql(f"INSERT INTO {name} (name, rank, hidden) VALUES ('c', 666, NULL), ('d', 4, NULL)")  # noqa: S608 (as above)
    sql("UPDATE fan SET club_id = CASE id WHEN 4 THEN 2 ELSE 1 END")
    sql("INSERT INTO badge (club_id, fan_id, hidden) VALUES (1, 1, NULL), (1, 2, NULL), (1, 4, 1)")
    app = create_app(settings, schema=SCHEMA, fast_execution=request.param)
    with serving(app, settings) as url, Client(url) as client:
        yield client


A, D = {"id": "1"}, {"id": "4"}


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ clubs { id } }", {"clubs": [A, D]}),
        ("{ clubs(offset: 1) { id } }", {"clubs": [D]}),
        ("{ clubs(orderBy: [{field: RANK, direction: DESC}]) { id } }", {"clubs": [D, A]}),
        ("{ clubs(where: {not: {name: {eq: \"a\"}}}) { id } }", {"clubs": [D]}),
        ("{ clubs(where: {or: [{id: {eq: 2}}, {id: {eq: 3}}]}) { id } }", {"clubs": []}),
        ("{ a: club(id: 2) { id } b: club(id: 3) { id } }", {"a": None, "b": None}),
        ("{ clubStats { count rank { min max avg } } }",
         {"clubStats": {"count": 2, "rank": {"min": 1, "max": 4, "avg": 2.5}}}),
        ("{ clubsConnection(first: 1) { nodes { id } totalCount pageInfo { hasNextPage } } }",
         {"clubsConnection": {"nodes": [A], "totalCount": 2, "pageInfo": {"hasNextPage": True}}}),
        ("{ clubsConnection(last: 1) { nodes { id } pageInfo { hasPreviousPage } } }",
         {"clubsConnection": {"nodes": [D], "pageInfo": {"hasPreviousPage": True}}}),
        ("{ clubs(limit: 9) { members { id } fans { id } } }",
         {"clubs": [{"members": [A], "fans": [A]}, {"members": [], "fans": []}]}),
        ("{ fans { name club { id } } }",
         {"fans": [{"name": "a", "club": A}, {"name": "d", "club": None}]}),
        ("{ clubs(where: {members: {name: {eq: \"b\"}}}) { id } }", {"clubs": []}),
        ("{ clubs(where: {fans: {name: {in: [\"b\", \"d\"]}}}) { id } }", {"clubs": []}),
        ("{ fans(where: {club: {rank: {gt: 0}}}) { id } }", {"fans": [A]}),
    ],
)  # fmt: skip
def test_no_query_sees_a_hidden_row(api: Client, query: str, data: Any) -> None:
    assert api.data(query) == data


def test_a_walk_by_cursors_passes_over_hidden_rows(api: Client) -> None:
    page = "{ clubsConnection(first: 1, after: %s) { nodes { id } pageInfo { endCursor } } }"
    first = api.data(page % "null")["clubsConnection"]
    cursor = first["pageInfo"]["endCursor"]
    assert api.data(page % f'"{cursor}"')["clubsConnection"]["nodes"] == [D]


def test_no_mutation_writes_a_hidden_row(api: Client, sql: Sql) -> None:
    before = sql("SELECT * FROM club WHERE id IN (2, 3) ORDER BY id")
    for hidden in (2, 3):
        for field in (
            f'updateClub(id: {hidden}, input: {{ name: "x" }}) {{ id }}',
            f"updateClub(id: {hidden}, input: {{ }}) {{ id }}",
            f'updateClub(id: {hidden}, input: {{ name: "x" }}, expected: {{ rank: 2 }}) {{ id }}',
            f"deleteClub(id: {hidden}) {{ id }}",
        ):
            assert api.codes(f"mutation {{ {field} }}") == ["NOT_FOUND"]
    every = "where: { rank: { gt: 0 } }, atMost: 9"
    updated = api.data(f'mutation {{ updateClubs({every}, input: {{ name: "x" }}) {{ id }} }}')
    assert updated == {"updateClubs": [A, D]}
    sql("DELETE FROM badge")
    sql("UPDATE fan SET club_id = NULL")
    assert api.data(f"mutation {{ deleteClubs({every}) {{ id }} }}") == {"deleteClubs": [A, D]}
    assert sql("SELECT * FROM club ORDER BY id") == before


def test_followers_see_rows_come_and_go(api: Client, sql: Sql) -> None:
    query = "subscription { clubChanges { changes { id old { id } new { id } } } }"
    with subscribed(api, query) as stream:
        stream.next()
        sql("UPDATE club SET name = 'x' WHERE id = 2")
        sql("UPDATE club SET hidden = NULL WHERE id = 2")
        sql("UPDATE club SET rank = 666 WHERE id = 2")
        found: list[Any] = []
        while len(found) < 2:
            found += stream.next().result["data"]["clubChanges"]["changes"]
    b = {"id": "2"}
    assert found == [{**b, "old": None, "new": b}, {**b, "old": b, "new": None}]
