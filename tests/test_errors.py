"""Messages of errors: internal ones are masked, quoted values are short."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from graph.errors import MAX_MESSAGE_LENGTH
from tests.support.client import CREATE, Client
from tests.support.databases import Sql, on_sqlite, slow_on_postgresql
from tests.support.response_shape import labelled

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
LONG = "a" * 90_000


@slow_on_postgresql
def test_an_unexpected_error_is_masked_and_logged_once(
    api: Client, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    sql("ALTER TABLE hero RENAME TO elsewhere")
    for query, variables in (("{ heroes { id } }", {}), (CREATE, {"input": HERO})):
        caplog.clear()
        (error,) = api.execute(query, **variables)["errors"]
        error_id = error["extensions"]["errorId"]
        assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "errorId": error_id}
        assert error["message"] == "Internal server error"
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert error_id in record.getMessage()
        assert record.exc_info is not None
        assert "hero" in str(record.exc_info[1])
    assert api.http.get("/ready").status_code == 503
    sql("ALTER TABLE elsewhere RENAME TO hero")
    api.create()
    assert api.http.get("/ready").status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    ("query", "variables", "suggests"),
    [
        ("{ heros { id } }", {}, "heroes"),
        ("{ heroes { nam } }", {}, "name"),
        ("{ heroes(limt: 1) { id } }", {}, "limit"),
        ("{ heroes @skip(iff: true) { id } }", {}, "if"),
        ("fragment F on Her { id }", {}, "Hero"),
        ("query($a: CreateHeroInpt) { __typename }", {}, "CreateHeroInput"),
        (CREATE, {"input": {**HERO, "nme": 1}}, "name"),
        ('mutation { createHero(input: {nme: "a", secretName: "b"}) { id } }', {}, "name"),
    ],
)
def test_names_are_suggested_while_introspection_is_on(
    serve: Callable[..., Client], query: str, variables: dict[str, Any], suggests: str
) -> None:
    for on in (True, False):
        body = serve(introspection=on).execute(query, **variables)
        messages = " ".join(error["message"] for error in body["errors"])
        assert bool(re.search(f"Did you mean .*{suggests}", messages)) == on


@on_sqlite
@pytest.mark.parametrize(
    "query", ["{ __schema { types { name } } }", '{ __type(name: "Hero") { name } }']
)
def test_introspection_can_be_turned_off(serve: Callable[..., Client], query: str) -> None:
    api = serve(introspection=False)
    assert set(api.codes(query)) == {"GRAPHQL_VALIDATION_FAILED"}
    assert api.data("{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize(
    "request_",
    [
        {"query": "{ " + LONG + " }"},
        {"query": "{ hero(" + LONG + ": 1) { id } }"},
        {"query": "{ hero(id: " + LONG + ") { id } }"},
        {"query": "{ heroes(limit: %s) { id } }" % ("9" * 90_000)},
        {"query": "{ heroes(limit: 1e%s) { id } }" % ("9" * 400)},
        {"query": '{ heroes(limit: "' + LONG + '") { id } }'},
        {"query": "{ ..." + LONG + " }"},
        {"query": "{ __typename @" + LONG + " }"},
        {"query": "query($a: " + LONG + ") { __typename }"},
        {"query": "{ __typename }", "operationName": LONG},
        {"query": "query($a: Int!) { heroes(limit: $a) { id } }", "variables": {"a": LONG}},
        {"query": "query($a: Int!) { heroes(limit: $a) { id } }", "variables": {"a": 10**4000}},
        {"query": CREATE, "variables": {"input": {LONG: 1}}},
        {"query": CREATE, "variables": {"input": {f"a{n}": n for n in range(5_000)}}},
    ],
    ids=lambda request_: str(request_)[:60],
)
def test_quoted_values_are_shortened(shared: Client, request_: dict[str, Any]) -> None:
    body = labelled(shared.post(request_))
    for error in body["errors"]:
        assert len(error["message"]) <= MAX_MESSAGE_LENGTH + 1
        assert "sys." not in error["message"]
    assert len(body["errors"]) <= 11


@pytest.mark.parametrize(
    "value", [True, "5", 5.5, 1e30, 2**31, -(2**31) - 1, 10**25, [], {}, [1, 2], {"a": 1}]
)
def test_an_invalid_int_is_refused(shared: Client, value: object) -> None:
    query = "query($a: Int!) { heroes(limit: $a) { id } }"
    assert shared.codes(query, a=value) == ["BAD_USER_INPUT"]


def test_an_int_that_is_written_as_a_float(shared: Client) -> None:
    assert shared.data("query($a: Int!) { heroes(limit: $a) { id } }", a=5.0) == {"heroes": []}


@pytest.mark.parametrize("value", [True, 1.5, None, [1], {"a": 1}])
def test_an_invalid_id_is_refused(shared: Client, value: object) -> None:
    query = "query($a: ID!) { hero(id: $a) { id } }"
    assert shared.codes(query, a=value) == ["BAD_USER_INPUT"]


@slow_on_postgresql
@pytest.mark.parametrize(
    "name", ["", " ", "\0", "a\0b", "\ud800", "\udfffa", "a" * 201, "🦸" * 201, "x" * 90_000]
)
def test_an_invalid_name_is_refused(api: Client, name: str) -> None:
    for field in ("name", "secretName"):
        body = api.execute(CREATE, input={**HERO, field: name})
        (error,) = body["errors"]
        assert body["data"] is None
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert len(error["message"]) < MAX_MESSAGE_LENGTH
    assert api.heroes() == []


@pytest.mark.parametrize(
    "name",
    [
        "a" * 200,
        "🦸" * 200,
        "Robert'); DROP TABLE hero;--",
        "%s %(x)s :name ? $1 {name} \\",
        "<script>alert(1)</script>",
        "e\u0301 \u202e \u200d \ufeff \uffff \x01 \x7f \n\r\t",
        "\U0001d54c\U0001d55f",
    ],
)
def test_a_valid_name_is_stored_unchanged(api: Client, name: str) -> None:
    created = api.create(name)
    assert created["name"] == name
    assert api.heroes() == [created]
