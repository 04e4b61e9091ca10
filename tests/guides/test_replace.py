"""The guide "Replace Hero by another model"."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.client import Client
from tests.support.project_copy import ROOT, follow, section
from tests.support.service_process import run

BOOK = Path(__file__).parent / "book"

TITLE = "Replace Hero by another model"

IMPORT = re.compile(r"^ *from (graph\.hero\.\w+) import ([\w, ]+)", re.MULTILINE)
TAKEN = re.compile(r"^\| `(graph\.hero\.\w+\.\w+)`", re.MULTILINE)


@pytest.mark.slow
def test_another_model_replaces_hero(folder: Path, serve_copy: Callable[..., Client]) -> None:
    hero, versions = folder / "graph" / "hero", folder / "graph" / "migrations" / "versions"
    shutil.rmtree(hero)
    shutil.copytree(BOOK, hero, ignore=shutil.ignore_patterns("first_*", "__pycache__"))
    for ours in versions.glob("*_hero*.py"):
        ours.unlink()
    shutil.copy(BOOK / "first_revision.py", versions / "0001_book.py")
    follow(folder, section(TITLE))
    assert "createBook(price: Float!, title: String!): Book!" in (
        folder / "schema.graphql"
    ).read_text(encoding="utf-8")
    assert run("db", "check").returncode == 0
    api = serve_copy()
    create = 'mutation { createBook(title: "Emma", price: 9.5) { id title price lent } }'
    emma = {"title": "Emma", "price": 9.5, "lent": False}
    assert api.data(create) == {"createBook": {"id": "31", **emma}}
    assert api.data("{ books(offset: 29, limit: 2) { title price lent } }") == {
        "books": [{"title": "Book 29", "price": 14.5, "lent": False}, emma]
    }
    assert len(api.data("{ books { id } }")["books"]) == 20
    page = """query($after: String) {
        booksConnection(
            first: 2, after: $after, where: {price: {gt: 9}}
            orderBy: [{field: PRICE, direction: DESC}]
        ) { nodes { title } totalCount pageInfo { hasNextPage endCursor } } }"""
    first = api.data(page)["booksConnection"]
    assert first["nodes"] == [{"title": "Book 29"}, {"title": "Book 28"}]
    assert first["totalCount"] == 12
    second = api.data(page, after=first["pageInfo"]["endCursor"])["booksConnection"]
    assert second["nodes"] == [{"title": "Book 27"}, {"title": "Book 26"}]
    assert api.data("{ bookStats { count price { min max } } }") == {
        "bookStats": {"count": 31, "price": {"min": 0.0, "max": 14.5}}
    }
    assert httpx.get(f"{api.url}/ready").status_code == 200


def test_the_guide_lists_all_that_other_folders_import() -> None:
    code = ROOT / "graph"
    taken = {
        f"{module}.{name}"
        for path in code.rglob("*.py")
        if code / "hero" not in path.parents
        for module, names in IMPORT.findall(path.read_text(encoding="utf-8"))
        for name in re.findall(r"(\w+)(?: as \w+)?", names)
    }
    assert taken == set(TAKEN.findall(section(TITLE)))
