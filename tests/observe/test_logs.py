"""A log line for each request, with its id, outcome and no values."""

import json
import logging
import re
import signal
from collections.abc import Callable, Iterator
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

import pytest

from graph.errors import logger
from graph.observe import logs
from tests.support.client import CREATE, Client
from tests.support.databases import on_sqlite
from tests.support.service_process import service

pytestmark = on_sqlite

PRIVATE = "Pedro Parqueador"

Lines = Callable[[], dict[str, Any]]


@pytest.fixture
def next_line() -> Iterator[Lines]:
    """Waits for the service's next JSON line, and returns its object."""
    queue = SimpleQueue[logging.LogRecord]()
    handler = QueueHandler(queue)
    handler.setFormatter(logs.JSONFormatter())
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield lambda: json.loads(queue.get(timeout=60).getMessage())
    logger.setLevel(level)
    logger.removeHandler(handler)


def test_a_request_has_one_line(api: Client, next_line: Lines) -> None:
    hero = {"name": "Spider-Boy", "secretName": PRIVATE}
    response = api.post({"query": CREATE, "variables": {"input": hero}})
    line = next_line()
    assert line.pop("duration_ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", line.pop("time"))
    assert line == {
        "level": "info",
        "logger": "graph",
        "message": "request",
        "operation": "Create",
        "kind": "mutation",
        "outcome": "ok",
        "status": 200,
        "request_id": response.headers["x-request-id"],
    }
    api.post({"query": "query Next { __typename }"})
    assert next_line()["operation"] == "Next"


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"query": "{ hero(id: 7) { name } }"}, " query ok 200"),
        ({"query": "{ heroes(limit: 101) { name } }"}, " query BAD_USER_INPUT 200"),
        ({"query": "mutation Go { deleteHero(id: 7) { id } }"}, "Go mutation NOT_FOUND 200"),
        ({"query": "{ nothing }"}, "  GRAPHQL_VALIDATION_FAILED 200"),
        ({"query": "{"}, "  GRAPHQL_PARSE_FAILED 200"),
        ({}, "  BAD_REQUEST 400"),
        (
            [{"query": "query A { __typename }"}, {"query": "query B { hero(id: 1) { no } }"}],
            "A query GRAPHQL_VALIDATION_FAILED 200",
        ),
        (
            [{"query": "query A { __typename }"}, {"query": "mutation B { __typename }"}],
            "A,B query,mutation ok 200",
        ),
        ({"query": f"query {'N' * 200} {{ __typename }}"}, f"{'N' * 100} query ok 200"),
    ],
)
def test_a_line_has_the_outcome(
    serve: Callable[..., Client], next_line: Lines, request_: Any, told: str
) -> None:
    serve(batch_limit=2).post(request_)
    assert "{operation} {kind} {outcome} {status}".format(**next_line()) == told


def test_no_line_has_variables_or_literals(api: Client, next_line: Lines) -> None:
    hero = {"name": PRIVATE, "secretName": PRIVATE}
    api.post({"query": CREATE, "variables": {"input": hero}})
    api.post({"query": f'mutation {{ createHero(input: {{name: "{PRIVATE}"}}) {{ id }} }}'})
    query = f'mutation {{ createHero(input: {{name: "{PRIVATE}", secretName: "x"}}) {{ id }} }}'
    api.post({"query": query, "operationName": PRIVATE})
    api.http.get("/graphql", params={"query": query, "variables": json.dumps(hero)})
    assert PRIVATE not in json.dumps([next_line() for _ in range(4)])


@pytest.mark.parametrize("given", ["a", "0" * 128, "6f0a-4b:c/d+e=f@g_h.i"])
def test_a_valid_request_id_is_kept(api: Client, next_line: Lines, given: str) -> None:
    response = api.post({"query": "{ __typename }"}, headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == next_line()["request_id"] == given


@pytest.mark.parametrize("given", ["", "0" * 129, "a b", 'a"b', "ä"])
def test_an_invalid_request_id_is_replaced(api: Client, next_line: Lines, given: str) -> None:
    headers = {"X-Request-ID": given.encode("latin-1")}
    ids = set()
    for _ in range(2):
        response = api.post({"query": "{ __typename }"}, headers=headers)
        made = response.headers["x-request-id"]
        assert next_line()["request_id"] == made
        ids.add(made)
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", made) for made in ids)


def test_the_line_of_an_error_has_the_requests_id(
    api: Client, next_line: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("graph.engine.service.Service._transact", fail)
    response = api.post({"query": "{ heroes { id } }"}, headers={"X-Request-ID": "mine"})
    [error] = response.json()["errors"]
    unexpected, request = next_line(), next_line()
    assert unexpected["level"] == "error"
    assert unexpected["request_id"] == request["request_id"] == "mine"
    assert error["extensions"]["errorId"] in unexpected["message"]
    assert unexpected["exception"].endswith("\nRuntimeError")
    assert request["outcome"] == "INTERNAL_SERVER_ERROR"


@pytest.mark.usefixtures("database_url")
def test_a_line_is_valid_json_whatever_it_contains() -> None:
    text = "\ud800\n\0"
    record = logger.makeRecord("graph", logging.ERROR, "", 0, "%s", (text,), None)
    assert json.loads(logs.JSONFormatter().format(record))["message"] == text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "level"), [("text", "INFO"), ("json", "info"), ("json", "warning")]
)
def test_the_settings_choose_format_and_level(
    database_url: str, capfd: pytest.CaptureFixture[str], form: str, level: str
) -> None:
    with service(database_url, log_format=form, log_level=level) as running:
        client = Client(running.url)
        with client.http:
            client.post({"query": "query Page { __typename }"})
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)
    written = capfd.readouterr().err
    if level == "warning":
        assert not written
    elif form == "json":
        assert json.loads(written)["operation"] == "Page"
    else:
        assert "+00:00 INFO graph: request operation=Page kind=query outcome=ok " in written
