"""The REST app of FastAPI's tutorial "SQL (Relational) Databases"."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query
from sqlmodel import Field, Session, SQLModel, select

from tests.benchmarks.peers.database import engine


class Hero(SQLModel, table=True):
    """A hero, as the tutorial has it."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    age: int | None = Field(default=None, index=True)
    secret_name: str


class HeroUpdate(SQLModel):
    """What is to be changed of a hero."""

    name: str | None = None
    age: int | None = None
    secret_name: str | None = None


def get_session() -> Iterator[Session]:
    """Give each request a session of its own."""
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]

app = FastAPI()


@app.post("/heroes/")
def create_hero(hero: Hero, session: SessionDep) -> Hero:
    """Store a hero."""
    session.add(hero)
    session.commit()
    session.refresh(hero)
    return hero


@app.get("/heroes/")
def read_heroes(
    session: SessionDep,
    offset: int = 0,
    limit: Annotated[int, Query(le=100)] = 100,
) -> Sequence[Hero]:
    """Read a page of heroes."""
    return session.exec(select(Hero).offset(offset).limit(limit)).all()


@app.get("/heroes/{hero_id}")
def read_hero(hero_id: int, session: SessionDep) -> Hero:
    """Read one hero."""
    hero = session.get(Hero, hero_id)
    if not hero:
        raise HTTPException(status_code=404, detail="Hero not found")
    return hero


@app.patch("/heroes/{hero_id}")
def update_hero(hero_id: int, hero: HeroUpdate, session: SessionDep) -> Hero:
    """Change a hero."""
    stored = session.get(Hero, hero_id)
    if not stored:
        raise HTTPException(status_code=404, detail="Hero not found")
    stored.sqlmodel_update(hero.model_dump(exclude_unset=True))
    session.add(stored)
    session.commit()
    session.refresh(stored)
    return stored
