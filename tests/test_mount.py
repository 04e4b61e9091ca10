"""The API mounted in an app that has routes of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from graph.app import App, create_app
from graph.database.base import DatabaseError
from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.schema import schema
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import Sql, on_sqlite
from tests.support.event_stream import next_, subscribed
from tests.support.hero_api import app_of
from tests.support.keyed_requests import KEY, send
from tests.support.prepared_database import set_up
from tests.support.served_app import serving
from tests.support.subscriptions import Subscription, feed
from tests.support.websocket import connected


def mounting(graphql: App, *, starts: bool = True) -> FastAPI:
    """An app with a route of its own, and the API below `/api`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if starts:
            async with graphql.lifespan():
                yield
        else:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/books")
    def books() -> list[str]:
        return ["Emma"]

    app.mount("/api", graphql)
    return app


@on_sqlite
def test_subscriptions_below_the_mount(configure: Callable[..., Settings]) -> None:
    feed.forget()
    graphql = app_of(Schema(Query, Mutation, Subscription), configure())
    with serving(mounting(graphql)) as url, Client(f"{url}/api") as api:
        with subscribed(api, "subscription { fed }") as stream:
            feed.wait("begun")
            feed.push("x")
            assert stream.next() == next_(data={"fed": "x"})
        feed.wait("closed")
        with connected(f"{url}/api") as ws:
            ws.initialise()
            ws.subscribe("subscription { count(to: 1) }")
            assert ws.receive()["payload"] == {"data": {"count": 0}}


def test_the_routes_of_both(
    configure: Callable[..., Settings], database_url: str, sql: Sql
) -> None:
    set_up(database_url)
    sql("DROP TABLE hero_graph_answer")  # the service's own, which no revision need create
    settings = configure()
    with serving(mounting(create_app(settings, schema=schema)), settings) as url:
        assert httpx.get(f"{url}/books").json() == ["Emma"]
        assert httpx.get(f"{url}/api/ready").json() == {"status": "ok"}
        with Client(f"{url}/api") as api:
            api.create("Deadpond")
            send(api)
        unknown = httpx.get(f"{url}/api/elsewhere")
        assert unknown.status_code == 404
        assert unknown.json()["errors"][0]["message"] == "Not Found; the API is at /api/graphql."
        assert httpx.get(f"{url}/graphql").json() == {"detail": "Not Found"}
        root = httpx.get(f"{url}/api", follow_redirects=True, headers={"Accept": "text/html"})
        assert root.url.path == "/api/graphql"
        assert "<title>Heroes" in root.text
    assert sql("SELECT count(*) FROM hero") == [(2,)]
    assert sql("SELECT key FROM hero_graph_answer") == [(KEY,)]


def test_a_table_that_is_not_there_is_not_created(configure: Callable[..., Settings]) -> None:
    graphql = create_app(configure(), schema=schema)

    async def start() -> None:
        async with graphql.lifespan():
            pytest.fail("it was started")

    with pytest.raises(DatabaseError, match="the database has no table hero"):
        asyncio.run(start())


@on_sqlite
def test_the_database_is_closed_at_the_end(
    configure: Callable[..., Settings], database_url: str, tmp_path: Path
) -> None:
    def is_open() -> bool:
        file = str(tmp_path / "database.db")
        links = Path("/proc/self/fd").iterdir()
        return any(str(link.readlink()).startswith(file) for link in links if link.is_symlink())

    set_up(database_url)
    settings = configure()
    with serving(mounting(create_app(settings, schema=schema)), settings) as url:
        with Client(f"{url}/api") as api:
            api.create("Deadpond")
        assert is_open()
    assert not is_open()


@on_sqlite
def test_an_app_that_is_not_started_says_so(
    configure: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    settings = configure()
    app = mounting(create_app(settings, schema=schema), starts=False)
    with serving(app, settings) as url:
        assert httpx.get(f"{url}/api/graphql?query={{__typename}}").status_code == 500
    assert "must enter `lifespan()` of this one" in caplog.text


@on_sqlite
def test_hosts_and_origins_below_a_mount(
    configure: Callable[..., Settings], database_url: str
) -> None:
    set_up(database_url)
    origin = "https://example.org"
    settings = configure(allowed_hosts="127.0.0.1", cors_origins=origin)
    preflight: dict[str, Any] = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    with serving(mounting(create_app(settings, schema=schema)), settings) as url:
        allowed = httpx.options(f"{url}/api/graphql", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == origin
        answer = httpx.post(
            f"{url}/api/graphql", json={"query": "{ __typename }"}, headers={"Origin": origin}
        )
        assert answer.json() == {"data": {"__typename": "Query"}}
        assert answer.headers["access-control-allow-origin"] == origin
        evil = {"Host": "evil.example"}
        assert httpx.get(f"{url}/api/graphql", headers=evil).status_code == 421
        assert httpx.get(f"{url}/books", headers=evil).status_code == 200


@on_sqlite
def test_middleware_of_the_app(configure: Callable[..., Settings], database_url: str) -> None:
    set_up(database_url)
    settings = configure()
    app = mounting(create_app(settings, schema=schema))
    app.add_middleware(CORSMiddleware, allow_origins=["https://example.org"])
    with serving(app, settings) as url:
        answer = httpx.post(
            f"{url}/api/graphql",
            json={"query": "{ heroes { name } }"},
            headers={"Origin": "https://example.org"},
        )
        assert answer.json() == {"data": {"heroes": []}}
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
