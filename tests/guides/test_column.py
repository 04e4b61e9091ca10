"""The guide "Add a column"."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.databases import Sql
from tests.support.service_process import run


@pytest.mark.slow
def test_a_column_is_added_to_a_table_with_rows(
    api: Client,
    sql: Sql,
    folder: Path,
    take: Callable[[str], None],
    serve_copy: Callable[..., Client],
) -> None:
    api.create("Old")
    take("Add a column")
    newer = serve_copy()
    create = "mutation($input: CreateHeroInput!) { createHero(input: $input) { id team } }"
    hero = {"name": "New", "secretName": "Pedro", "team": "Preventers"}
    assert newer.data(create, input=hero) == {"createHero": {"id": "2", "team": "Preventers"}}
    assert newer.data("{ heroes { name team } }") == {
        "heroes": [{"name": "Old", "team": None}, {"name": "New", "team": "Preventers"}]
    }
    filtered = '{ heroes(where: {team: {startsWith: "Prev"}}) { name } }'
    assert newer.data(filtered) == {"heroes": [{"name": "New"}]}
    assert sql("SELECT team FROM hero ORDER BY id") == [(None,), ("Preventers",)]
    assert run("db", "check").returncode == 0
    [revision] = folder.glob("graph/hero/revisions/*_add_team.py")
    operations = re.findall(r"\b(?:batch_)?op\.(?!f\()\w+", revision.read_text("utf-8"))
    assert operations == [
        "op.batch_alter_table",
        "batch_op.add_column",
        "batch_op.create_index",
        "batch_op.create_index",
    ]
    assert "  team: String\n" in (folder / "schema.graphql").read_text(encoding="utf-8")
