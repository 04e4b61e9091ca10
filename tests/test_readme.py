"""The README says what is."""

import re
from pathlib import Path

from pydantic_core import PydanticUndefined

from graph.settings import Settings

README = Path(__file__).parent.parent / "README.md"

SNIPPET = re.compile(r"^<!-- tests/clients/(\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block of code, and the file that it is out of."""


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
    assert settings_table() in README.read_text(encoding="utf-8"), (
        f"Put this into README.md:\n\n{settings_table()}"
    )


def test_the_snippets_for_frontends_are_out_of_the_tests() -> None:
    snippets = SNIPPET.findall(README.read_text(encoding="utf-8"))
    for name, code in snippets:
        text = (README.parent / "tests" / "clients" / name).read_text(encoding="utf-8")
        assert code in text, f"{name} has no\n{code}"
    assert {name for name, _ in snippets} >= {
        "apollo.mjs",
        "apollo-links.mjs",
        "graphql-request.mjs",
        "gql_sync.py",
        "relay-network.mjs",
        "typed.ts",
        "urql.mjs",
    }
