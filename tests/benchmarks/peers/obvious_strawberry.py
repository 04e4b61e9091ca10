"""Strawberry on FastAPI with SQLModel, written the obvious way: a session from a dependency."""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Self

import strawberry
from fastapi import Depends, FastAPI
from sqlmodel import Field, Session, SQLModel, col, select
from strawberry.fastapi import GraphQLRouter

from tests.benchmarks.peers.database import engine


class Hero(SQLModel, table=True):
    """A hero, as FastAPI's tutorial has it."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    age: int | None = Field(default=None, index=True)
    secret_name: str


@strawberry.type(name="Hero")
class HeroType:
    """A hero, as the API shows it."""

    id: strawberry.ID
    name: str
    age: int | None
    secret_name: str

    @classmethod
    def from_row(cls, hero: Hero) -> Self:
        """Show a row of the table."""
        return cls(
            id=strawberry.ID(str(hero.id)),
            name=hero.name,
            age=hero.age,
            secret_name=hero.secret_name,
        )


@strawberry.input
class CreateHeroInput:
    """What a new hero needs."""

    name: str
    secret_name: str
    age: int | None = None


@strawberry.input
class UpdateHeroInput:
    """What is to be changed of a hero."""

    name: str | None = strawberry.UNSET
    secret_name: str | None = strawberry.UNSET
    age: int | None = strawberry.UNSET


@strawberry.input
class IntFilter:
    """What holds for a number."""

    gte: int


@strawberry.input
class HeroFilter:
    """Which heroes."""

    age: IntFilter


@strawberry.enum
class HeroOrderField(Enum):
    """By what heroes are ordered."""

    AGE = "age"


@strawberry.input
class HeroOrder:
    """An order of heroes."""

    field: HeroOrderField


@strawberry.type
class PageInfo:
    """Where a page is."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class HeroConnection:
    """A page by cursor, which is the id of the last hero."""

    nodes: list[HeroType]
    page_info: PageInfo


def get_session() -> Iterator[Session]:
    """Give each request a session of its own."""
    with Session(engine) as session:
        yield session


async def get_context(session: Annotated[Session, Depends(get_session)]) -> dict[str, Session]:
    """Hand the session to the resolvers."""
    return {"session": session}


Info = strawberry.Info[dict[str, Any], None]


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    def heroes(
        self,
        info: Info,
        offset: int = 0,
        limit: int = 100,
        where: HeroFilter | None = None,
        order_by: list[HeroOrder] | None = None,
    ) -> list[HeroType]:
        """Read a page of heroes."""
        statement = select(Hero).offset(offset).limit(limit)
        if where:
            statement = statement.where(col(Hero.age) >= where.age.gte)
        for order in order_by or ():
            statement = statement.order_by(getattr(Hero, order.field.value))
        statement = statement.order_by(col(Hero.id))
        return [HeroType.from_row(hero) for hero in info.context["session"].exec(statement)]

    @strawberry.field
    def heroes_connection(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> HeroConnection:
        """Read a page of heroes by cursor."""
        statement = select(Hero).where(col(Hero.id) > int(after or 0)).order_by(col(Hero.id))
        found = info.context["session"].exec(statement.limit(first + 1)).all()
        nodes = [HeroType.from_row(hero) for hero in found[:first]]
        end = str(nodes[-1].id) if nodes else None
        page_info = PageInfo(has_next_page=len(found) > first, end_cursor=end)
        return HeroConnection(nodes=nodes, page_info=page_info)

    @strawberry.field
    def hero(self, info: Info, id: strawberry.ID) -> HeroType | None:  # noqa: A002 - the API's name
        """Read one hero."""
        hero = info.context["session"].get(Hero, int(id))
        return HeroType.from_row(hero) if hero else None


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    def create_hero(self, info: Info, input: CreateHeroInput) -> HeroType:  # noqa: A002 - the API's name
        """Store a hero."""
        session = info.context["session"]
        hero = Hero(name=input.name, secret_name=input.secret_name, age=input.age)
        session.add(hero)
        session.commit()
        session.refresh(hero)
        return HeroType.from_row(hero)

    @strawberry.mutation
    def update_hero(self, info: Info, id: strawberry.ID, input: UpdateHeroInput) -> HeroType:  # noqa: A002 - the API's names
        """Change a hero."""
        session = info.context["session"]
        hero = session.get_one(Hero, int(id))
        for name, value in vars(input).items():
            if value is not strawberry.UNSET:
                setattr(hero, name, value)
        session.commit()
        session.refresh(hero)
        return HeroType.from_row(hero)


schema = strawberry.Schema(Query, Mutation)
app = FastAPI()
app.include_router(GraphQLRouter(schema, context_getter=get_context), prefix="/graphql")
