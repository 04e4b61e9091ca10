"""The guide "Add a table with a relation"."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.client import Client
from tests.support.databases import Sql
from tests.support.service_process import run

COUNT = (Path(__file__).parent / "count.py").read_text(encoding="utf-8")

TEAMS, HEROES = 9, 90

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 89)"
"""SQL for the numbers from 0 to 89, on both databases."""
FILL = (
    f"{NUMBERS} INSERT INTO team (name) SELECT 'T' || i FROM n WHERE i BETWEEN 1 AND {TEAMS}; "  # noqa: S608 (our own)
    f"{NUMBERS} INSERT INTO hero (name, secret_name, team_id) "
    f"SELECT 'H' || i, 'x', i % {TEAMS} + 1 FROM n"
)

CREATE = "mutation($input: CreateHeroInput!) { createHero(input: $input) { name team { name } } }"


@pytest.fixture
def related(api: Client, sql: Sql, take: Callable[[str], None]) -> None:
    """Follows the guide on a table with a hero, then adds teams of ten heroes."""
    api.create("Old")
    take("Add a table with a relation")
    for statement in FILL.split("; "):
        sql(statement)


def counted(queries: Sequence[str]) -> list[tuple[dict[str, Any], int, list[str]]]:
    """For each query: body, number of statements, and keys that graphql-core completed."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, *queries], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[tuple[dict[str, Any], int, list[str]]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("related")
def test_a_relation_is_read_and_written(folder: Path, serve_copy: Callable[..., Client]) -> None:
    assert run("db", "check").returncode == 0
    assert "team: Team\n" in (folder / "schema.graphql").read_text(encoding="utf-8")
    api = serve_copy()
    assert api.data("{ heroes(limit: 2) { name team { name } } }") == {
        "heroes": [{"name": "Old", "team": None}, {"name": "H0", "team": {"name": "T1"}}]
    }
    assert api.data(
        "{ teams(limit: 2) { id heroes(limit: 2) { name } all: heroes(limit: 10) { teamId } } }"
    ) == {
        "teams": [
            {
                "id": str(number),
                "heroes": [{"name": f"H{number - 1}"}, {"name": f"H{number + TEAMS - 1}"}],
                "all": [{"teamId": str(number)}] * 10,
            }
            for number in (1, 2)
        ]
    }
    hero = {"name": "New", "secretName": "x"}
    assert api.data(CREATE, input={**hero, "teamId": 2}) == {
        "createHero": {"name": "New", "team": {"name": "T2"}}
    }
    body = api.execute(CREATE, input={**hero, "teamId": 999})
    assert body["data"] is None
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]
    assert len(api.heroes(offset=1 + HEROES)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("related")
def test_all_tables_are_filled_checked_and_probed(
    sql: Sql, serve_copy: Callable[..., Client]
) -> None:
    assert run("seed", "--count", "20").returncode == 0
    assert sql("SELECT count(*) FROM team") == [(TEAMS + 20,)]
    assert sql("SELECT count(*) FROM hero") == [(1 + HEROES + 20,)]
    joined = f"SELECT count(*) FROM hero JOIN team ON team.id = team_id WHERE team.id > {TEAMS}"  # noqa: S608 (our own)
    assert sql(joined) > [(0,)]
    api = serve_copy()
    assert httpx.get(f"{api.url}/ready").status_code == 200
    sql("ALTER TABLE team RENAME TO elsewhere")
    assert httpx.get(f"{api.url}/ready").status_code == 503
    for command in (["db", "check"], ["serve"]):
        done = run(*command)
        assert done.returncode == 1
        assert "the database has no table team" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("related")
def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    nested = "{ teams(limit: %d) { heroes(limit: %d) { team { heroes(limit: %d) { id } } } } }"
    few, many, beside, over = counted(
        [
            nested % (1, 1, 2),
            nested % (10, 10, 7),
            "{ heroes(limit: 90) { name } page: heroes(limit: 90) { team { name } } }",
            nested % (10, 10, 8),
        ]
    )
    for body, statements, _ in (few, many):
        assert "errors" not in body
        assert statements == 4
    teams = many[0]["data"]["teams"]
    assert [len(team["heroes"]) for team in teams] == [10] * TEAMS
    assert {len(hero["team"]["heroes"]) for team in teams for hero in team["heroes"]} == {7}
    body, statements, completed = beside
    assert len(body["data"]["heroes"]) == len(body["data"]["page"]) == HEROES
    assert statements == 3
    assert completed == []
    body, statements, _ = over  # 10 + 10 * 10 * (1 + 1 + 8) rows, if there were so many
    assert [error["extensions"]["code"] for error in body["errors"]] == ["OPERATION_TOO_COMPLEX"]
    assert statements == 0
