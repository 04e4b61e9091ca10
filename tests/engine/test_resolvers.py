"""Resolvers that are synchronous, return own objects, or return an unawaited statement."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission

from graph.engine.context import Info
from graph.hero.queries import Query
from graph.hero.statements import new_hero
from graph.hero.types import Hero
from graph.settings import Settings
from tests.support.databases import on_sqlite
from tests.support.served_schemas import Serve, serving_schemas

pytestmark = on_sqlite


@pytest.fixture
def serve_schema(configure: Callable[..., Settings]) -> Iterator[Serve]:
    with serving_schemas(configure) as serve:
        yield serve


@strawberry.type
class Pair:
    first: int
    second: str | None


@strawberry.type
class Synchronous(Query):
    @strawberry.field
    def pair(self, info: Info, first: int) -> Pair:
        assert info.selects("first")
        return Pair(first=first, second=None)

    @strawberry.field
    def pairs(self, info: Info) -> list[Pair]:
        assert not info.selects("second")
        return [Pair(first=1, second="b")]


def test_a_resolver_may_be_synchronous(serve_schema: Serve) -> None:
    data = serve_schema(Synchronous).data("{ pair(first: 7) { first second } pairs { first } }")
    assert data == {"pair": {"first": 7, "second": None}, "pairs": [{"first": 1}]}


class Anyone(BasePermission):
    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        return True


def added(info: Info) -> Hero:
    """Return an awaitable that adds a hero."""
    row = {"name": "Deadpond", "secret_name": "Dive Wilson", "age": None}
    hero: Hero = info.context.session.one(new_hero(info.columns), **row)
    return hero


@strawberry.type
class Adding:
    @strawberry.mutation
    def plainly(self, info: Info) -> Hero:
        return added(info)

    @strawberry.mutation
    async def later(self, info: Info) -> Hero:
        return added(info)

    @strawberry.mutation(permission_classes=[Anyone])
    async def guarded(self, info: Info) -> Hero:
        return added(info)


@pytest.mark.parametrize("extensions", [[], [SchemaExtension]], ids=["plain", "extended"])
@pytest.mark.parametrize("field", ["plainly", "later", "guarded"])
def test_a_resolver_may_leave_a_statement_to_be_run(
    serve_schema: Serve, field: str, extensions: list[type[SchemaExtension]]
) -> None:
    api = serve_schema(mutation=Adding, extensions=extensions)
    assert api.data(f"mutation {{ {field} {{ id name }} }}") == {
        field: {"id": "1", "name": "Deadpond"}
    }
    assert [hero["id"] for hero in api.heroes()] == ["1"]
