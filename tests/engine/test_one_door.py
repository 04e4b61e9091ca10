"""Only `graph/engine/definitions.py` names non-public parts of Strawberry and graphql-core."""

import ast
from pathlib import Path

import graph
from graph.engine import definitions

PUBLIC = {
    "graphql",
    "graphql.execution",
    "graphql.language",
    "strawberry",
    "strawberry.dataloader",
    "strawberry.exceptions",
    "strawberry.extensions",
    "strawberry.permission",
    "strawberry.pydantic",
    "strawberry.schema.config",
    "strawberry.types",
}
"""Documented modules of the two libraries."""

INSIDE = {
    "DEFINITION_BACKREF",
    "__strawberry_definition__",
    "base_resolver",
    "collected_errors",
    "concrete_of",
    "is_basic_field",
    "remaining_complexity_budget",
    "schema_converter",
    "wrapped_cls",
}
"""Undocumented attributes of the two libraries."""


def inside(source: str) -> list[str]:
    """What a file's source names of the insides of the libraries."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in INSIDE:
            found.append(node.attr)
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        found += [
            name
            for name in modules
            if name.partition(".")[0] in {"graphql", "strawberry"} and name not in PUBLIC
        ]
    return found


def test_no_other_file_names_what_is_inside() -> None:
    assert inside("import strawberry.utils\nfield.base_resolver") == [
        "strawberry.utils",
        "base_resolver",
    ]
    found = {
        str(path): names
        for path in Path(graph.__file__).parent.rglob("*.py")
        if path != Path(definitions.__file__)
        and (names := inside(path.read_text(encoding="utf-8")))
    }
    assert found == {}
