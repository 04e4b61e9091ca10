"""What is asked of the servers, in GraphQL and as the tutorial's REST app wants it."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tests.benchmarks.heroes import Row, Truth, invent

Language = Literal["graphql", "rest"]

PAGE = 100


class Request(NamedTuple):
    """One HTTP request; an empty body means none."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Workload:
    """A kind of request, the same thing asked in both languages, and the right answer to it."""

    name: str
    subject: Callable[[random.Random, int], Any]
    """Draws what a request is about, given the number of heroes: ids are 1 to that number."""
    graphql: Callable[[Any], Request]
    rest: Callable[[Any], Request]
    expected: Callable[[Any, Truth], list[Row]]
    """The heroes that the answer must have once the server has given it."""

    def request(self, language: Language, subject: Any) -> Request:
        """Ask about `subject`."""
        return self.graphql(subject) if language == "graphql" else self.rest(subject)


def graphql(query: str, **variables: Any) -> Request:
    """Ask in GraphQL."""
    return Request("POST", "/graphql", json.dumps({"query": query, "variables": variables}))


def page(offset: int) -> Request:
    """Ask for the hundred heroes after the first `offset` ones."""
    return graphql(
        "query Heroes($offset: Int!) "
        "{ heroes(offset: $offset, limit: 100) { id name age secretName } }",
        offset=offset,
    )


def one(hero_id: int) -> Request:
    """Ask for one hero."""
    return graphql(
        "query Hero($id: ID!) { hero(id: $id) { id name age secretName } }", id=str(hero_id)
    )


def create(hero: dict[str, Any]) -> Request:
    """Have a hero stored."""
    return graphql(
        "mutation CreateHero($input: CreateHeroInput!) "
        "{ createHero(input: $input) { id name age secretName } }",
        input={"name": hero["name"], "age": hero["age"], "secretName": hero["secret_name"]},
    )


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "heroes",
            subject=lambda dice, rows: dice.randint(0, max(0, rows - PAGE)),
            graphql=page,
            rest=lambda offset: Request("GET", f"/heroes/?offset={offset}&limit={PAGE}"),
            expected=lambda offset, truth: truth.page(offset),
        ),
        Workload(
            "hero",
            subject=lambda dice, rows: dice.randint(1, rows),
            graphql=one,
            rest=lambda hero_id: Request("GET", f"/heroes/{hero_id}"),
            expected=lambda hero_id, truth: truth.rows([hero_id]),
        ),
        Workload(
            "create",
            subject=lambda dice, _rows: invent(dice),
            graphql=create,
            rest=lambda hero: Request("POST", "/heroes/", json.dumps(hero)),
            expected=lambda hero, truth: [Row(id=truth.last_id(), **hero)],
        ),
    )
}


def heroes_in(answer: Any) -> list[Row]:
    """Read the heroes off a decoded answer, in whichever language."""
    if isinstance(answer, dict) and "data" in answer:
        (answer,) = answer["data"].values()
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
