"""Strawberry on FastAPI with SQLModel, written the obvious way: a session from a dependency."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

import strawberry
from fastapi import Depends, FastAPI
from sqlmodel import Field, Session, SQLModel, select
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
    def heroes(self, info: Info, offset: int = 0, limit: int = 100) -> list[HeroType]:
        """Read a page of heroes."""
        statement = select(Hero).order_by(Hero.id).offset(offset).limit(limit)  # type: ignore[arg-type]  # a column on the class
        return [HeroType.from_row(hero) for hero in info.context["session"].exec(statement)]

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


schema = strawberry.Schema(Query, Mutation)
app = FastAPI()
app.include_router(GraphQLRouter(schema, context_getter=get_context), prefix="/graphql")
