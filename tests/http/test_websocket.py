"""Operations over WebSocket, by the protocol graphql-transport-ws."""

import json
import select
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from graph.engine.schema import Schema
from graph.engine.service import Service
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.http import uvicorn_websocket, websocket
from graph.settings import Settings
from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.event_stream import subscribed
from tests.support.hero_api import app_of
from tests.support.raw_http import connected as connected_raw
from tests.support.served_app import serving
from tests.support.served_schemas import Serve
from tests.support.subscriptions import Subscription, feed
from tests.support.websocket import connected

pytestmark = on_sqlite

Start = Callable[..., Client]
FED = "subscription { fed }"
CREATE = 'mutation Create { createHero(input: {name: "A", secretName: "B"}) { id } }'


@pytest.fixture
def start(serve_schema: Serve) -> Start:
    """Starts a service with subscriptions."""
    feed.forget()

    def start(**options: Any) -> Client:
        return serve_schema(subscription=Subscription, **options)

    return start


def message(type_: str, payload: Any = None, id_: str = "1") -> dict[str, Any]:
    """A message of the service."""
    return {"id": id_, "type": type_} | ({} if payload is None else {"payload": payload})


def test_operations_of_all_kinds(start: Start) -> None:
    with connected(start().url) as ws:
        assert ws.connection.subprotocol == "graphql-transport-ws"
        ws.initialise()
        query = "subscription Count($to: Int!) { count(to: $to) } query Other { heroes { id } }"
        ws.subscribe(query, operationName="Count", variables={"to": 2})
        for number in range(2):
            assert ws.receive() == message("next", {"data": {"count": number}})
        assert ws.receive() == message("complete")
        for query, data in (
            (CREATE, {"createHero": {"id": "1"}}),
            ("{ heroes { name } }", {"heroes": [{"name": "A"}]}),
        ):
            ws.subscribe(query)  # with the same id
            assert ws.receive() == message("next", {"data": data})
            assert ws.receive() == message("complete")


def test_an_operation_has_a_line_at_its_end(
    start: Start, lines: Callable[[], dict[str, Any]]
) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.subscribe(CREATE)
        assert ws.receive()["type"] == "next"
        line = lines()
        assert line.pop("duration_ms") > 0
        assert line == {"operation": "Create", "kind": "mutation", "outcome": "ok", "status": 101}
        ws.subscribe("subscription Bad { nothing }")
        assert lines()["outcome"] == "GRAPHQL_VALIDATION_FAILED"


def test_operations_run_side_by_side(start: Start) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        for id_ in ("a", "b"):
            ws.subscribe(FED, id_)
            feed.wait("begun")
        feed.push("x")
        answers = [ws.receive(), ws.receive()]
        assert [message("next", {"data": {"fed": "x"}}, id_) in answers for id_ in "ab"] == [
            True,
            True,
        ]
        ws.send("complete", id="a")
        feed.wait("closed")
        feed.push("y")
        assert ws.receive() == message("next", {"data": {"fed": "y"}}, "b")
        ws.send("complete", id="unknown")
        feed.push(None)
        feed.wait("closed")
        assert ws.receive() == message("complete", id_="b")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "subscription { nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription {"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "subscription ($to: Int!) { count(to: $to) }"}, "BAD_USER_INPUT"),
        ({"query": "{ heroes { id } }", "operationName": "Other"}, "BAD_REQUEST"),
        ({"query": "{ heroes(limit: 101) { id } heroes { id } }"}, "GRAPHQL_VALIDATION_FAILED"),
        (
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
            "PERSISTED_QUERY_NOT_FOUND",
        ),
    ],
)
def test_an_operation_that_is_not_executed(start: Start, payload: Any, code: str) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.send("subscribe", id="1", payload=payload)
        refused = ws.receive()
        assert refused["type"] == "error"
        assert [error["extensions"]["code"] for error in refused["payload"]] == [code]
        ws.subscribe("{ heroes { id } }")
        assert ws.receive()["type"] == "next"


def test_errors_of_an_execution_are_in_a_result(start: Start) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.subscribe("{ heroes(limit: 101) { id } }")
        result = ws.receive()
        assert result["type"] == "next"
        assert result["payload"]["data"] is None
        assert ws.receive() == message("complete")


