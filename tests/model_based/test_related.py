"""Generated operations over related tables: every service answers like the model."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text

from graph.app import create_app
from graph.settings import Settings
from tests.model_based import related_strategies as strategies
from tests.model_based.documents import RootField, operations
from tests.model_based.model import RefusedError
from tests.model_based.related_model import Member, Tables, Team
from tests.model_based.stores import asked
from tests.support import related_tables
from tests.support.client import Client
from tests.support.hypothesis_examples import check
from tests.support.served_app import serving
from tests.support.tables import run

EXAMPLES = [5, pytest.param(150, marks=pytest.mark.slow)]
"""Number of examples."""

TABLES = related_tables.TABLES


class Store:
    """One database with its services."""

    def __init__(self, url: str, clients: list[Client]) -> None:
        self._url = url
        self.clients = clients

    def fill(self, rows: Tables) -> None:
        """Replace all rows."""

        def work(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":  # rows refer to later ones
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            links = [{"team_id": team, "member_id": member} for team, member in sorted(rows.links)]
            for name, values in (
                ("team", [row._asdict() for row in rows.teams.values()]),
                ("member", [row._asdict() for row in rows.members.values()]),
                ("link", links),
            ):
                connection.execute(TABLES[name].delete())
                if values:
                    connection.execute(insert(TABLES[name]), values)

        run(self._url, work)

    def rows(self) -> Tables:
        """Return all rows."""
        found: dict[str, list[Any]] = {}

        def work(connection: Connection) -> None:
            for name, table in TABLES.items():
                found[name] = list(connection.execute(table.select()).mappings())

        run(self._url, work)
        teams = [Team(**row) for row in found["team"]]
        members = [Member(**row) for row in found["member"]]
        links = frozenset((row["team_id"], row["member_id"]) for row in found["link"])
        return Tables({row.id: row for row in teams}, {row.id: row for row in members}, links)


@contextmanager
def opened(url: str, *, fast: bool) -> Iterator[Store]:
    """A store over an empty database."""
    run(url, related_tables.create_tables)
    settings = Settings(
        database_url=url,
        max_rows=1_000_000,
        max_cost=100_000_000,
        max_aliases=100,
        max_tokens=10_000,
        _env_file=None,  # type: ignore[call-arg] # (pydantic-settings has it)
    )
    app = create_app(settings, schema=related_tables.schema, fast_execution=fast)
    with serving(app, settings) as served, Client(served) as client:
        yield Store(url, [client])


@pytest.fixture(scope="module")
def related_stores(new_url: Callable[[str], str]) -> Iterator[list[Store]]:
    """SQLite and PostgreSQL, on and off the fast path, each with its own database."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(opened(new_url(kind), fast=fast))
            for kind in ("sqlite", "postgresql")
            for fast in (True, False)
        ]


def written(rows: Tables, field: RootField) -> tuple[Tables, dict[str, Any]]:
    """Execute a mutation on the model; return the rows, and the data or the error code."""
    try:
        after, answer = rows.write(field)
    except RefusedError as error:
        return rows, {"code": error.code}
    return after, {"f0": answer}


@pytest.mark.parametrize("count", EXAMPLES)
def test_reads(related_stores: list[Store], count: int) -> None:
    def read(data: st.DataObject) -> None:
        rows = data.draw(strategies.tables())
        for store in related_stores:
            store.fill(rows)
        for fields in data.draw(st.lists(st.lists(strategies.reads(), min_size=1, max_size=2))):
            request = data.draw(operations(fields, related_tables.schema))
            body = asked(related_stores, request)
            assert body == {"data": {f"f{n}": rows.read(each) for n, each in enumerate(fields)}}

    check(count, st.data(), read)


@pytest.mark.parametrize("count", EXAMPLES)
def test_writes_by_related_rows(related_stores: list[Store], count: int) -> None:
    def write(data: st.DataObject) -> None:
        rows = data.draw(strategies.tables())
        for store in related_stores:
            store.fill(rows)
        for _ in range(data.draw(st.integers(1, 3))):
            field = data.draw(strategies.writes(rows))
            request = data.draw(operations([field], related_tables.schema))
            body = asked(related_stores, request)
            rows, expected = written(rows, field)
            if "code" in expected:
                codes = [error["extensions"]["code"] for error in body["errors"]]
                assert (body["data"], codes) == (None, [expected["code"]]), body
            else:
                assert body == {"data": expected}
        for store in related_stores:
            assert store.rows() == rows

    check(count, st.data(), write)
