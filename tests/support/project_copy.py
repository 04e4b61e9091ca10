"""Follows the how-to guides of graph/README.md on a copy of the code."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.service_process import run

ROOT = Path(__file__).parents[2]

NEW_FILE = re.compile(r"^<!-- new: (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CHANGE = re.compile(r"^```diff\n--- (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def section(title: str) -> str:
    """The text of a guide."""
    text = (ROOT / "graph" / "README.md").read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n### {title}\n")
    assert found, f"there is no guide {title!r}"
    return re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]


def copy_code(folder: Path) -> None:
    """Copy the code and the snapshot of the schema."""
    ignored = shutil.ignore_patterns("node_modules", "*.pyc.*")  # a file that is being written
    shutil.copytree(ROOT / "graph", folder / "graph", ignore=ignored)
    shutil.copy(ROOT / "schema.graphql", folder)


@pytest.fixture
def folder(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the code as the working directory; commands use the test's database."""
    folder = tmp_path / "copy"
    copy_code(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    return folder


def edit(folder: Path, guide: str) -> None:
    """Make the changes of a guide."""
    for path, text in NEW_FILE.findall(guide):
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for path, hunks in CHANGE.findall(guide):
        file = folder / path
        text = file.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE):
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
            new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
            assert text.count(old) == 1, f"{path} has {text.count(old)} times:\n{old}"
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")


def follow(folder: Path, guide: str) -> None:
    """Run the commands of a guide; the folder must be the working directory."""
    for line in "".join(COMMANDS.findall(guide)).splitlines():
        command, _, target = line.partition(" > ")
        program, *arguments = shlex.split(command, comments=True)
        assert program == ".venv/bin/hero-graph"
        done = run(*arguments)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        if target:
            (folder / target).write_text(done.stdout, encoding="utf-8")
