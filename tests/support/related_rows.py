"""Rows with relations of every kind, served on and off the fast path."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from graph.app import create_app
from graph.settings import Settings
from tests.support.client import Client
from tests.support.related_tables import TABLES, create_tables, ran, schema
from tests.support.served_app import serving
from tests.support.tables import run

IDS = [str(UUID(int=number)) for number in range(1, 5)]
TEAMS = [
    {"id": UUID(IDS[0]), "name": "Preventers", "rank": 2, "captain_id": 1},
    {"id": UUID(IDS[1]), "name": "Z-Force", "rank": None, "captain_id": 1},
    {"id": UUID(IDS[2]), "name": "Nobody", "rank": 1, "captain_id": None},
]
MEMBERS = [
    {"id": 1, "name": "Ada", "age": 48, "mentor_id": None, "home_id": UUID(IDS[0])},
    {"id": 2, "name": "Bob", "age": None, "mentor_id": 1, "home_id": UUID(IDS[0])},
    {"id": 3, "name": "Cy", "age": 20, "mentor_id": 1, "home_id": UUID(IDS[1])},
    {"id": 4, "name": "Di", "age": 20, "mentor_id": 2, "home_id": None},
    {"id": 5, "name": "Ed", "age": 30, "mentor_id": 5, "home_id": UUID(IDS[0])},
]
LINKS = [(0, 1), (0, 2), (0, 5), (1, 1), (1, 3)]


class Paths:
    """The same service on the fast path and by graphql-core alone."""

    def __init__(self, fast: Client, plain: Client) -> None:
        self.fast = fast
        self.plain = plain

    def __call__(self, query: str, **variables: Any) -> Any:
        """Return the data that both paths answer, byte for byte the same."""
        body = {"query": query, "variables": variables}
        answers, notes = [], []
        for client in (self.fast, self.plain, self.fast):
            ran.clear()
            answers.append(client.post(body).text)
            notes.append(Counter(ran))
        assert answers[0] == answers[1] == answers[2]
        assert notes[0] == notes[2]
        assert notes[0] <= notes[1]  # once for a row that several objects refer to
        return json.loads(answers[0])["data"]


@contextmanager
def related_rows(settings: Settings) -> Iterator[Paths]:
    """Serve related rows on both paths."""

    def fill(connection: Any) -> None:
        create_tables(connection)
        connection.execute(
            insert(TABLES["member"]), [{**each, "home_id": None} for each in MEMBERS]
        )
        connection.execute(insert(TABLES["team"]), TEAMS)
        links = [{"team_id": UUID(IDS[team]), "member_id": member} for team, member in LINKS]
        connection.execute(insert(TABLES["link"]), links)
        for each in MEMBERS:
            table = TABLES["member"]
            change = table.update().where(table.c.id == each["id"])
            connection.execute(change.values(home_id=each["home_id"]))
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('member_id_seq', 5)"))

    run(settings.database_url, fill)
    with ExitStack() as stack:
        clients = []
        for fast in (True, False):
            app = create_app(settings, schema=schema, fast_execution=fast)
            clients.append(Client(stack.enter_context(serving(app, settings))))
            stack.callback(clients[-1].http.close)
        yield Paths(*clients)


def names(rows: list[dict[str, Any]]) -> list[str]:
    """Return the names of answered rows."""
    return [row["name"] for row in rows]
