"""Subscriptions over HTTP, in Apollo's multipart responses."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.http import streams, uvicorn_streams
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.event_stream import subscribed
from tests.support.hero_api import app_of
from tests.support.multipart import parts
from tests.support.served_app import serving
from tests.support.served_schemas import Serve
from tests.support.subscriptions import Subscription, feed

pytestmark = on_sqlite

APOLLO = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
COUNT = "subscription { count }"
FED = "subscription { fed }"


@pytest.fixture
def api(serve_schema: Serve) -> Client:
    feed.forget()
    return serve_schema(subscription=Subscription)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "accept", [APOLLO, 'multipart/mixed; subscriptionSpec="1.0", */*', "text/event-stream;q=0, */*"]
)
def test_a_subscription_is_sent_in_parts(api: Client, method: str, accept: str) -> None:
    with subscribed(api, COUNT, method=method, headers={"accept": accept}) as stream:
        response = stream.response
        assert list(parts(response)) == [
            {"payload": {"data": {"count": number}}} for number in range(3)
        ]
    assert response.status_code == 200
    kind = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
    assert response.headers["content-type"] == kind
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert not {"content-encoding", "content-length", "etag"} & set(response.headers)


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "multipart/mixed, application/json",
        "multipart/mixed;deferSpec=20220824, application/json",
        "multipart/mixed;subscriptionSpec=1.01, application/json",
        "multipart/mixed;subscriptionSpec=1.0;q=0, application/json",
    ],
)
def test_a_client_that_accepts_no_stream_is_told_both(api: Client, accept: str) -> None:
    refused = api.post({"query": COUNT}, headers={"accept": accept})
    assert refused.status_code == 406
    (error,) = refused.json()["errors"]
    assert "text/event-stream, or multipart/mixed with subscriptionSpec=1.0" in error["message"]


def test_server_sent_events_come_first(api: Client) -> None:
    for accept in ("text/event-stream, multipart/mixed", f"text/event-stream,{APOLLO}", "*/*"):
        with subscribed(api, COUNT, headers={"accept": accept}) as stream:
            assert len(list(stream)) == 4


def test_errors_are_in_the_payload(api: Client) -> None:
    headers = {"accept": "multipart/mixed;subscriptionSpec=1.0"}
    with subscribed(api, "subscription { nothing }", headers=headers) as stream:
        (part,) = parts(stream.response)
    assert part.keys() == {"payload"}
    assert part["payload"].keys() == {"errors"}


def test_a_query_of_a_client_that_accepts_parts_alone(api: Client) -> None:
    headers = {"accept": "multipart/mixed;subscriptionSpec=1.0"}
    with subscribed(api, "{ heroes { id } }", headers=headers) as stream:
        assert list(parts(stream.response)) == [{"payload": {"data": {"heroes": []}}}]
    answer = api.post({"query": "{ heroes { id } }"}, headers={"accept": APOLLO})
    assert answer.json() == {"data": {"heroes": []}}


def test_a_silent_stream_has_heartbeats(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    with subscribed(api, FED, headers={"accept": APOLLO}) as stream:
        feed.wait("begun")
        received = parts(stream.response)
        assert [next(received) for _ in range(2)] == [{}, {}]
        feed.push("still there")
        assert next(part for part in received if part) == {
            "payload": {"data": {"fed": "still there"}}
        }
    feed.wait("closed")


def test_a_shutdown_ends_the_response_without_its_last_boundary(
    configure: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_streams, "MAX_END_SECONDS", 0.01)
    settings = configure(shutdown_timeout=60)
    app = app_of(Schema(Query, Mutation, Subscription), settings)
    with ExitStack() as stack:
        url = stack.enter_context(serving(app, settings))
        with Client(url) as api, subscribed(api, FED, headers={"accept": APOLLO}) as stream:
            feed.wait("begun")
            threading.Thread(target=stack.close).start()
            with pytest.raises(EOFError):
                list(parts(stream.response))
            feed.wait("closed")
