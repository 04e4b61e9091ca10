"""The guide "Change the product's name"."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.support.client import Client
from tests.support.databases import Sql, slow_on_postgresql
from tests.support.keyed_requests import KEY, send
from tests.support.project_copy import ROOT, edit, section
from tests.support.service_process import run

FORMER = re.compile(r"hero[-_]graph")


def code(folder: Path) -> list[Path]:
    """The files that people write, without documents."""
    return [
        file
        for file in (folder / "graph").rglob("*")
        if file.suffix in {".py", ".mako", ".html", ".js", ".jsx", ".css", ".json"}
        and "node_modules" not in file.parts
    ]


@slow_on_postgresql
def test_the_name_is_in_one_file(folder: Path, serve_copy: Callable[..., Client], sql: Sql) -> None:
    shutil.copy(ROOT / "pyproject.toml", folder)
    edit(folder, section("Change the product's name"))
    files = [folder / "pyproject.toml", *code(folder)]
    assert [file for file in files if FORMER.search(file.read_text(encoding="utf-8"))] == []

    api = serve_copy()
    page = httpx.get(f"{api.url}/graphql", headers={"Accept": "text/html"}).text
    assert "<title>Books · GraphQL</title>" in page
    assert 'data-name="book-shelf" data-title="Books"' in page
    send(api)
    assert sql("SELECT key FROM book_shelf_answer") == [(KEY,)]
    assert sql("SELECT count(*) FROM book_shelf_version") == [(1,)]

    refused = run("schema", "--check", "nowhere.graphql")
    assert refused.stderr.startswith("book-shelf: ")
