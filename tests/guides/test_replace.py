"""The guide "Replace Hero by another model"."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from tests.support.client import Client
from tests.support.project_copy import edit, follow, section
from tests.support.service_process import run

BOOK = Path(__file__).parent / "book"

TITLE = "Replace Hero by another model"


@pytest.mark.slow
def test_another_model_replaces_hero(folder: Path, serve_copy: Callable[..., Client]) -> None:
    hero = folder / "graph" / "hero"
    shutil.rmtree(hero)
    shutil.copytree(BOOK, hero, ignore=shutil.ignore_patterns("__pycache__"))
    guide = section(TITLE)
    edit(folder, guide)
    follow(folder, guide)
    assert "createBook(" in (folder / "schema.graphql").read_text(encoding="utf-8")
    assert run("db", "check").returncode == 0
    api = serve_copy()
    page = httpx.get(f"{api.url}/graphql", headers={"Accept": "text/html"}).text
    assert "query Books(" in page
    assert "mutation CreateBook(" in page
    assert api.data("{ bookStats { count } }") == {"bookStats": {"count": 30}}
    assert len(api.data("{ books { id } }")["books"]) == 20
    emma = {"title": "Emma", "price": 90.5, "lent": False}
    create = "mutation($i: CreateBookInput!) { createBook(input: $i) { id title price lent } }"
    created = api.data(create, i={"title": "Emma", "price": 90.5})["createBook"]
    book_id = str(UUID(created["id"]))
    assert created == {"id": book_id, **emma}
    assert api.codes(create, i={"title": "Emma", "price": -1}) == ["BAD_USER_INPUT"]
    one = "query($id: ID!) { book(id: $id) { title } }"
    assert api.data(one, id=book_id) == {"book": {"title": "Emma"}}
    assert api.data(one, id=book_id.upper()) == {"book": None}
    several = "mutation($i: [CreateBookInput!]!) { createBooks(inputs: $i) { id title } }"
    dear = [{"title": f"Dear {n}", "price": 100 + n} for n in range(5)]
    books = api.data(several, i=dear)["createBooks"]
    assert [book["title"] for book in books] == [each["title"] for each in dear]
    page = """query($after: String) {
        booksConnection(
            first: 2, after: $after, where: {price: {gt: 90}}
            orderBy: [{field: PRICE, direction: DESC}]
        ) { nodes { title } totalCount pageInfo { hasNextPage endCursor } } }"""
    titles: list[str] = []
    cursor, more = None, True
    while more:
        found = api.data(page, after=cursor)["booksConnection"]
        assert found["totalCount"] == 6
        titles += [book["title"] for book in found["nodes"]]
        cursor, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert titles == [*[f"Dear {n}" for n in (4, 3, 2, 1, 0)], "Emma"]
    change = """mutation($id: ID!) {
        updateBook(id: $id, input: {lent: true}, expected: {lent: false}) { lent }
        updateBooks(where: {price: {gt: 103}}, input: {price: 99}) { title price }
        deleteBook(id: $id) { title }
        deleteBooks(where: {price: {gte: 101}}, atMost: 3) { title } }"""
    changed = api.data(change, id=book_id)
    assert changed["updateBook"] == {"lent": True}
    assert changed["updateBooks"] == [{"title": "Dear 4", "price": 99}]
    assert changed["deleteBook"] == {"title": "Emma"}
    assert {book["title"] for book in changed["deleteBooks"]} == {f"Dear {n}" for n in (1, 2, 3)}
    assert httpx.get(f"{api.url}/ready").status_code == 200