def test_a_resolver_that_fails_ends_its_operation(start: Start) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.subscribe(FED)
        feed.wait("begun")
        feed.push(ValueError("secret"))
        feed.wait("closed")
        failed = ws.receive()
        assert failed["type"] == "error"
        assert failed["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_pings_are_answered(start: Start) -> None:
    with connected(start().url) as ws:
        ws.send("ping")
        assert ws.receive() == {"type": "pong"}
        ws.initialise()
        ws.send("pong")
        ws.send("ping", payload={"a": [1]})
        assert ws.receive() == {"type": "pong", "payload": {"a": [1]}}
        ws.connection.ping().wait(30)


INVALID: list[Any] = [
    "{",
    "[]",
    "null",
    b"{}",
    {"type": "nothing"},
    {"type": None},
    {},
    {"type": "start", "id": "1", "payload": {"query": "{ heroes { id } }"}},
    {"type": "subscribe", "payload": {"query": "{ heroes { id } }"}},
    {"type": "subscribe", "id": "", "payload": {"query": "{ heroes { id } }"}},
    {"type": "subscribe", "id": 1, "payload": {"query": "{ heroes { id } }"}},
    {"type": "subscribe", "id": "1"},
    {"type": "subscribe", "id": "1", "payload": {}},
    {"type": "subscribe", "id": "1", "payload": {"query": 1}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ heroes { id } }", "variables": 1}},
    {"type": "complete"},
    {"type": "ping", "payload": 1},
    {"type": "connection_init", "payload": 1},
]


@pytest.mark.parametrize("invalid", INVALID, ids=str)
def test_4400_an_invalid_message(start: Start, invalid: Any) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.connection.send(invalid if isinstance(invalid, str | bytes) else json.dumps(invalid))
        assert ws.closed()[0] == 4400


def test_4400_too_many_operations(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_OPERATIONS", 2)
    with connected(start().url) as ws:
        ws.initialise()
        for number in range(3):
            ws.subscribe(FED, str(number))
        assert ws.closed() == (4400, "More than 2 operations at a time")


def test_4401_an_operation_before_the_acknowledgement(start: Start) -> None:
    with connected(start().url) as ws:
        ws.subscribe(FED)
        assert ws.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize("payload", [{}, {"authorization": "Bearer other"}, {"authorization": 7}])
def test_4403_no_valid_token(start: Start, payload: Any) -> None:
    with connected(start(tokens="ann=t0ken").url) as ws:
        ws.send("connection_init", payload=payload)
        assert ws.closed() == (4403, "Forbidden")


def test_a_token_in_the_payload_or_the_handshake(start: Start) -> None:
    api = start(tokens="ann=t0ken")
    token = "Bearer t0ken"  # noqa: S105 (a test's)
    with connected(api.url) as ws:
        ws.initialise(Authorization=token)
    with connected(api.url, headers={"authorization": token}) as ws:
        ws.initialise()
        ws.subscribe("{ heroes { id } }")
        assert ws.receive()["type"] == "next"
    with connected(api.url, headers={"authorization": token}) as ws:
        ws.send("connection_init", payload={"authorization": "Bearer other"})  # it comes first
        assert ws.closed()[0] == 4403


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
def test_4406_another_subprotocol(start: Start, protocol: str | None) -> None:
    with connected(start().url, protocol=protocol) as ws:
        assert ws.closed() == (4406, "Subprotocol not acceptable")


def test_4408_no_initialisation(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.2)
    api = start()
    with connected(api.url) as ws:
        ws.send("ping")
        assert ws.closed() == (4408, "Connection initialisation timeout")
    with connected(api.url) as ws:
        ws.initialise()
        threading.Event().wait(0.4)
        ws.send("ping")
        assert ws.receive() == {"type": "pong"}


def test_4409_an_id_that_is_in_use(start: Start) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.subscribe(FED)
        feed.wait("begun")
        ws.subscribe(FED)
        assert ws.closed() == (4409, "Subscriber for 1 already exists")
    feed.wait("closed")


def test_4429_two_initialisations(start: Start) -> None:
    with connected(start().url) as ws:
        ws.initialise()
        ws.send("connection_init")
        assert ws.closed() == (4429, "Too many initialisation requests")


def test_4500_a_fault(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def document(*_: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(Service, "document", document)
    with connected(start().url) as ws:
        ws.initialise()
        ws.subscribe(FED)
        assert ws.closed() == (4500, "Internal server error")


def test_1013_too_many_subscriptions(start: Start) -> None:
    api = start(max_subscriptions=3, max_caller_subscriptions=2, tokens="ann=a,bob=b")
    with ExitStack() as stack:
        ws = stack.enter_context(connected(api.url))
        ws.initialise(authorization="Bearer a")
        for id_ in "xy":
            ws.subscribe(FED, id_)
            feed.wait("begun")
        ws.subscribe(FED, "z")  # the others go on
        refused = ws.receive()
        assert (refused["id"], refused["type"]) == ("z", "error")
        assert refused["payload"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        with connected(api.url) as more:
            more.send("connection_init", payload={"authorization": "Bearer a"})
            assert more.closed()[0] == 1013
        bob = stack.enter_context(connected(api.url))
        bob.initialise(authorization="Bearer b")
        with connected(api.url) as more:
            assert more.closed()[0] == 1013
        ws.send("complete", id="x")
        feed.wait("closed")
        with connected(api.url) as more:
            more.initialise(authorization="Bearer b")
            more.subscribe("subscription { count }")
            assert more.receive()["type"] == "next"
    feed.wait("closed")
    with subscribed(api, FED, headers={"authorization": "Bearer a"}):
        feed.wait("begun")
    feed.wait("closed")


def test_1009_a_message_that_is_too_large(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_websocket, "MAX_FRAMES", 10)
    api = start(max_body_bytes=1_000)
    with connected(api.url) as ws:
        ws.initialise()
        ws.subscribe("{ heroes { id } }" + " " * 1_000)
        assert ws.closed()[0] == 1009
    with connected(api.url) as ws:
        ws.initialise()
        with suppress(ConnectionClosed):  # before it has sent all
            ws.connection.send(["{"] + [""] * 20)
        assert ws.closed()[0] == 1009


def test_a_resolver_is_closed_when_its_client_goes(start: Start) -> None:
    api = start()
    with connected(api.url) as ws:
        ws.initialise()
        ws.subscribe(FED)
        feed.wait("begun")
        ws.connection.socket.shutdown(socket.SHUT_RDWR)
        feed.wait("closed")
    with connected(api.url) as ws:
        ws.initialise()
        ws.subscribe(FED)
        feed.wait("begun")
    feed.wait("closed")


def test_a_client_that_does_not_read_is_dropped(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_websocket, "CLOSE_SECONDS", 0.1)
    api = start(request_timeout=1)
    with connected_raw(api.url, narrow=True) as connection:
        connection.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        payload = {"query": "subscription { flood(size: 10000) }"}
        for text in (
            {"type": "connection_init"},
            {"type": "subscribe", "id": "1", "payload": payload},
        ):
            frame = Frame(Opcode.TEXT, json.dumps(text).encode())
            connection.sendall(frame.serialize(mask=True))
        feed.wait("begun")
        asked = 0
        while (what := feed.happened.get(timeout=30)) == "asked":
            asked += 1
        assert what == "closed"
        assert asked < 1_000  # what the systems of both sides take
        reset = select.poll()
        reset.register(connection, select.POLLERR)
        assert reset.poll(30_000)


def test_a_client_that_answers_no_ping_is_dropped(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.http.server.PING_SECONDS", 0.05)
    monkeypatch.setattr("graph.http.server.PONG_SECONDS", 0.05)
    with connected_raw(start().url) as connection:
        connection.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert b"keepalive ping timeout" in received


def test_1012_a_shutdown(
    configure: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_websocket, "MAX_END_SECONDS", 0.01)
    settings = configure(shutdown_timeout=60)
    app = app_of(Schema(Query, Mutation, Subscription), settings)
    with ExitStack() as stack:
        url = stack.enter_context(serving(app, settings))
        with connected(url) as ws:
            ws.initialise()
            ws.subscribe(FED)
            feed.wait("begun")
            stopping = threading.Thread(target=stack.close)
            stopping.start()
            assert ws.closed()[0] == 1012
            feed.wait("closed")
            stopping.join(30)
            assert not stopping.is_alive()


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, None, True),
        ("http://127.0.0.1:{port}", None, True),
        ("https://api.example.org", "api.example.org", True),
        ("https://evil.example", "api.example.org", False),
        ("https://app.example.org", None, True),
        ("https://evil.example", None, False),
        ("null", None, False),
        ("http://127.0.0.1:1", None, False),
    ],
)
def test_pages_of_other_origins_are_refused(
    start: Start, origin: str | None, host: str | None, *, allowed: bool
) -> None:
    api = start(cors_origins="https://app.example.org")
    headers = {"origin": origin.format(port=httpx.URL(api.url).port)} if origin else {}
    if allowed:
        with connected(api.url, host=host, headers=headers) as ws:
            ws.initialise()
        return
    with pytest.raises(InvalidStatus) as refused, connected(api.url, host=host, headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_other_hosts_are_refused(start: Start) -> None:
    api = start(allowed_hosts="127.0.0.1")
    with connected(api.url) as ws:
        ws.initialise()
    with (
        pytest.raises(InvalidStatus) as refused,
        connected(api.url, host="evil.example"),
    ):
        pass
    assert refused.value.response.status_code == 421
