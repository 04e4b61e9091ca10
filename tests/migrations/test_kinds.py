"""Tables that other tools created: each kind is served correctly, or refused in one line."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from graph.database import open_database
from graph.database.base import DatabaseError
from graph.settings import Settings
from tests.support.client import Client
from tests.support.components import require
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.hero_api import MIGRATIONS
from tests.support.table_kinds import POSTGRESQL, SQLITE, Kind

Serve = Callable[..., Client]

NAMES = ["zed", "Zed", "ZED", "ann ", "ann", "Ann", "Ārmin", "Ȁrmin", "Armin", "😀"]
"""Names that a collation treats as equal, or does not order by code point."""

INSERT = "INSERT INTO hero (name, age, secret_name) VALUES ('%s', 1, 'a secret')"

WALK = """
query Walk($first: Int, $after: String, $last: Int, $before: String) {
  heroesConnection(
    first: $first, after: $after, last: $last, before: $before, orderBy: [{ field: NAME }]
  ) { nodes { id name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
}
"""


def prepared(settings: Settings) -> None:
    """Prepare the database as the service does at start."""

    async def run() -> None:
        database = open_database(settings)
        try:
            await MIGRATIONS.prepare(database, upgrade=True)
        finally:
            await database.dispose()

    asyncio.run(run())


def see(kind: Kind, serve: Serve, sql: Sql, settings: Settings) -> None:
    """Check that a kind is served correctly, or refused with its line."""
    if settings.database_url.startswith("sqlite"):  # on one connection: PRAGMA encoding
        with closing(sqlite3.connect("database.db")) as connection:
            connection.executescript("; ".join(kind.statements))
    else:
        for statement in kind.statements:
            sql(statement)
    if kind.refused:
        with pytest.raises(DatabaseError, match=kind.refused) as refused:
            prepared(settings)
        assert "\n" not in str(refused.value)
        assert_mended(str(refused.value), sql, settings)
        return
    for name in NAMES:
        sql(INSERT % name)
    prepared(settings)
    see_served(serve())


MEND = re.compile(r": ((?:ALTER|DROP|SELECT|GRANT) .*?)(?=; its |; the |$)")


def assert_mended(line: str, sql: Sql, settings: Settings) -> None:
    """See that the statements in a line mend what they are said to."""
    statements = [each for mend in MEND.findall(line) for each in mend.split("; ")]
    if not statements or "b c" in line:  # a line break in a name is not in the statement
        return
    for statement in statements:
        sql(statement)
    left = ""
    try:
        prepared(settings)
    except DatabaseError as error:  # something else is left
        left = str(error)
    assert not {*MEND.findall(left)} & {*statements}


def see_served(api: Client) -> None:
    """Check that pages, filters, updates and deletes return or change the right rows only."""
    in_order = sorted(NAMES)
    assert walk(api, "first", "after", "endCursor", "hasNextPage") == in_order
    assert walk(api, "last", "before", "startCursor", "hasPreviousPage") == in_order
    assert names(api, {"name": {"eq": "zed"}}) == ["zed"]
    assert names(api, {"name": {"ne": "zed"}}) == [name for name in NAMES if name != "zed"]
    assert names(api, {"name": {"in": ["ann", "ZED"]}}) == ["ZED", "ann"]
    assert names(api, {"name": {"startsWith": "Ā"}}) == ["Ārmin"]
    assert names(api, {"name": {"contains": "nn"}}) == ["ann ", "ann", "Ann"]
    assert names(api, {"name": {"eqIgnoreCase": "ann"}}) == ["ann", "Ann"]
    assert names(api, {"age": {"gte": 1}}) == NAMES
    update = "mutation { updateHero(id: %d, input: { age: 2 }, expected: { name: %s }) { age } }"
    assert api.codes(update % (1, '"Zed"')) == ["CONFLICT"]
    assert api.data(update % (1, '"zed"')) == {"updateHero": {"age": 2}}
    assert names(api, {"age": {"eq": 2}}) == ["zed"]
    deleted = api.data('mutation { deleteHeroes(where: { name: { eq: "zed" } }) { name } }')
    assert deleted == {"deleteHeroes": [{"name": "zed"}]}
    assert int(api.create("new")["id"]) > len(NAMES)
    assert names(api, {}) == [*NAMES[1:], "new"]


def walk(api: Client, size: str, cursor: str, end: str, more: str) -> list[str]:
    """Names on all pages by cursor, in order."""
    seen: list[str] = []
    page: Any = {"pageInfo": {end: None}}
    for _ in range(len(NAMES)):
        asked = {size: 3, cursor: page["pageInfo"][end]}
        page = api.data(WALK, **asked)["heroesConnection"]
        found = [node["name"] for node in page["nodes"]]
        seen = found + seen if size == "last" else seen + found
        if not page["pageInfo"][more]:
            return seen
    return seen


def names(api: Client, where: dict[str, Any]) -> list[str]:
    """Names of the heroes that match a filter, by id."""
    query = "query Named($where: HeroFilter) { heroes(where: $where) { name } }"
    return [hero["name"] for hero in api.data(query, where=where)["heroes"]]


@on_sqlite
@pytest.mark.parametrize("kind", SQLITE, ids=lambda kind: kind.about)
def test_a_kind_of_table_on_sqlite(
    kind: Kind, serve: Serve, sql: Sql, configure: Callable[..., Settings]
) -> None:
    see(kind, serve, sql, configure())


@on_postgresql
@pytest.mark.parametrize("kind", POSTGRESQL, ids=lambda kind: kind.about)
def test_a_kind_of_table_on_postgresql(
    kind: Kind, serve: Serve, sql: Sql, configure: Callable[..., Settings]
) -> None:
    if any("icu" in statement for statement in kind.statements):
        has_icu = sql("SELECT 1 FROM pg_collation WHERE collname = 'de-x-icu'")
        require(bool(has_icu), "PostgreSQL's server has no ICU")
    see(kind, serve, sql, configure())
