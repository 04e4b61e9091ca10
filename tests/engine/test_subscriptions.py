"""Subscriptions are executed as Strawberry documents them, each event in a session of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest
import strawberry
from sqlalchemy import func, select
from sqlmodel import select as select_models
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission

from graph.database.base import Session
from graph.database.statement import Statement
from graph.engine.context import Info
from graph.errors import ConflictError
from graph.hero.model import HERO, Hero
from tests.support.client import Client
from tests.support.databases import on_sqlite, slow_on_postgresql
from tests.support.event_stream import COMPLETE, next_, subscribed
from tests.support.served_schemas import Serve
from tests.support.subscriptions import Subscription as Basic
from tests.support.subscriptions import feed

COUNT = Statement(select(func.count().label("count")).select_from(HERO))

sessions: list[Session] = []
"""The sessions of resolvers: that of the source, and of the field below each event."""

snapshots: list[Session] = []
"""Those of them that were snapshots."""

hooks: list[str] = []
"""The hooks of the schema extension that ran."""


async def count(info: Info) -> int:
    """How many heroes there are."""
    session = info.context.session
    found = int((await session.fetch(COUNT))[0].count)
    sessions.append(session)
    if session.begun:
        snapshots.append(session)
    return found


class Never(BasePermission):
    message = "Never."

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        return False


class NotTwo(BasePermission):
    message = "Not two."

    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        return bool(source.number != 2)


class Stuck(BasePermission):
    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        await asyncio.Event().wait()
        return True


class Recorder(SchemaExtension):
    """A schema extension that records its hooks."""

    async def on_operation(self) -> AsyncGenerator[None, None]:
        hooks.append("operation")
        yield
        hooks.append("operation ends")

    def on_execute(self) -> Iterator[None]:
        hooks.append("execute")
        yield
        hooks.append("execute ends")

    def on_stream_result(self, result: Any) -> Iterator[None]:
        hooks.append(f"result {result.data}")
        yield


@strawberry.type
class Tick:
    number: int

    @strawberry.field(permission_classes=[NotTwo])
    def guarded(self) -> int | None:
        return self.number

    @strawberry.field
    async def heroes(self, info: Info) -> int:
        return await count(info)

    @strawberry.field
    async def heroes_later(self, info: Info) -> int:
        async with aclosing(feed.events()) as events:
            await anext(events)
        return await count(info)

    @strawberry.field
    def text(self, size: int) -> str:
        return "x" * (size if self.number == 1 else 1)

    @strawberry.field
    async def stuck(self) -> int | None:
        if self.number == 1:
            await asyncio.Event().wait()
        return self.number


@strawberry.type
class Subscription(Basic):
    @strawberry.subscription
    async def ticks(self) -> AsyncGenerator[Tick, None]:
        for number in (1, 2, 3):
            yield Tick(number=number)

    @strawberry.subscription
    async def names(self, info: Info) -> AsyncGenerator[Tick, None]:
        async with aclosing(feed.events()) as events:
            async for number in events:
                await info.context.session.orm.exec(select_models(Hero))
                sessions.append(info.context.session)
                yield Tick(number=number)

    @strawberry.subscription
    async def conflict(self, after: int) -> AsyncGenerator[int, None]:
        for number in range(after):
            yield number
        raise ConflictError("Enough.")

    @strawberry.subscription
    async def fault(self) -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("secret")

    @strawberry.subscription
    async def null(self) -> AsyncGenerator[int, None]:
        yield None  # type: ignore[misc] # (a fault of the resolver)
        yield 1

    @strawberry.subscription
    def no_stream(self) -> AsyncGenerator[int, None]:
        return None  # type: ignore[return-value] # (as above)

    @strawberry.subscription(permission_classes=[Never])
    async def refused(self) -> AsyncGenerator[int, None]:
        yield 1

    @strawberry.subscription(permission_classes=[Stuck])
    async def stuck(self) -> AsyncGenerator[int, None]:
        yield 1


Start = Callable[..., Client]


@pytest.fixture(params=[(), (Recorder,)], ids=["plain", "extended"])
def start(request: pytest.FixtureRequest, serve_schema: Serve) -> Start:
    """Starts a service with subscriptions, without and with a schema extension."""
    feed.forget()
    sessions.clear()
    snapshots.clear()
    hooks.clear()

    def start(**options: Any) -> Client:
        return serve_schema(subscription=Subscription, extensions=[*request.param], **options)

    return start


def results(api: Client, query: str, **variables: Any) -> list[Any]:
    """The results of a subscription, which must be completed."""
    with subscribed(api, query, variables=variables) as stream:
        *events, end = stream
    assert end == COMPLETE
    return [event.result for event in events]


def code_of(result: Any) -> str:
    """The code of the only error of a result."""
    (error,) = result["errors"]
    return str(error["extensions"]["code"])


@on_sqlite
def test_the_results_of_events(start: Start) -> None:
    api = start()
    ticks = "t: ticks { number text(size: 1) @include(if: $with) }"
    query = f"subscription Ticks($with: Boolean!) {{ {ticks} }}"
    assert results(api, query, **{"with": False}) == [
        {"data": {"t": {"number": number}}} for number in (1, 2, 3)
    ]
    assert results(api, query, **{"with": True})[0] == {"data": {"t": {"number": 1, "text": "x"}}}
    assert results(api, "subscription ($to: Int!) { count(to: $to) }", to=0) == []


@on_sqlite
def test_errors_of_a_resolver_end_the_results(start: Start) -> None:
    api = start()
    query = "subscription ($after: Int!) { conflict(after: $after) }"
    (refused,) = results(api, query, after=0)
    assert "data" not in refused
    assert code_of(refused) == "CONFLICT"
    assert refused["errors"][0]["message"] == "Enough."
    *before, last = results(api, query, after=2)
    assert before == [{"data": {"conflict": 0}}, {"data": {"conflict": 1}}]
    assert "data" not in last
    assert code_of(last) == "CONFLICT"
    _, fault = results(api, "subscription { fault }")
    assert code_of(fault) == "INTERNAL_SERVER_ERROR"
    assert "secret" not in str(fault)
    (fault,) = results(api, "subscription { noStream }")
    assert code_of(fault) == "INTERNAL_SERVER_ERROR"


@on_sqlite
def test_errors_of_an_event_do_not(start: Start) -> None:
    api = start()
    first, second, third = results(api, "subscription { ticks { guarded } }")
    assert first == {"data": {"ticks": {"guarded": 1}}}
    assert second["data"] == {"ticks": {"guarded": None}}
    assert second["errors"][0]["path"] == ["ticks", "guarded"]
    assert code_of(second) == "FORBIDDEN"
    assert third == {"data": {"ticks": {"guarded": 3}}}
    null, one = results(api, "subscription { null }")
    assert null["data"] is None
    assert code_of(null) == "INTERNAL_SERVER_ERROR"
    assert one == {"data": {"null": 1}}


@on_sqlite
def test_a_permission_refuses_a_subscription(start: Start) -> None:
    (refused,) = results(start(), "subscription { refused }")
    assert "data" not in refused
    assert code_of(refused) == "FORBIDDEN"
    assert refused["errors"][0]["message"] == "Never."


@on_sqlite
def test_the_limits_of_operations_hold(start: Start) -> None:
    api = start(max_cost=3, max_answer_bytes=100)
    (refused,) = results(api, "subscription { ticks { number guarded heroes stuck } }")
    assert "data" not in refused
    assert code_of(refused) == "OPERATION_TOO_COMPLEX"
    first, second, _ = results(api, "subscription { ticks { text(size: 100) } }")
    assert first["data"] is None
    assert code_of(first) == "OPERATION_TOO_COMPLEX"
    assert second == {"data": {"ticks": {"text": "x"}}}


@on_sqlite
def test_an_event_has_a_timeout(start: Start) -> None:
    first, second, third = results(start(request_timeout=0.2), "subscription { ticks { stuck } }")
    assert first["data"] is None
    assert code_of(first) == "SERVICE_UNAVAILABLE"
    assert second == {"data": {"ticks": {"stuck": 2}}}
    assert third == {"data": {"ticks": {"stuck": 3}}}


@on_sqlite
def test_the_start_of_a_subscription_has_a_timeout(serve_schema: Serve) -> None:
    api = serve_schema(subscription=Subscription, request_timeout=0.2)
    (late,) = results(api, "subscription { stuck }")
    assert code_of(late) == "SERVICE_UNAVAILABLE"


@slow_on_postgresql
def test_each_event_has_a_session_of_its_own_and_none_is_held_while_waiting(start: Start) -> None:
    api = start()
    with subscribed(api, "subscription { names { heroes } }") as stream:
        feed.wait("begun")
        for number in range(3):
            feed.push(number)
            assert stream.next() == next_(data={"names": {"heroes": number}})
            assert not any(session.in_use or session.begun for session in sessions)
            api.create()
    feed.wait("closed")
    assert len(sessions) == 6
    assert len(set(sessions[::2])) == 1
    assert len(set(sessions[1::2])) == 3
    assert not set(sessions[::2]) & set(sessions[1::2])
    assert snapshots == []  # one read needs none


@slow_on_postgresql
def test_an_event_sees_one_state(start: Start) -> None:
    api = start()
    query = "subscription { ticks { heroes heroesLater } }"
    with subscribed(api, query) as stream:
        for number in range(3):
            feed.wait("begun")
            api.create()
            feed.push("go on")
            feed.wait("closed")
            seen = {"heroes": number, "heroesLater": number}
            assert stream.next() == next_(data={"ticks": seen})
            assert not any(session.begun for session in sessions[: 2 * number + 2])
    assert len(set(snapshots)) == 3


@on_sqlite
def test_a_schema_extension_runs_once_a_subscription(serve_schema: Serve) -> None:
    hooks.clear()
    api = serve_schema(subscription=Subscription, extensions=[Recorder])
    assert len(results(api, "subscription { count(to: 2) }")) == 2
    assert hooks == [
        "operation",
        "execute",
        "execute ends",
        "result {'count': 0}",
        "result {'count': 1}",
        "operation ends",
    ]


@on_sqlite
def test_a_read_only_service_has_subscriptions(start: Start) -> None:
    start()  # creates the database
    api = start(read_only=True)
    assert results(api, "subscription { count(to: 1) }") == [{"data": {"count": 0}}]
