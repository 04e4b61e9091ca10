"""A root field that runs several statements reads one state, despite writes between them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from graph.database.base import Session
from graph.database.statement import Rows, Statement
from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.queries import Query
from graph.hero.types import Hero
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import Sql
from tests.support.hero_api import app_of
from tests.support.hero_statements import hero_by_key, page_of_heroes
from tests.support.served_app import serving

HEROES = """INSERT INTO hero (name, age, secret_name) VALUES
('A', 30, ''), ('B', NULL, ''), ('C', 7, ''), ('D', 30, ''),
('E', 50, ''), ('F', 12, ''), ('G', 30, ''), ('H', 7, '')
RETURNING id"""

TOGGLE = "UPDATE hero SET age = CASE WHEN age IS NULL THEN 50 END WHERE id = 5 RETURNING id"


class Interrupted:
    """A session that lets another writer commit after each of its statements."""

    def __init__(self, session: Session, write: Callable[[], object]) -> None:
        self._session = session
        self._write = write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def fetch(self, statement: Statement, **parameters: object) -> Rows:
        rows = await self._session.fetch(statement, **parameters)
        await asyncio.to_thread(self._write)
        return rows


async def age(info: Info, hero_id: int) -> int | None:
    (row,) = await info.context.session.fetch(hero_by_key(("age",)), key=hero_id)
    found: int | None = row.age
    return found


class AsksForAge(BasePermission):
    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        ages.append(await age(info, 5))
        return True


ages: list[int | None] = []


@strawberry.pydantic.type
class Reread(Hero):
    @strawberry.pydantic.field
    async def age_again(self, info: Info) -> int | None:
        return await age(info, int(self.id))


@strawberry.type
class Queries(Query):
    @strawberry.field
    async def rereads(self, info: Info) -> Sequence[Reread]:
        return await page_of_heroes(info.columns).fetch(info.context.session, 100)

    @strawberry.field(permission_classes=[AsksForAge])  # type: ignore[untyped-decorator] # (Strawberry's)
    async def guarded_age(self, info: Info) -> int | None:
        return await age(info, 5)


@pytest.fixture
def interrupted(configure: Callable[..., Settings], sql: Sql) -> Iterator[Client]:
    """A service whose hero 5 gets or loses its age after each statement."""

    class Interrupting(SchemaExtension):
        def on_execute(self) -> Iterator[None]:
            context = self.execution_context.context
            context.session = Interrupted(context.session, lambda: sql(TOGGLE))
            yield

    ages.clear()
    schema = Schema(Queries, config=StrawberryConfig(info_class=Info), extensions=[Interrupting])
    app = app_of(schema, configure())
    with serving(app) as url, Client(url) as api:
        sql(HEROES)
        yield api


ORDERS = [
    {"field": "AGE", "direction": direction, "nulls": nulls}
    for direction in ("ASC", "DESC")
    for nulls in ("FIRST", "LAST")
]


@pytest.mark.parametrize("order", ORDERS)
def test_no_page_misses_a_hero_or_has_it_twice(interrupted: Client, order: dict[str, str]) -> None:
    by = [order]
    query = """query($by: [HeroOrder!], $offset: Int!) {
        heroes(orderBy: $by, offset: $offset) { id } }"""
    for _ in range(2):
        for offset in (0, 1, 6):
            found = interrupted.data(query, by=by, offset=offset)["heroes"]
            assert len({hero["id"] for hero in found}) == len(found) == 8 - offset
    query = """query($by: [HeroOrder!], $after: String) {
        heroesConnection(orderBy: $by, after: $after) { edges { cursor node { id } } } }"""
    for _ in range(2):
        edges = interrupted.data(query, by=by)["heroesConnection"]["edges"]
        assert sorted(int(edge["node"]["id"]) for edge in edges) == [*range(1, 9)]
        # Hero 4 has the same age as two others.
        at = next(index for index, edge in enumerate(edges) if edge["node"]["id"] == "4")
        found = interrupted.data(query, by=by, after=edges[at]["cursor"])["heroesConnection"]
        ids = {edge["node"]["id"] for edge in found["edges"]}
        others = {edge["node"]["id"] for edge in edges[at + 1 :]}
        assert len(ids) == len(found["edges"])
        assert ids - {"5"} == others - {"5"}


def test_resolvers_below_a_root_field_read_its_state(interrupted: Client) -> None:
    for _ in range(2):
        for hero in interrupted.data("{ rereads { age ageAgain } }")["rereads"]:
            assert hero["age"] == hero["ageAgain"]


def test_permissions_read_the_same_state(interrupted: Client) -> None:
    for _ in range(2):
        assert interrupted.data("{ guardedAge }")["guardedAge"] == ages[-1]
