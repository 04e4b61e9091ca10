"""The README says what is."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from graph.settings import Settings

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    """The table of all settings, as Markdown."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in (None, (), PydanticUndefined) else f"`{default}`".lower()
        if isinstance(default, str):
            shown = f"`{default}`"
        lines.append(f"| `GRAPH_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)


def test_the_table_of_settings_is_up_to_date() -> None:
    assert settings_table() in README.read_text(encoding="utf-8"), (
        f"Put this into README.md:\n\n{settings_table()}"
    )
