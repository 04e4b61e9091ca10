"""Subscriptions over HTTP, as server-sent events."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn

from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.http import flow, in_progress, streams, uvicorn_streams
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.event_stream import COMPLETE, next_, subscribed
from tests.support.hero_api import app_of
from tests.support.raw_http import connected, read_to_the_end
from tests.support.served_app import serving
from tests.support.served_schemas import Serve
from tests.support.subscriptions import Subscription, feed

pytestmark = on_sqlite

Start = Callable[..., Client]
FED = "subscription { fed }"
COUNTED = [next_(data={"count": number}) for number in range(3)]


@pytest.fixture
def start(serve_schema: Serve) -> Start:
    """Starts a service with subscriptions."""
    feed.forget()

    def start(**options: Any) -> Client:
        return serve_schema(subscription=Subscription, **options)

    return start


def head(query: str) -> bytes:
    """A request for a stream, for a plain socket."""
    body = json.dumps({"query": query}).encode()
    return (
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "accept", ["text/event-stream", "*/*", "text/*;q=0.1", "application/json, text/event-stream"]
)
def test_a_subscription_is_sent_as_events(start: Start, method: str, accept: str) -> None:
    api = start()
    query = "subscription Count($to: Int!) { count(to: $to) }"
    with subscribed(
        api, query, method=method, headers={"accept": accept}, variables={"to": 3}
    ) as stream:
        assert list(stream) == [*COUNTED, COMPLETE]
        headers = stream.response.headers
    assert stream.response.status_code == 200
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-content-type-options"] == "nosniff"
    assert not {"content-encoding", "content-length", "etag"} & set(headers)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count fed }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($to: Int!) { count(to: $to) }", "BAD_USER_INPUT"),
        ("subscription {" + "count " * 1_000 + "}", "OPERATION_TOO_COMPLEX"),
    ],
)
def test_what_fails_before_execution_is_an_event(start: Start, query: str, code: str) -> None:
    with subscribed(start(), query) as stream:
        assert stream.response.status_code == 200
        (event, complete) = list(stream)
    assert "data" not in event.result
    assert event.result["errors"][0]["extensions"]["code"] == code
    assert complete == COMPLETE


def test_what_fails_before_graphql_is_a_status(start: Start) -> None:
    api = start(tokens="ann=t0ken")
    headers = {"accept": "text/event-stream", "authorization": "Bearer t0ken"}
    refused = api.post({"query": "subscription { count }"}, headers={"accept": "text/event-stream"})
    assert refused.status_code == 401
    for body in [{"query": 1}, {}, {"query": "subscription A { count }", "operationName": "B"}]:
        refused = api.post(body, headers=headers)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    with subscribed(api, "subscription { count }", headers=headers) as stream:
        assert len(list(stream)) == 4


def test_a_client_that_accepts_no_stream_is_refused(start: Start) -> None:
    api = start()
    for accept in (
        "application/json",
        "application/graphql-response+json",
        "text/event-stream;q=0, application/json",
    ):
        refused = api.post({"query": "subscription { count }"}, headers={"accept": accept})
        assert refused.status_code == 406
        assert "text/event-stream" in refused.json()["errors"][0]["message"]


def test_a_query_or_mutation_for_a_client_that_accepts_streams_alone(start: Start) -> None:
    api = start()
    create = 'mutation { createHero(input: {name: "A", secretName: "B"}) { id } }'
    with subscribed(api, create) as stream:
        assert list(stream) == [next_(data={"createHero": {"id": "1"}}), COMPLETE]
    with subscribed(api, "{ heroes { name } }", method="GET") as stream:
        assert list(stream) == [next_(data={"heroes": [{"name": "A"}]}), COMPLETE]
        assert "etag" not in stream.response.headers
    for accept in ("text/event-stream, application/json", "*/*", ""):
        answer = api.post({"query": "{ heroes { name } }"}, headers={"accept": accept})
        assert answer.json() == {"data": {"heroes": [{"name": "A"}]}}


def test_a_batch_takes_no_subscription(start: Start) -> None:
    api = start()
    batch = [{"query": "{ heroes { name } }"}, {"query": "subscription { count }"}]
    refused = api.post(batch)
    assert refused.status_code == 400
    assert "A batch takes no subscriptions" in refused.json()["errors"][0]["message"]
    refused = api.post(batch[:1], headers={"accept": "text/event-stream"})
    assert refused.status_code == 406


def test_an_event_has_an_id_which_comes_back(start: Start) -> None:
    api = start()
    with subscribed(api, "subscription { letters { text } }") as stream:
        first, second, third, end = list(stream)
    assert (first.id, second.id, third.id) == ("afterNone", None, "bc")
    assert first.result == {"data": {"letters": {"text": "after None"}}}
    assert end == COMPLETE
    headers = {"last-event-id": third.id or ""}
    with subscribed(api, "subscription { letters { text } }", headers=headers) as stream:
        assert stream.next().id == "afterbc"


def test_a_silent_stream_has_heartbeats_and_outlives_the_timeout_of_requests(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    with subscribed(start(request_timeout=0.1), FED) as stream:
        feed.wait("begun")
        stream.wait_for_comments(6)  # 0.25 seconds
        feed.push("still there")
        assert stream.next() == next_(data={"fed": "still there"})
    feed.wait("closed")


def test_a_resolver_is_closed_when_its_client_goes(start: Start) -> None:
    api = start()
    for goes in (socket.socket.close, lambda connection: connection.shutdown(socket.SHUT_WR)):
        with connected(api.url) as connection:
            connection.sendall(head(FED))
            feed.wait("begun")
            goes(connection)
            feed.wait("closed")


def test_a_resolver_is_closed_when_its_client_goes_on_any_server(
    configure: Callable[..., Settings],
) -> None:
    app = app_of(Schema(Query, Mutation, Subscription), configure())
    with serving(app, config=uvicorn.Config(app, port=0, log_config=None)) as url:
        with connected(url) as connection:
            connection.sendall(head(FED))
            feed.wait("begun")
        feed.wait("closed")


def test_a_page_of_another_origin_gets_events_as_they_come(start: Start) -> None:
    origin = "https://app.example.org"
    api = start(cors_origins=origin)
    with subscribed(api, FED, headers={"origin": origin}) as stream:
        feed.wait("begun")
        feed.push("x")
        assert stream.next() == next_(data={"fed": "x"})
        assert stream.response.headers["access-control-allow-origin"] == origin
    feed.wait("closed")


def test_a_client_that_does_not_read_holds_up_its_resolver_and_is_given_up(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "STEPS", 1_000_000)  # the time of any connection
    api = start(request_timeout=1)
    with connected(api.url, narrow=True) as connection:
        connection.sendall(head("subscription { flood(size: 10000) }"))
        feed.wait("begun")
        asked = 0
        while (what := feed.happened.get(timeout=30)) == "asked":
            asked += 1
        assert what == "closed"
        received = read_to_the_end(connection)
    assert asked < 1_000  # what the systems of both sides take
    assert not received.endswith(b"0\r\n\r\n")


def test_there_is_a_maximum_of_all_subscriptions_and_of_those_of_a_caller(start: Start) -> None:
    api = start(max_subscriptions=3, max_caller_subscriptions=2, tokens="ann=a,bob=b")
    ann, bob = ({"authorization": f"Bearer {token}"} for token in "ab")

    def refusal(headers: dict[str, str]) -> str:
        given = {**headers, "accept": "text/event-stream"}
        answer = api.post({"query": FED}, headers=given)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        return str(error["message"])

    with ExitStack() as stack:
        for headers in (ann, ann):
            stack.enter_context(subscribed(api, FED, headers=headers))
            feed.wait("begun")
        assert "You have 2" in refusal(ann)
        with subscribed(api, FED, headers=bob):
            feed.wait("begun")
            assert "Too many" in refusal(bob)
        feed.wait("closed")
        with subscribed(api, "subscription { count }", headers=bob) as stream:
            assert len(list(stream)) == 4
    for _ in range(2):
        feed.wait("closed")


def test_streams_do_not_count_as_requests_in_progress(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_progress, "MAX_BYTES", 6 * in_progress.REQUEST_BYTES)
    api = start()
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(subscribed(api, FED))
            feed.wait("begun")
        assert api.heroes() == []
    for _ in range(6):
        feed.wait("closed")


def test_a_shutdown_ends_streams_without_completing_them(
    configure: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_streams, "MAX_END_SECONDS", 0.01)
    settings = configure(shutdown_timeout=60)
    app = app_of(Schema(Query, Mutation, Subscription), settings)
    with ExitStack() as stack:
        url = stack.enter_context(serving(app, settings))
        with Client(url) as api, subscribed(api, FED) as stream:
            feed.wait("begun")
            stopping = threading.Thread(target=stack.close)
            stopping.start()
            (event,) = list(stream)
            assert event.retry is not None
            assert 500 <= int(event.retry) <= 3_000
            assert (event.event, event.data) == (None, None)
            feed.wait("closed")
            stopping.join(30)
            assert not stopping.is_alive()


def test_a_stream_has_one_line_at_its_end(
    start: Start, lines: Callable[[], dict[str, Any]]
) -> None:
    api = start()
    with subscribed(api, "subscription Follow { fed }"):
        feed.wait("begun")
        api.heroes()
        assert lines()["kind"] == "query"
    feed.wait("closed")
    line = lines()
    assert line.pop("duration_ms") > 0
    assert line == {"operation": "Follow", "kind": "subscription", "outcome": "ok", "status": 200}
