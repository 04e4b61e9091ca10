"""Test modules import helpers from tests/support, never from one another."""

import ast
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


def imports_of(file: Path) -> Iterator[str]:
    """Dotted names of what a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_no_test_module_or_conftest_is_imported() -> None:
    found = [
        f"{file.relative_to(HERE)} imports {name}"
        for file in HERE.rglob("*.py")
        if "node_modules" not in file.parts
        for name in imports_of(file)
        if name.startswith("tests.")
        and any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    ]
    assert found == []
