"""`GRAPH_API` names a module of the working directory; what is wrong with it is one line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.api import APIError, load_api
from graph.cli import name
from tests.support.service_process import run

PLAIN = """
import strawberry

@strawberry.type
class Query:
    one: int = 1

schema = {}(Query)
"""

REFUSED = {
    "": "'' is not the name of a module",
    "shop/api.py": "'shop/api.py' is not the name of a module",
    "shop.api:schema": "'shop.api:schema' is not the name of a module",
    "shop.missing": "there is no module shop.missing",
    "missing.api": "there is no module missing.api",
    "shop": "the module shop has no `schema`",
    "shop.plain": "must be a graph.engine.schema.Schema, not a strawberry.schema.schema.Schema",
    "shop.needs": "No module named 'nowhere' ({folder}/shop/needs.py, line 2)",
    "shop.broken": "SyntaxError",
    "shop.refused": "config must be StrawberryConfig(info_class=Info) ({folder}/shop/refused.py",
}
"""By name of a module, a part of the message."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The working directory, with modules that cannot be served."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "plain.py").write_text(PLAIN.format("strawberry.Schema"))
    (shop / "needs.py").write_text("\nimport nowhere\n")
    (shop / "broken.py").write_text("def broken(:\n")
    config = "from strawberry.schema.config import StrawberryConfig"
    made = PLAIN.format("Schema").replace("(Query)", "(Query, config=StrawberryConfig())")
    (shop / "refused.py").write_text(f"from graph.engine.schema import Schema\n{config}\n{made}")
    yield tmp_path
    for module in [each for each in sys.modules if each.partition(".")[0] == "shop"]:
        del sys.modules[module]


@pytest.mark.parametrize("module", REFUSED)
def test_what_cannot_be_served_is_refused(
    module: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(APIError) as refused:
        load_api(module)
    assert str(refused.value).startswith("GRAPH_API: ")
    assert REFUSED[module].format(folder=folder) in str(refused.value)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [["serve"], ["seed"], ["schema"], ["db", "check"]])
def test_the_message_of_a_command_is_one_line(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_API", "shop.needs")
    done = run(*command)
    assert done.returncode == 1
    assert done.stderr.startswith("hero-graph: GRAPH_API: shop.needs cannot be imported: ")
    assert done.stderr.count("\n") == 1, done.stderr


def test_messages_have_the_name_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/local/bin/shop", "serve"])
    assert name() == "shop"
    monkeypatch.setattr("sys.argv", ["/site-packages/graph/__main__.py", "serve"])
    assert name() == "hero-graph"
