"""`createHeroes` stores all heroes, in order, or none."""

from collections.abc import Callable
from re import sub
from typing import Any

import pytest

from graph.database.base import Session
from tests.support.client import HERO_FIELDS, Client
from tests.support.databases import Sql
from tests.support.keyed_requests import send

CREATE_MANY = f"""
mutation Create($inputs: [CreateHeroInput!]!) {{
  createHeroes(inputs: $inputs) {{ {HERO_FIELDS} }}
}}
"""


def heroes(count: int) -> list[dict[str, Any]]:
    """Inputs with unsorted names."""
    return [
        {"name": f"Hero {n * 37 % 101}", "secretName": str(n)} | ({"age": n} if n % 3 else {})
        for n in range(count)
    ]


def stored(inputs: list[dict[str, Any]], first: int = 1) -> list[dict[str, Any]]:
    """The heroes that these inputs create."""
    return [{"id": str(n), "age": None, **given} for n, given in enumerate(inputs, first)]


def create(api: Client, inputs: list[dict[str, Any]]) -> Any:
    return api.data(CREATE_MANY, inputs=inputs)["createHeroes"]


def refused(api: Client, inputs: list[dict[str, Any]], code: str = "BAD_USER_INPUT") -> str:
    """Check that the mutation fails and stores nothing; return the message."""
    body = api.execute(CREATE_MANY, inputs=inputs)
    (error,) = body["errors"]
    assert (body["data"], error["path"]) == (None, ["createHeroes"])
    assert error["extensions"]["code"] == code
    assert api.heroes() == []
    return str(error["message"])


def test_the_answer_is_in_the_order_of_the_inputs(api: Client) -> None:
    inputs = heroes(100)
    assert create(api, inputs) == stored(inputs)
    assert api.heroes() == stored(inputs)
    assert create(api, inputs[:1]) == stored(inputs[:1], first=101)
    assert create(api, inputs[:7]) == stored(inputs[:7], first=102)


def test_any_fields_may_be_selected(api: Client) -> None:
    inputs = heroes(3)
    for selection in ("name", "secretName age", "__typename", "t: __typename id", "age"):
        query = CREATE_MANY.replace(HERO_FIELDS, selection)
        created = api.data(query, inputs=inputs)["createHeroes"]
        listed = api.data(f"{{ heroes {{ {selection} }} }}")["heroes"]
        assert created == listed[-3:]


def test_it_is_one_statement(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    fetch = Session.fetch

    async def noted(self: Session, statement: Any, **parameters: object) -> Any:
        statements.append(str(statement.clause))
        return await fetch(self, statement, **parameters)

    monkeypatch.setattr(Session, "fetch", noted)
    create(api, heroes(50))
    assert len(statements) == 1
    assert create(api, []) == []
    assert len(statements) == 1


def test_a_hundred_heroes_are_allowed(api: Client) -> None:
    assert refused(api, heroes(101)) == "inputs must be at most 100, not 101"


def test_an_invalid_hero_is_named_and_none_is_stored(api: Client) -> None:
    for change, message in (
        ({"name": ""}, "name: must not be blank"),
        ({"age": -1}, "age: must be from 0 to 2147483647"),
        ({"secretName": "\0"}, "secretName: must not contain a NUL character"),
    ):
        inputs = heroes(5)
        inputs[3] |= change
        assert refused(api, inputs) == f"Invalid input: inputs.3.{message}"
    for hero in ({"name": "A"}, {"name": "A", "secretName": None}, None):
        request = {"query": CREATE_MANY, "variables": {"inputs": [*heroes(3), hero]}}
        (error,) = api.post(request).json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert " at [3]" in error["message"]
    assert api.heroes() == []


def test_a_violated_constraint_stores_none(api: Client, sql: Sql) -> None:
    sql("CREATE UNIQUE INDEX one_of_a_name ON hero (name)")
    message = refused(api, [*heroes(3), *heroes(1)], "CONFLICT")
    assert message == "A value that must be unique is there already."


def test_it_commits_with_the_other_mutations(api: Client) -> None:
    query = f"""mutation($id: ID!, $inputs: [CreateHeroInput!]!) {{
      createHeroes(inputs: $inputs) {{ {HERO_FIELDS} }}
      deleteHero(id: $id) {{ id }}
    }}"""
    body = api.execute(query, id="no-such", inputs=heroes(3))
    assert (body["data"], body["errors"][0]["path"]) == (None, ["deleteHero"])
    assert api.heroes() == []
    old = api.create()["id"]
    data = api.data(query, id=old, inputs=heroes(3))
    assert data["createHeroes"] == api.heroes() == stored(heroes(3), first=int(old) + 1)


def test_the_same_key_gives_the_same_answer(api: Client) -> None:
    request = {"query": CREATE_MANY, "variables": {"inputs": heroes(3)}}
    first = send(api, request)
    assert first.json() == {"data": {"createHeroes": stored(heroes(3))}}
    assert send(api, request).content == first.content
    assert len(api.heroes()) == 3


def test_the_answers_have_the_same_bytes(api: Client, serve: Callable[..., Client]) -> None:
    thorough = serve(fast_execution=False)
    for selection in (HERO_FIELDS, "name", "__typename"):
        query = CREATE_MANY.replace(HERO_FIELDS, selection)
        for inputs in ([], heroes(1), heroes(3), heroes(101), [{"name": "", "secretName": ""}]):
            request = {"query": query, "variables": {"inputs": inputs}}
            answers = [each.post(request).text for each in (api, thorough)]
            fast, slow = [sub('"id":"[0-9]+"', "", answer) for answer in answers]
            assert fast == slow
