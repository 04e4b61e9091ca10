"""`updateHero` changes only the given fields, if the hero is as expected."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graph.database.base import Session
from tests.support.client import CREATE, HERO_FIELDS, Client
from tests.support.databases import WAITING, Sql, held, on_postgresql, transaction
from tests.support.ids import NO_IDS
from tests.support.keyed_requests import codes, send
from tests.support.waiting import wait_until

UPDATE = f"""
mutation Update($id: ID!, $input: UpdateHeroInput!, $expected: UpdateHeroInput) {{
  updateHero(id: $id, input: $input, expected: $expected) {{ {HERO_FIELDS} }}
}}
"""

HERO = {"id": "1", "name": "Deadpond", "age": 28, "secretName": "Dive Wilson"}

UNSTORABLE = [("name", "nul\0nul"), ("secretName", "lone \ud800 surrogate")]

AGES = "SELECT age FROM hero ORDER BY id"


@pytest.fixture
def api(api: Client) -> Client:
    """A service with a hero."""
    assert api.create(age=28) == HERO
    return api


def update(api: Client, **variables: Any) -> Any:
    """Update a hero, by default the first one, and return it."""
    return api.data(UPDATE, **{"id": "1", **variables})["updateHero"]


def refused(api: Client, code: str, **variables: Any) -> str:
    """Check that the mutation fails with the code and changes nothing; return the message."""
    before = api.heroes()
    body = api.execute(UPDATE, **{"id": "1", **variables})
    (error,) = body["errors"]
    assert (body["data"], error["path"]) == (None, ["updateHero"])
    assert error["extensions"]["code"] == code
    assert api.heroes() == before
    return str(error["message"])


def test_only_the_given_fields_change(api: Client) -> None:
    other = api.create("Other")
    hero = HERO
    for change in (
        {"name": "Rusty-Man"},
        {"age": 48},
        {"secretName": "Tommy Sharp"},
        {"age": None},
        {},
        {"name": "é 🦸", "age": 0, "secretName": " padded "},
        {"age": None, "name": "Deadpond"},
    ):
        hero = {**hero, **change}
        assert update(api, input=change) == hero
        assert api.heroes() == [hero, other]


def test_an_absent_variable_leaves_its_field_unchanged(api: Client) -> None:
    query = f"""mutation($name: String, $age: Int, $was: Int) {{
      updateHero(id: 1, input: {{name: $name, age: $age}}, expected: {{age: $was}}) {{
        {HERO_FIELDS}
      }}
    }}"""
    assert api.data(query) == {"updateHero": HERO}
    assert api.data(query, age=3, was=28) == {"updateHero": {**HERO, "age": 3}}
    assert api.data(query, age=None) == {"updateHero": {**HERO, "age": None}}
    assert api.codes(query, name=None) == ["BAD_USER_INPUT"]
    assert api.codes(query, was=3) == ["CONFLICT"]


def test_a_required_field_cannot_be_null(api: Client) -> None:
    for argument in ("input", "expected"):
        for field in ("name", "secretName"):
            arguments: dict[str, Any] = {"input": {"age": 1}, argument: {field: None}}
            message = refused(api, "BAD_USER_INPUT", **arguments)
            assert message == f"Invalid input: {argument}.{field}: must not be null"


def test_invalid_values_are_refused(api: Client) -> None:
    broken = [("name", ""), ("name", " \t\n"), ("secretName", "x" * 201), ("age", -1)]
    for field, value in [*broken, *UNSTORABLE]:
        message = refused(api, "BAD_USER_INPUT", input={field: value})
        assert message.startswith(f"Invalid input: input.{field}: must ")
        assert refused(api, "BAD_USER_INPUT", id="no-such", input={field: value}) == message
        new = {"name": "A", "secretName": "B", field: value}
        (error,) = api.execute(CREATE, input=new)["errors"]
        assert error["message"] == message


def test_all_invalid_values_are_reported(api: Client) -> None:
    message = refused(api, "BAD_USER_INPUT", input={"name": None, "age": -1, "secretName": ""})
    assert message.count("input.") == 3


def test_only_the_given_values_are_validated(api: Client, sql: Sql) -> None:
    sql("UPDATE hero SET name = '', age = -5")
    broken = {**HERO, "name": "", "age": -5, "secretName": "Tommy Sharp"}
    assert update(api, input={"secretName": "Tommy Sharp"}) == broken
    assert update(api, input={"age": 5}) == {**broken, "age": 5}
    assert update(api, input={}) == {**broken, "age": 5}
    refused(api, "BAD_USER_INPUT", input={"name": ""})


def test_a_hero_that_is_not_there_is_not_found(api: Client) -> None:
    for hero_id in ("2", *NO_IDS):
        for change in ({}, {"age": 3}):
            refused(api, "NOT_FOUND", id=hero_id, input=change)
            for expected in (None, {}, {"age": 28}):
                refused(api, "NOT_FOUND", id=hero_id, input=change, expected=expected)


def test_a_hero_with_the_expected_values_is_changed(api: Client) -> None:
    hero = HERO
    whole = [name for name in HERO if name != "id"]
    for change in ({}, {"age": 29}, {"age": None}, {"name": "Rusty-Man"}):
        for names in ([], ["age"], ["name"], whole):
            expected = {name: hero[name] for name in names}
            hero = {**hero, **change}
            assert update(api, input=change, expected=expected) == hero
        assert update(api, input=change, expected=None) == hero


def test_a_hero_with_other_values_is_a_conflict(api: Client) -> None:
    for change in ({}, {"age": 29}, {"age": None}, {"name": "Rusty-Man"}):
        for expected in (
            {"age": 27},
            {"age": None},
            {"age": -1},
            {"name": "deadpond"},
            {"name": ""},
            {"name": "Deadpond", "age": 27},
            {"secretName": "x" * 300},
        ):
            message = refused(api, "CONFLICT", input=change, expected=expected)
            assert message == "the hero no longer has the values that were expected"


def test_null_can_be_expected(api: Client) -> None:
    update(api, input={"age": None})
    refused(api, "CONFLICT", input={"age": 1}, expected={"age": 0})
    assert update(api, input={"age": 1}, expected={"age": None})["age"] == 1
    refused(api, "CONFLICT", input={"age": 2}, expected={"age": None})


def test_invalid_values_can_be_expected(api: Client, sql: Sql) -> None:
    sql("UPDATE hero SET name = ' ', age = -5, secret_name = ''")
    expected = {"name": " ", "age": -5, "secretName": ""}
    assert update(api, input={"age": 5}, expected=expected)["age"] == 5


def test_impossible_values_cannot_be_expected(api: Client) -> None:
    for field, value in UNSTORABLE:
        message = refused(api, "BAD_USER_INPUT", input={"age": 1}, expected={field: value})
        assert message.startswith(f"Invalid input: expected.{field}: must not contain a ")


def test_an_update_is_one_statement(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = []
    fetch = Session.fetch

    async def noted(self: Session, statement: Any, **parameters: object) -> Any:
        words.append(str(statement.clause).split(maxsplit=1)[0])
        return await fetch(self, statement, **parameters)

    monkeypatch.setattr(Session, "fetch", noted)
    update(api, input={"age": 1})
    update(api, input={"age": 2}, expected={"age": 1})
    assert words == ["UPDATE", "UPDATE"]


@pytest.mark.usefixtures("api")
def test_one_of_concurrent_updates_with_the_same_expectation_wins(
    serve: Callable[..., Client], database_url: str, sql: Sql
) -> None:
    apis = [serve(database_timeout=60) for _ in range(2)]

    def win(age: int) -> dict[str, Any]:
        return apis[age % 2].execute(UPDATE, id="1", input={"age": age}, expected={"age": 28})

    lock = "SELECT age FROM hero FOR UPDATE"
    with ThreadPoolExecutor(8) as threads:
        with held(database_url, sql, lock) as waiting:
            answers = [threads.submit(win, age) for age in range(1, 9)]
            wait_until(lambda: waiting(8))
        bodies = [answer.result() for answer in answers]
    won = [body["data"]["updateHero"]["age"] for body in bodies if body["data"]]
    assert sql(AGES) == [(age,) for age in won]
    lost = [body["errors"][0]["extensions"]["code"] for body in bodies if not body["data"]]
    assert lost == ["CONFLICT"] * 7


def test_updates_of_an_operation_commit_together(api: Client, sql: Sql) -> None:
    query = """mutation($was: Int) {
      a: updateHero(id: 1, input: {age: 1}) { age }
      b: updateHero(id: 1, input: {age: 2}, expected: {age: 1}) { age }
      c: updateHero(id: 1, input: {age: 3}, expected: {age: $was}) { age }
    }"""
    body = api.execute(query, was=28)
    assert (body["data"], body["errors"][0]["path"]) == (None, ["c"])
    assert body["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert sql(AGES) == [(28,)]
    assert api.data(query, was=2) == {"a": {"age": 1}, "b": {"age": 2}, "c": {"age": 3}}
    assert sql(AGES) == [(3,)]


def test_the_same_key_gives_the_same_answer(api: Client, sql: Sql) -> None:
    variables = {"id": "1", "input": {"age": 29}, "expected": {"age": 28}}
    first = send(api, {"query": UPDATE, "variables": variables})
    assert first.json() == {"data": {"updateHero": {**HERO, "age": 29}}}
    assert send(api, {"query": UPDATE, "variables": variables}).content == first.content
    other = {"query": UPDATE, "variables": {**variables, "input": {"age": 30}}}
    assert codes(send(api, other)) == ["BAD_USER_INPUT"]
    assert codes(send(api, other, key="another")) == ["CONFLICT"]
    assert sql(AGES) == [(29,)]


def test_the_answers_have_the_same_bytes(api: Client, serve: Callable[..., Client]) -> None:
    thorough = serve(fast_execution=False)
    for variables in (
        {"input": {"age": 3}},
        {"input": {}, "expected": {"age": 3}},
        {"input": {"name": "A", "secretName": "B", "age": None}, "expected": None},
        {"input": {"age": 3}, "expected": {}},
        {"input": {"age": 4}, "expected": {"age": None}},
        {"input": {"age": -1, "name": None}},
        {"input": {"age": 4}, "expected": {"name": "\0"}},
        {"input": {"age": 4}, "id": "7"},
        {"input": {"nome": "x"}},
        {"input": None},
    ):
        request = {"query": UPDATE, "variables": {"id": "1", **variables}}
        assert api.post(request).content == thorough.post(request).content


@on_postgresql
def test_a_hero_that_gets_the_expected_values_meanwhile_is_changed(
    api: Client, database_url: str, sql: Sql
) -> None:
    sql("""CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$""")
    sql("CREATE TRIGGER wait AFTER UPDATE OR DELETE ON hero EXECUTE FUNCTION wait()")
    comes = """SELECT pg_advisory_xact_lock(1);
      UPDATE hero SET age = 1; INSERT INTO hero VALUES (2, 'B', 2, 'b')"""
    for mutation in (
        "updateHero(id: 1, input: { age: 3 }, expected: { age: 1 }) { age }",
        "updateHero(id: 2, input: { age: 3 }) { age }",
        "deleteHero(id: 2) { age }",
    ):
        sql("UPDATE hero SET age = 0")
        sql("DELETE FROM hero WHERE id = 2")
        with ThreadPoolExecutor(1) as threads, transaction(database_url, comes, "COMMIT"):
            answer = threads.submit(api.execute, f"mutation {{ {mutation} }}")
            wait_until(lambda: len(sql(WAITING)) == 1)
        assert "errors" not in answer.result()
