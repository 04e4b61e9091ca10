"""What clients may read of a table: the fields of its type, and nothing by guessing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from graph.app import create_app
from graph.engine.schema import Schema
from graph.settings import Settings
from graph.tables.columns import keyset_indexes
from graph.tables.resource import Resource
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.served_app import serving
from tests.support.tables import run

Configure = Callable[..., Settings]


class Tables(SQLModel, registry=registry()):
    """The base class of the models, with metadata of their own."""


class MemberBase(SQLModel):
    """The columns that clients read."""

    name: str = Field(index=True)
    api_token: str = Field(default="t", index=True)


class Member(MemberBase, Tables, table=True):
    """A table with columns that clients do not read."""

    id: int | None = Field(default=None, primary_key=True)
    hashed_password: str = Field(index=True)
    backup_secret: str = Field(default="s", index=True)


class MemberCreate(MemberBase):
    """A new row."""

    hashed_password: str


keyset_indexes(Member.__table__)  # type: ignore[attr-defined] # (SQLModel makes it)


class Never(strawberry.BasePermission):
    """Refuses everybody."""

    message = "Nobody may do this."

    def has_permission(self, *_: Any, **__: Any) -> bool:
        """Whether anybody may."""
        return False


@strawberry.pydantic.type(name="Member")
class MemberType(MemberBase):
    """A row."""

    id: strawberry.ID

    @strawberry.pydantic.field(name="backupSecret", permission_classes=[Never])
    def guarded(self) -> str:
        """A field that is guarded."""
        return str(self.backup_secret)  # type: ignore[attr-defined] # (`self` is the row)


def schema(**options: Any) -> Schema:
    """The API of the table."""
    members = Resource(
        Member, MemberType, create=MemberCreate, one="member", many="members", **options
    )

    @strawberry.type
    class Query:
        members_page = members.page_field(name="members")

    @strawberry.type
    class Mutation:
        create_member = members.create_field()
        update_member = members.update_field()

    return Schema(Query, Mutation)


SCHEMA = schema()


@contextmanager
def served(settings: Settings) -> Iterator[Client]:
    """The API over an empty table."""
    run(settings.database_url, Tables.metadata.create_all)
    with serving(create_app(settings, schema=SCHEMA), settings) as url, Client(url) as client:
        yield client


@pytest.mark.parametrize(
    "field",
    [
        "members(where: { hashedPassword: { eq: 1 } })",
        "members(where: { backupSecret: { eq: 1 } })",
        "members(orderBy: [{ field: HASHED_PASSWORD }])",
        "members(orderBy: [{ field: BACKUP_SECRET }])",
    ],
)
@on_sqlite
def test_a_column_that_is_not_read_is_not_searched(configure: Configure, field: str) -> None:
    with served(configure()) as api:
        body = api.post({"query": f"{{ {field} {{ id }} }}"}).json()
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


UPDATE = """mutation($expected: UpdateMemberInput!) {
  updateMember(id: 1, input: { name: "B" }, expected: $expected) { name }
}"""


def test_a_column_that_is_not_read_is_not_guessed(configure: Configure) -> None:
    with served(configure()) as api:
        create = 'createMember(input: { name: "A", hashedPassword: "h" }) { name }'
        api.data(f"mutation {{ {create} }}")
        for guess in ("h", "x"):
            (error,) = api.execute(UPDATE, expected={"hashedPassword": guess})["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert error["message"] == "expected must not have hashed_password"
        api.data(UPDATE, expected={"name": "A", "apiToken": "t"})


@on_sqlite
@pytest.mark.parametrize(
    ("options", "named"), [({}, "Member.apiToken"), ({"public": ("api_token",)}, None)]
)
def test_fields_that_sound_secret_are_named_at_start(
    configure: Configure, caplog: pytest.LogCaptureFixture, options: Any, named: str | None
) -> None:
    caplog.set_level(logging.WARNING, "graph")
    create_app(configure(), schema=schema(**options))
    found = [record.args for record in caplog.records if "sound secret" in record.getMessage()]
    assert found == ([(named,)] if named else [])


@on_sqlite
def test_hero_sounds_not_secret(configure: Configure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "graph")
    create_app(configure())
    assert caplog.records == []


def test_an_unknown_public_field_is_refused() -> None:
    with pytest.raises(TypeError, match="MemberType has no field nothing to be public"):
        schema(public=("nothing",))


def test_the_class_of_a_table_is_no_type() -> None:
    class Others(SQLModel, registry=registry()):
        """The base class of another model."""

    class Flat(Others, table=True):
        """A model in one class."""

        id: int | None = Field(default=None, primary_key=True)
        hashed_password: str

    decorated = strawberry.pydantic.type(Flat)

    @strawberry.pydantic.type
    class Derived(Flat):
        """A class that inherits all columns."""

    for type_ in (decorated, Derived):
        with pytest.raises(TypeError, match="is the class of the table"):
            Resource(Flat, type_, create=MemberCreate, one="flat", many="flats")
