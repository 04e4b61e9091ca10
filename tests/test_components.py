"""The summary has one line for all tests that lack the same component."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest
from tests.support.components import require

@pytest.fixture
def moon():
    require(False, "no moon")

@pytest.mark.parametrize("number", range(3))
def test_by_a_fixture(moon, number): ...

def test_by_itself():
    require(False, "no moon")
"""


@pytest.mark.slow
def test_skips_of_one_reason_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    files = [tmp_path / f"test_{number}.py" for number in range(2)]
    for file in files:
        file.write_text(TESTS)
    options = ["-rs", "-n2", "-p", "tests.conftest", "-c", "/dev/null"]
    output = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    ).stdout
    (line,) = [line for line in output.splitlines() if line.startswith("SKIPPED")]
    assert line.startswith("SKIPPED [8] ")
    assert line.endswith(": no moon")
