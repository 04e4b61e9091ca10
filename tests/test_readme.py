"""The documents are true: settings, links, code map, snippets and first queries."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
from pydantic_core import PydanticUndefined

from graph.settings import Settings
from tests.support.client import Client
from tests.support.components import require
from tests.support.prepared_database import set_up

ROOT = Path(__file__).parent.parent

FOLDERS = [".", "graph", "graph/cli", "tests/clients"]
"""Folders with a README.md."""

SNIPPET = re.compile(r"^<!-- (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block of code, and the file that contains it."""

EXAMPLE = re.compile(r"-d '(\{.*?\})'\n```\n+```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""Body of a request by `curl`, and its answer."""

PASTED = re.compile(r"^```graphql\n(.*?)^```\n.*?^```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A query and its answer."""

GENERATED = {"__pycache__", "dist", "node_modules"}
"""Folders of generated files."""

DOTALL_MULTILINE = re.DOTALL | re.MULTILINE

PLACE = re.compile(r"`([\w.]+)`\s+(?:\(|in\s+)`([\w/]+\.py)`")
"""A name of the code, and its file."""

LINK = re.compile(r"\]\(([^):#]+)\)")
"""Path of another file."""


def readme(folder: str = ".") -> str:
    """The document of a folder."""
    return (ROOT / folder / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    """The table of all settings, as Markdown."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in (None, (), {}, PydanticUndefined) else f"`{default}`".lower()
        if isinstance(default, str):
            shown = f"`{default}`"
        lines.append(f"| `GRAPH_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)


def test_the_table_of_settings_is_up_to_date() -> None:
    assert settings_table() in readme(), f"Put this into README.md:\n\n{settings_table()}"


def test_a_newcomer_has_little_to_read() -> None:
    assert len(readme().splitlines()) <= 275


def test_these_are_all_the_documents() -> None:
    require(which("git") is not None and (ROOT / ".git").exists(), "needs git, and a clone")
    listed = subprocess.run(
        ["git", "ls-files", "*README.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {str(Path(line).parent) for line in listed.stdout.splitlines()} == set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_links_of_a_document_lead_to_files(folder: str) -> None:
    paths = LINK.findall(readme(folder))
    assert [path for path in paths if not (ROOT / folder / path).exists()] == []


def test_the_code_map_names_each_file() -> None:
    package = ROOT / "graph"
    paths = [
        path for path in package.rglob("*") if path.is_file() and not GENERATED & {*path.parts}
    ]
    files = {
        path.relative_to(package).as_posix()
        for path in paths
        if path.name != "__init__.py" or len(path.read_text().splitlines()) > 1
    }
    files -= {
        "README.md",
        "cli/README.md",
        *[f for f in files if f.startswith("hero/revisions/")],
    }
    _, _, code_map = readme("graph").partition("\n## Code map\n")
    named = set(LINK.findall(code_map.partition("\n## ")[0]))
    assert files <= named, f"Name these in the code map of graph/README.md: {files - named}"


def test_names_in_the_document_are_in_their_files() -> None:
    places = PLACE.findall(readme("graph"))
    assert len(places) > 20
    for name, path in places:
        last = name.rpartition(".")[2]
        text = (ROOT / "graph" / path).read_text(encoding="utf-8")
        assert re.search(rf"(def|class) {last}\b", text), f"{path} has no {name}"


def test_the_script_of_the_document_shows_the_indexes(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(import asyncio\n.*?)^```", readme("graph"), DOTALL_MULTILINE)
    script = tmp_path / "explain.py"
    script.write_text(code)
    url = f"sqlite:///{tmp_path / 'database.db'}"
    environment = {**os.environ, "GRAPH_DATABASE_URL": url}
    set_up(url, heroes=100)
    query = "{ heroes(orderBy: [{ field: NAME }]) { name } }"
    command = [sys.executable, str(script), query]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "SCAN hero USING COVERING INDEX ix_hero_name" in done.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_snippet_is_part_of_its_file(folder: str) -> None:
    for name, code in SNIPPET.findall(readme(folder)):
        text = (ROOT / folder / name).read_text(encoding="utf-8")
        assert code in text, f"{name} has no\n{code}"


def test_there_is_a_snippet_for_each_kind_of_client() -> None:
    assert {name for name, _ in SNIPPET.findall(readme("tests/clients"))} >= {
        "apollo.mjs",
        "apollo-links.mjs",
        "apollo-scroll.mjs",
        "graphql-request.mjs",
        "gql_sync.py",
        "relay-network.mjs",
        "relay/heroes.js",
        "typed.ts",
        "urql.mjs",
    }


def test_the_first_queries_have_these_answers(api: Client) -> None:
    [(body, created)] = EXAMPLE.findall(readme())
    assert api.post(json.loads(body)).text == created.rstrip("\n")
    pasted = PASTED.findall(readme())
    assert len(pasted) == 3
    for query, answer in pasted:
        assert {"data": api.data(query)} == json.loads(answer)
