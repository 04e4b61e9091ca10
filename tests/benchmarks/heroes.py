"""The heroes of every server, and the rows that a database really has."""

import itertools
import random
import timeit
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    URL,
    Column,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    create_engine,
    select,
)


class Row(NamedTuple):
    """One hero as stored; age in years."""

    id: int
    name: str
    age: int | None
    secret_name: str


metadata = MetaData()
hero = Table(
    "hero",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("age", Integer, index=True),
    Column("secret_name", String, nullable=False),
)

FIRST = ("Ada", "Ben", "Cleo", "Dive", "Esteban", "Farah", "Gus", "Hana", "Ivo", "Noor", "Zoë")
LAST = ("Alvarez", "Bauer", "Costa", "Diallo", "Evans", "Garcia", "Ito", "Kowal", "O'Neill")
ADJECTIVE = ("Amber", "Brave", "Crimson", "Dusty", "Electric", "Frozen", "Hidden", "Rusty")
NOUN = ("Arrow", "Badger", "Comet", "Falcon", "Hammer", "Lynx", "Man", "Otter", "Storm")


def invent(dice: random.Random) -> dict[str, Any]:
    """Make up a hero: `name`, `age` in years (unknown for one in ten) and `secret_name`."""
    return {
        "name": f"{dice.choice(ADJECTIVE)} {dice.choice(NOUN)} {dice.randrange(1000)}",
        "age": dice.randint(16, 90) if dice.random() < 0.9 else None,
        "secret_name": f"{dice.choice(FIRST)} {dice.choice(LAST)}",
    }


def fill(url: URL, rows: int) -> None:
    """Create the table as SQLModel does, with `rows` heroes whose ids are 1 to `rows`."""
    dice = random.Random(rows)
    heroes = (invent(dice) for _ in range(rows))
    engine = create_engine(url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        while batch := list(itertools.islice(heroes, 10_000)):
            connection.execute(hero.insert(), batch)
    engine.dispose()


@dataclass(frozen=True)
class Truth:
    """The rows of the database at `url`, read by its driver without a server."""

    url: URL

    def rows(self, ids: Iterable[int]) -> list[Row]:
        """Read the heroes that have these ids, in id order."""
        return self._read(select(hero).where(hero.c.id.in_(list(ids))).order_by(hero.c.id))

    def page(self, offset: int) -> list[Row]:
        """Read the 100 heroes after the first `offset` ones, in id order."""
        return self._read(select(hero).order_by(hero.c.id).offset(offset).limit(100))

    def youngest(self, age: int) -> list[Row]:
        """Read the 100 youngest heroes of this age or above, in the order of age and id."""
        statement = select(hero).where(hero.c.age >= age).order_by(hero.c.age, hero.c.id)
        return self._read(statement.limit(100))

    def page_ms(self, offset: int) -> float:
        """Time the database alone at such a page, in ms: the best of ten."""
        statement = select(hero).order_by(hero.c.id).offset(offset).limit(100)
        engine = create_engine(self.url)
        with engine.connect() as connection:
            times = timeit.repeat(lambda: connection.execute(statement).all(), number=1, repeat=10)
        engine.dispose()
        return 1000 * min(times)

    def last_id(self) -> int:
        """Read the id of the newest hero; none was ever deleted, so it counts them too."""
        return self._read(select(hero).order_by(hero.c.id.desc()).limit(1))[0].id

    def _read(self, statement: Select[Any]) -> list[Row]:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = [Row(*row) for row in connection.execute(statement)]
        engine.dispose()
        return rows
