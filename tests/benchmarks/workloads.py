"""Requests to the servers: in our GraphQL, in PostGraphile's, and in the REST app's API."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tests.benchmarks.heroes import Row, Truth, invent

Language = Literal["graphql", "postgraphile", "rest"]

PAGE = 100

FIELDS = "id: rowId name age secretName"
"""A hero's fields in PostGraphile's schema."""


class Request(NamedTuple):
    """One HTTP request; an empty body means none."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Workload:
    """A kind of request in each API, with its right answer."""

    name: str
    subject: Callable[[random.Random, int], Any]
    """Draws the subject of a request, given the number of heroes: ids are 1 to that number."""
    graphql: Callable[[Any], Request]
    postgraphile: Callable[[Any], Request] | None
    """None if its schema without plugins has no such field."""
    rest: Callable[[Any], Request] | None
    """None if the tutorial's app has no such path."""
    expected: Callable[[Any, Truth], list[Row]]
    """The heroes that the answer must contain."""

    def asks(self, language: Language) -> Callable[[Any], Request] | None:
        """The request about a subject in an API; None if the API lacks it."""
        asks = {"graphql": self.graphql, "postgraphile": self.postgraphile, "rest": self.rest}
        return asks[language]


def graphql(query: str, **variables: Any) -> Request:
    """A GraphQL request."""
    return Request("POST", "/graphql", json.dumps({"query": query, "variables": variables}))


def page(offset: int) -> Request:
    """Ask for the hundred heroes after the first `offset` ones."""
    return graphql(
        "query Heroes($offset: Int!) "
        "{ heroes(offset: $offset, limit: 100) { id name age secretName } }",
        offset=offset,
    )


def connection(_subject: None) -> Request:
    """Ask for the first hundred heroes, and the cursor that the next ones come after."""
    return graphql(
        "query Connection { heroesConnection(first: 100) "
        "{ nodes { id name age secretName } pageInfo { hasNextPage endCursor } } }"
    )


def filtered(age: int) -> Request:
    """Ask for the hundred youngest heroes of an age or above."""
    return graphql(
        "query Filtered($where: HeroFilter, $orderBy: [HeroOrder!]) "
        "{ heroes(limit: 100, where: $where, orderBy: $orderBy) { id name age secretName } }",
        where={"age": {"gte": age}},
        orderBy=[{"field": "AGE"}],
    )


def one(hero_id: int) -> Request:
    """Ask for one hero."""
    return graphql(
        "query Hero($id: ID!) { hero(id: $id) { id name age secretName } }", id=str(hero_id)
    )


def create(hero: dict[str, Any]) -> Request:
    """Create a hero."""
    return graphql(
        "mutation CreateHero($input: CreateHeroInput!) "
        "{ createHero(input: $input) { id name age secretName } }",
        input=_input(hero),
    )


def update(subject: tuple[int, dict[str, Any]]) -> Request:
    """Change all fields of a hero."""
    hero_id, hero = subject
    return graphql(
        "mutation UpdateHero($id: ID!, $input: UpdateHeroInput!) "
        "{ updateHero(id: $id, input: $input) { id name age secretName } }",
        id=str(hero_id),
        input=_input(hero),
    )


def _input(hero: dict[str, Any]) -> dict[str, Any]:
    return {"name": hero["name"], "age": hero["age"], "secretName": hero["secret_name"]}


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "heroes",
            subject=lambda dice, rows: dice.randint(0, max(0, rows - PAGE)),
            graphql=page,
            postgraphile=lambda offset: graphql(
                f"query Heroes($offset: Int!) "
                f"{{ allHeroes(first: 100, offset: $offset) {{ nodes {{ {FIELDS} }} }} }}",
                offset=offset,
            ),
            rest=lambda offset: Request("GET", f"/heroes/?offset={offset}&limit={PAGE}"),
            expected=lambda offset, truth: truth.page(offset),
        ),
        Workload(
            "connection",
            subject=lambda _dice, _rows: None,
            graphql=connection,
            postgraphile=lambda _: graphql(
                f"query Connection {{ allHeroes(first: 100) "
                f"{{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            ),
            rest=None,
            expected=lambda _, truth: truth.page(0),
        ),
        Workload(
            "filtered",
            subject=lambda dice, _rows: dice.randint(18, 60),
            graphql=filtered,
            postgraphile=None,
            rest=None,
            expected=lambda age, truth: truth.youngest(age),
        ),
        Workload(
            "hero",
            subject=lambda dice, rows: dice.randint(1, rows),
            graphql=one,
            postgraphile=lambda hero_id: graphql(
                f"query Hero($id: Int!) {{ heroByRowId(rowId: $id) {{ {FIELDS} }} }}", id=hero_id
            ),
            rest=lambda hero_id: Request("GET", f"/heroes/{hero_id}"),
            expected=lambda hero_id, truth: truth.rows([hero_id]),
        ),
        Workload(
            "create",
            subject=lambda dice, _rows: invent(dice),
            graphql=create,
            postgraphile=lambda hero: graphql(
                f"mutation CreateHero($input: CreateHeroInput!) "
                f"{{ createHero(input: $input) {{ hero {{ {FIELDS} }} }} }}",
                input={"hero": _input(hero)},
            ),
            rest=lambda hero: Request("POST", "/heroes/", json.dumps(hero)),
            expected=lambda hero, truth: [Row(id=truth.last_id(), **hero)],
        ),
        Workload(
            "update",
            subject=lambda dice, rows: (dice.randint(1, rows), invent(dice)),
            graphql=update,
            postgraphile=lambda subject: graphql(
                f"mutation UpdateHero($input: UpdateHeroByRowIdInput!) "
                f"{{ updateHeroByRowId(input: $input) {{ hero {{ {FIELDS} }} }} }}",
                input={"rowId": subject[0], "heroPatch": _input(subject[1])},
            ),
            rest=lambda subject: Request("PATCH", f"/heroes/{subject[0]}", json.dumps(subject[1])),
            expected=lambda subject, _truth: [Row(id=subject[0], **subject[1])],
        ),
    )
}


def heroes_in(answer: Any) -> list[Row]:
    """The heroes in a decoded answer of any API."""
    if isinstance(answer, dict) and "data" in answer:
        (answer,) = answer["data"].values()
    if isinstance(answer, dict) and "nodes" in answer:
        answer = answer["nodes"]
    elif isinstance(answer, dict) and "hero" in answer:
        answer = answer["hero"]
    heroes = answer if isinstance(answer, list) else [answer]
    return [
        Row(
            int(hero["id"]),
            hero["name"],
            hero["age"],
            hero["secretName"] if "secretName" in hero else hero["secret_name"],
        )
        for hero in heroes
    ]
