"""Tables with relations of every kind, and their API."""

from typing import Any
from uuid import UUID, uuid4

import strawberry
import strawberry.pydantic
from sqlalchemy import Connection, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from graph.errors import BadUserInputError
from graph.tables.columns import keyset_indexes
from graph.tables.resource import Resource
from tests.support.tables import schema_of

ran: list[tuple[str, str]] = []
"""The resolvers that ran, in order: each with the name of its row."""


class Tables(SQLModel, registry=registry()):
    """The base class of the models, with metadata of their own."""


class Link(Tables, table=True):
    """Which member is in which team: a many-to-many relation."""

    team_id: UUID | None = Field(default=None, foreign_key="team.id", primary_key=True)
    member_id: int | None = Field(default=None, foreign_key="member.id", primary_key=True)


class TeamBase(SQLModel):
    """A team."""

    name: str = Field(index=True)
    rank: int | None = Field(default=None, index=True)
    captain_id: int | None = Field(default=None, foreign_key="member.id")


class Team(TeamBase, Tables, table=True):
    """The table of teams, with a UUID as its key."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    members: list["Member"] = Relationship(back_populates="teams", link_model=Link)


class TeamCreate(TeamBase):
    """A new team."""


class MemberBase(SQLModel):
    """A member."""

    name: str = Field(index=True)
    age: int | None = Field(default=None, index=True)
    mentor_id: int | None = Field(default=None, foreign_key="member.id", index=True)
    home_id: UUID | None = Field(default=None, foreign_key="team.id")


class Member(MemberBase, Tables, table=True):
    """The table of members."""

    id: int | None = Field(default=None, primary_key=True)
    mentor: "Member" = Relationship(
        back_populates="pupils", sa_relationship_kwargs={"remote_side": "Member.id"}
    )
    pupils: list["Member"] = Relationship(back_populates="mentor")
    teams: list[Team] = Relationship(back_populates="members", link_model=Link)


class MemberCreate(MemberBase):
    """A new member."""


@strawberry.pydantic.type(name="Team")
class TeamType(TeamBase):
    """A team."""

    id: strawberry.ID

    @strawberry.pydantic.field
    def label(self) -> str:
        """The name and the rank."""
        ran.append(("label", self.name))
        return f"{self.name}, {self.rank}"


@strawberry.pydantic.type(name="Member")
class MemberType(MemberBase):
    """A member."""

    id: strawberry.ID

    @strawberry.pydantic.field
    def initial(self) -> str:
        """The first letter of the name."""
        ran.append(("initial", self.name))
        return self.name[0]

    @strawberry.pydantic.field
    def decades(self) -> int | None:
        """Tens of years; who has no age has an error."""
        ran.append(("decades", self.name))
        if self.age is None:
            raise BadUserInputError(f"{self.name} has no age")
        return self.age // 10

    @strawberry.pydantic.field
    def years(self) -> int:
        """The age, which may be null though the type says that it is not."""
        ran.append(("years", self.name))
        return self.age  # type: ignore[return-value] # (on purpose)


TABLES: Any = Tables.metadata.tables
keyset_indexes(TABLES["team"])
keyset_indexes(TABLES["member"])

TEAMS = Resource(Team, TeamType, create=TeamCreate, one="team", many="teams")
MEMBERS = Resource(Member, MemberType, create=MemberCreate, one="member", many="members")

TEAMS.to_many("members", MEMBERS)
TEAMS.to_one("captain", MEMBERS, foreign_key="captain_id")
TEAMS.to_many("guests", MEMBERS, foreign_key="home_id")
MEMBERS.to_many("teams", TEAMS)
MEMBERS.to_one("home", TEAMS, foreign_key="home_id")
MEMBERS.to_one("mentor", MEMBERS)
MEMBERS.to_many("pupils", MEMBERS, most=20)


schema = schema_of(TEAMS, MEMBERS)


def create_tables(connection: Connection) -> None:
    """Create the tables, whose references form a circle.

    On PostgreSQL, SQLAlchemy makes such references by ALTER TABLE, and remembers that of the
    metadata: SQLite, which has no such statement, would then have none.
    """
    copied = MetaData()
    for table in Tables.metadata.tables.values():
        table.to_metadata(copied)
    copied.create_all(connection)
