"""The API that `Resource` makes of a table."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from sqlalchemy import Connection, UniqueConstraint, insert
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from graph.app import create_app
from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.model import HERO
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.schema import schema as hero_schema
from graph.hero.subscriptions import Subscription
from graph.hero.types import HEROES
from graph.settings import Settings
from graph.tables.columns import keyset_indexes
from graph.tables.cursors import Cursors
from graph.tables.resource import Resource
from graph.tables.sql.conditions import EVERYTHING, Condition
from graph.tables.sql.segments import Term, total_order
from tests.support.client import Client
from tests.support.hero_statements import page_of_heroes
from tests.support.served_app import serving
from tests.support.served_schemas import Serve, serving_schemas
from tests.support.tables import create_tables, run
from tests.support.tables import schema as tables_schema


class Never(BasePermission):
    """Nobody may."""

    message = "Nobody may do this."

    def has_permission(self, *_: Any, **__: Any) -> bool:
        """Whether anybody may."""
        return False


@strawberry.type(description="The queries of the API.")
class MadeQuery(Query):
    """Its fields are all made by the resource."""

    heroes = HEROES.page_field()
    hero = HEROES.get_field()


@strawberry.type(description="The mutations of the API.")
class MadeMutation(Mutation):
    """Its fields are all made by the resource."""

    create_hero = HEROES.create_field()
    delete_hero = HEROES.delete_field(description="Deletes nothing.", permission_classes=[Never])


@pytest.fixture
def serve_schema(configure: Callable[..., Settings]) -> Iterator[Serve]:
    """Serves a schema."""
    with serving_schemas(configure) as start:
        yield start


def test_a_made_field_is_as_the_written_one(serve_schema: Serve) -> None:
    config = StrawberryConfig(info_class=Info)
    made = Schema(MadeQuery, MadeMutation, Subscription, config=config).as_str()
    made = made.replace("type MadeQuery", "type Query").replace("MadeMutation", "Mutation")
    lines = set(hero_schema.as_str().splitlines()) - {
        '  """Delete a hero, and return it as it was."""'
    }
    assert lines <= set(made.splitlines())
    api = serve_schema(MadeQuery, MadeMutation)
    hero = api.create("Deadpond")
    assert api.data('{ hero(id: "1") { name } heroes { id } }') == {
        "hero": {"name": hero["name"]},
        "heroes": [{"id": "1"}],
    }


def test_the_options_of_a_made_field_are_strawberrys(serve_schema: Serve) -> None:
    api = serve_schema(MadeQuery, MadeMutation)
    api.create()
    (error,) = api.execute('mutation { deleteHero(id: "1") { id } }')["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert '"""Deletes nothing."""' in Schema(query=MadeQuery, mutation=MadeMutation).as_str()


@pytest.fixture
def api(database_url: str, configure: Callable[..., Settings]) -> Iterator[Client]:
    """A service of tables with keys of every kind."""
    create_tables(database_url)
    settings = configure()
    with ExitStack() as stack:
        served = serving(create_app(settings, schema=tables_schema), settings)
        yield stack.enter_context(Client(stack.enter_context(served)))


LINK = "mutation($i: CreateLinkInput!) { createLink(input: $i) { id itemId countryCode year } }"


def test_a_foreign_key_is_an_id(api: Client) -> None:
    item = api.data('mutation { createItem(input: {name: "x"}) { id } }')["createItem"]["id"]
    api.data('mutation { createCountry(input: {name: "x", code: "a,b"}) { id } }')
    link = {"itemId": item, "countryCode": "a,b", "year": 1}
    created = api.data(LINK, i={**link, "name": "x"})["createLink"]
    assert created == {**link, "id": f"{item},a%2Cb,1"}
    for wrong in (item.upper(), "abc", "00000000-0000-0000-0000-000000000000"):
        body = api.execute(LINK, i={**link, "itemId": wrong, "name": "x"})
        assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]
    listed = "query($w: LinkFilter) { links(where: $w) { id } }"
    for where, found in (
        ({"itemId": {"eq": item}}, 1),
        ({"itemId": {"in": [item, "abc"]}}, 1),
        ({"itemId": {"eq": item.upper()}}, 0),
        ({"not": {"itemId": {"eq": "abc"}}}, 1),
        ({"countryCode": {"eq": "a,b"}, "year": {"gte": 1}}, 1),
    ):
        assert len(api.data(listed, w=where)["links"]) == found, where


def test_an_update_never_changes_a_key() -> None:
    text = tables_schema.as_str()
    for name, key in (("Country", "code"), ("Day", "day"), ("Link", "year"), ("Item", "id")):
        start = text.index(f"input Update{name}Input")
        fields = text[start : text.index("\n}", start)]
        assert "name: String" in fields
        assert f" {key}:" not in fields


def test_unique_columns_are_searchable(
    database_url: str, configure: Callable[..., Settings]
) -> None:
    class Models(SQLModel, registry=registry()):
        pass

    class UserBase(SQLModel):
        email: str = Field(unique=True)
        place: int | None = Field(default=None, unique=True)
        shelf: str
        row: int

    class User(UserBase, Models, table=True):
        __table_args__ = (UniqueConstraint("shelf", "row"),)

        id: int | None = Field(default=None, primary_key=True)

    @strawberry.pydantic.type(name="User")
    class UserType(UserBase):
        id: strawberry.ID

    table = Models.metadata.tables["user"]
    keyset_indexes(table)
    assert {index.name for index in table.indexes} == {
        "ix_user_email_and_id",
        "ix_user_place_and_id",
    }
    resource = Resource(User, UserType, create=UserBase, one="user", many="users")

    @strawberry.type
    class Query:
        users = resource.page_field()
        users_connection = resource.connection_field()

    def fill(connection: Connection) -> None:
        Models.metadata.create_all(connection)
        rows = [("b", None, "x"), ("a", 2, "y"), ("B", None, "x"), ("é", 1, "y")]
        connection.execute(
            insert(table),
            [
                {"email": email, "place": place, "shelf": shelf, "row": row}
                for row, (email, place, shelf) in enumerate(rows)
            ],
        )

    run(database_url, fill)
    settings = configure()
    schema = Schema(query=Query, config=StrawberryConfig(info_class=Info))
    assert "  row: IntFilter" not in schema.as_str()
    listed = """query($w: UserFilter, $o: [UserOrder!]) {
      users(where: $w, orderBy: $o) { email } usersConnection(where: $w, orderBy: $o) {
        nodes { email } } }"""
    with serving(create_app(settings, schema=schema), settings) as url, Client(url) as client:
        for where, field, found in (
            ({}, "EMAIL", "B a b é"),
            ({}, "PLACE", "é a b B"),
            ({"email": {"eq": "b"}}, "ID", "b"),
            ({"email": {"startsWith": "B"}}, "EMAIL", "B"),
            ({"place": {"in": [1, 3]}}, "ID", "é"),
            ({"place": {"isNull": True}, "shelf": {"eq": "x"}}, "EMAIL", "B b"),
        ):
            data = client.data(listed, w=where, o=[{"field": field}])
            assert [row["email"] for row in data["users"]] == found.split(), where
            assert data["usersConnection"]["nodes"] == data["users"]


def test_fields_without_a_column_are_refused() -> None:
    class Models(SQLModel, registry=registry()):
        pass

    class PetBase(SQLModel):
        name: str

    class Pet(PetBase, Models, table=True):
        id: int | None = Field(default=None, primary_key=True)

    class PetCreate(PetBase):
        password: str

    @strawberry.pydantic.type
    class PetType(PetBase):
        id: strawberry.ID

    @strawberry.pydantic.type
    class Nicknamed(PetBase):
        nickname: str

    with pytest.raises(TypeError, match=r"^Nicknamed.nickname has no column in the table pet: "):
        Resource(Pet, Nicknamed, create=PetBase, one="pet", many="pets")
    with pytest.raises(TypeError, match=r"^PetCreate.password has no column in the table pet: "):
        Resource(Pet, PetType, create=PetCreate, one="pet", many="pets")


def test_cursors_stay_valid() -> None:
    """These were given out by the first release: clients may keep them."""
    some = Condition(("and", (("eq", "id"), ("in", "name", 2))), (7, "a", "b"))
    rows = page_of_heroes(("age", "id", "name"))
    orders = (
        (total_order(HERO), EVERYTHING),
        (
            total_order(HERO, (Term("age", descending=True), Term("name"))),
            some,
        ),
    )
    given = (
        ("MQM5lzIcg9D6aFs3XQ==", [7]),
        (
            "MSo4K3V9nsm/8FszMCwiRGVhZHBvbmQiLDdd",
            [30, "Deadpond", 7],
        ),
    )
    for (order, condition), (cursor, position) in zip(orders, given, strict=True):
        cursors = Cursors(rows.table, order, condition)
        dialect: Any = type("Dialect", (), {"name": "postgresql"})
        assert cursors.read(cursor, "after", dialect) == position
