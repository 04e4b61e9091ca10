"""An operation over its timeout is rolled back, on each kind of database."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.settings import Settings
from tests.support.client import CREATE, CREATE_TWO, Client
from tests.support.cluster import Cluster
from tests.support.databases import Sql, on_postgresql, slow_on_postgresql, transaction
from tests.support.hero_api import app_of
from tests.support.hero_statements import new_hero
from tests.support.postgres_proxy import proxy_to
from tests.support.served_app import serving

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]


@strawberry.type
class SlowQuery(Query):
    @strawberry.field
    async def slow(self) -> int:
        await asyncio.Event().wait()
        return 1


@strawberry.type
class SlowMutation(Mutation):
    @strawberry.mutation
    async def slow(self, info: Info) -> int:
        row = {"name": "Slow", "secret_name": "x", "age": None}
        await info.context.session.fetch(new_hero(("id",)), **row)
        await asyncio.Event().wait()
        return 1


@pytest.fixture(params=[(), (SchemaExtension,)], ids=["plain", "extended"])
def slow(request: pytest.FixtureRequest, configure: Callable[..., Settings]) -> Iterator[Client]:
    """A service with endless fields, a short timeout and one connection."""
    schema = Schema(
        query=SlowQuery,
        mutation=SlowMutation,
        config=StrawberryConfig(info_class=Info),
        extensions=request.param,
    )
    settings = configure(request_timeout=0.5, pool_size=1)
    with (
        serving(app_of(schema, settings), settings) as url,
        Client(url) as api,
    ):
        yield api


@slow_on_postgresql
def test_an_operation_over_its_timeout_is_rolled_back(slow: Client, sql: Sql) -> None:
    for query in ("mutation { slow }", "{ slow }", "{ __typename slow heroes { id } }"):
        body = slow.execute(query)
        assert body["data"] is None
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "too long" in error["message"]
    assert sql("SELECT name FROM hero") == []
    slow.create()  # the only connection is free
    assert [hero["name"] for hero in slow.heroes()] == ["Deadpond"]


@slow_on_postgresql
def test_each_operation_of_a_batch_has_its_own_timeout(slow: Client) -> None:
    creation = {"query": CREATE, "variables": {"input": HERO}}
    batch = [creation, {"query": "mutation { slow }"}, {"query": "{ slow }"}, creation]
    first, *slow_ones, last = slow.post(batch).json()
    assert first["data"]["createHero"]["name"] == last["data"]["createHero"]["name"] == "Deadpond"
    for body in slow_ones:
        assert [error["extensions"]["code"] for error in body["errors"]] == UNAVAILABLE
    assert [hero["name"] for hero in slow.heroes()] == ["Deadpond"] * 2


@on_postgresql
def test_a_wait_for_a_lock_is_ended(
    serve: Callable[..., Client], database_url: str, sql: Sql
) -> None:
    api = serve(request_timeout=0.5, database_timeout=60, pool_size=1)
    api.create("Before")
    with transaction(database_url, "LOCK TABLE hero"):
        assert api.codes("{ heroes { id } }") == UNAVAILABLE
        assert api.codes(CREATE, input=HERO) == UNAVAILABLE
    assert sql("SELECT name FROM hero") == [("Before",)]
    api.create("After")


@on_postgresql
def test_a_timeout_during_a_commit_has_an_unknown_outcome(
    serve: Callable[..., Client], cluster: Cluster, database_url: str, sql: Sql
) -> None:
    with proxy_to(cluster.port) as proxy:
        api = serve(database_url=proxy.url(database_url), request_timeout=0.5, database_timeout=60)
        api.create("Before")
        proxy.silent_after = b"COMMIT"
        (error,) = api.execute(CREATE_TWO, input=HERO)["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "not known" in error["message"]
        assert sql("SELECT name FROM hero ORDER BY id") == [("Before",), *[("Deadpond",)] * 2]
