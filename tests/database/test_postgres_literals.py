"""Literals in SQL are the values that PostgreSQL reads."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from graph.database.postgres.literals import Messages, with_literals
from graph.settings import Settings
from tests.support.databases import on_postgresql
from tests.support.prepared_database import run

pytestmark = on_postgresql

VALUES = [
    "",
    "it's",
    r"\'; DROP TABLE hero; --",
    "\\",
    "é\U0001f600\n\t$1",
    b"",
    bytes(range(256)),
    0,
    -(2**63),
    2**63 - 1,
    None,
]


@pytest.mark.parametrize("standard_strings", ["on", "off"])
def test_literals_are_the_values(configure: Callable[..., Settings], standard_strings: str) -> None:
    async def read(_: Any) -> None:
        raw = await asyncpg.connect(configure().database_url)
        await raw.execute(f"SET standard_conforming_strings = {standard_strings}")
        for value in VALUES:
            cast = "::bytea" if isinstance(value, bytes) else ""
            statement = f"SELECT $1{cast}"
            assert await raw.fetchval(with_literals(statement, [value])) == value
        await raw.close()

    run(configure, read)


def test_each_placeholder_gets_its_own_value() -> None:
    values = [*range(9), "$1", None]
    assert with_literals("$1, $10, $11, $2", values) == "0, E'$1', NULL, 1"
    with pytest.raises(TypeError):
        with_literals("$1", [1.5])


def test_a_statement_is_prepared_once_where_the_session_is_the_connections_own() -> None:
    own, pooled = Messages(prepares=True), Messages(prepares=False)
    for index, statement in enumerate(("SELECT $1", "SELECT $1, $2")):
        name = f"hero_graph_{index}"
        first = own.statement(statement, [1, 2][: index + 1])
        execute = f"EXECUTE {name}({', '.join('12'[: index + 1])})"
        assert first == f"PREPARE {name} AS {statement}; {execute}"
        assert own.statement(statement, [1, 2][: index + 1]) == execute
        assert pooled.statement(statement, [1, 2]) == with_literals(statement, [1, 2])
