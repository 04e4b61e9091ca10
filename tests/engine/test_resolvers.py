"""Synchronous resolvers, and resolvers that return their own objects."""

from collections.abc import Callable, Iterator

import pytest
import strawberry

from graph.engine.context import Info
from graph.hero.queries import Query
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
