"""Guides of projects that depend on the package, followed on the built one."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.browser import chromium
from tests.support.client import Client
from tests.support.components import require
from tests.support.databases import Sql
from tests.support.installed_package import install
from tests.support.project_copy import CHANGE, COMMANDS, NEW_FILE, edit, section
from tests.support.service_process import service, workers
from tests.support.visitor import Visitor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

PROJECT = section("A project of your own")
MOUNTED = section("In a FastAPI app that you have")
TAKEN_OVER = section("Take over users and items")

TEMPLATE = Path(__file__).parent / "template"

FILL = """
import sys
from sqlmodel import Session, SQLModel, create_engine
from app.models import Item, User

engine = create_engine(sys.argv[1])
SQLModel.metadata.create_all(engine)
with Session(engine) as session:
    ann = User(email="ann@example.org", hashed_password="-", items=[Item(title="Sword")])
    session.add(ann)
    session.commit()
"""
"""Makes the template's tables, with rows."""

USERS = """{ usersConnection(first: 5) { nodes {
    id email createdAt items { title owner { email } } } } }"""

REGISTER = """mutation($user: RegisterInput!) {
    register(user: $user) { email isActive isSuperuser fullName } }"""

EXAMPLE = re.compile(r"-d '(\{.*?\})'\n```\n+```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""Body of a request by `curl`, and its answer."""

RUNNING = re.compile(r"Uvicorn running on (http://\S+)")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the package."""
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def command(
    programs: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs a program of the environment on the test's database; returns what it printed."""
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)

    def run(program: str, *arguments: str) -> str:
        done = subprocess.run(
            [programs / program, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program} {arguments}\n{done.stderr}{done.stdout}"
        return done.stdout

    return run


def written(command: Callable[..., str], folder: Path) -> None:
    """Write the project of the guide, and its first revision."""
    edit(folder, CHANGE.sub("", PROJECT))
    follow(command, COMMANDS.findall(PROJECT)[0])


def follow(command: Callable[..., str], block: str) -> None:
    """Run those commands of a block that end, in an environment that is there."""
    for line in block.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        if program == ".venv/bin/hero-graph" and arguments != ["serve"]:
            command("hero-graph", *arguments)


def page_of(url: str) -> str:
    """GraphiQL's page; nothing while the service restarts."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/graphql", headers={"Accept": "text/html"}).text
    return ""


@contextmanager
def app_of(programs: Path) -> Iterator[str]:
    """Serve `main:app` as its users do; it must end by itself."""
    arguments = ["-m", "uvicorn", "main:app", "--port", "0"]
    process = subprocess.Popen([programs / "python", *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    read: list[str] = []
    try:
        for line in process.stderr:
            read.append(line)
            if found := RUNNING.search(line):
                break
        assert found, "".join(read)
        drained = threading.Thread(target=lambda: read.extend(process.stderr or ()))
        drained.start()
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        drained.join()
        process.stderr.close()
    assert "Application shutdown complete" in "".join(read), read
    assert "Traceback" not in "".join(read), "".join(read)


def test_a_project_of_ones_own(
    programs: Path, command: Callable[..., str], tmp_path: Path, database_url: str, sql: Sql
) -> None:
    first, second = COMMANDS.findall(PROJECT)[0], COMMANDS.findall(PROJECT)[2]
    assert len(NEW_FILE.findall(PROJECT)) == 3
    assert len(first.splitlines()) + 1 <= 6
    written(command, tmp_path)
    revisions = tmp_path / "shop" / "revisions"
    names = ["0001_add_books.py", "0002_keyset_indexes.py"]
    assert sorted(path.name for path in revisions.glob("*.py")) == names
    [(body, answer)] = EXAMPLE.findall(PROJECT)
    python = programs / "python"
    with service(database_url, python=python) as running:
        headers = {"Content-Type": "application/json"}
        answered = httpx.post(f"{running.url}/graphql", content=body, headers=headers)
        assert answered.text == answer.rstrip("\n")
        assert httpx.get(f"{running.url}/ready").status_code == 200
        page = page_of(running.url)
        assert "<title>Shop · GraphQL</title>" in page
        [script] = re.findall(r'src="\./(graphql/explorer/\S+\.js)"', page)
        assert httpx.get(f"{running.url}/{script}").status_code == 200
    assert sql("SELECT title FROM book") == [("Emma",)]
    command("hero-graph", "seed", "--count", "30")
    assert sql("SELECT count(*) FROM book") == [(31,)]
    schema = command("hero-graph", "schema")
    assert "createBook(" in schema
    (tmp_path / "schema.graphql").write_text(schema)
    command("hero-graph", "schema", "--check", "schema.graphql")
    assert "matches the models" in command("hero-graph", "db", "check")

    edit(tmp_path, "".join(f"```diff\n--- {p}\n{t}```\n" for p, t in CHANGE.findall(PROJECT)))
    follow(command, second)
    assert [path.name for path in revisions.glob("0003*")] == ["0003_add_pages.py"]
    assert "matches the models" in command("hero-graph", "db", "check")
    with service(database_url, "--reload", python=python) as running:
        api = tmp_path / "shop" / "api.py"
        api.write_text(api.read_text().replace('title="Shop"', 'title="Book shop"'))
        wait_until(lambda: "<title>Book shop" in page_of(running.url))
    with service(database_url, "--workers", "2", python=python) as running:
        wait_until(lambda: len(workers(running)) == 2)
        with Client(running.url) as client:
            assert client.data("{ bookStats { count } }") == {"bookStats": {"count": 31}}
            create = 'mutation { createBook(input: {title: "A", price: 1, pages: 3}) { pages } }'
            assert client.data(create) == {"createBook": {"pages": 3}}


def test_the_project_has_types(programs: Path, command: Callable[..., str], tmp_path: Path) -> None:
    require(find_spec("mypy") is not None, "needs mypy")
    written(command, tmp_path)
    edit(tmp_path, MOUNTED)
    mypy = ["-m", "mypy", "--strict", "--cache-dir", os.devnull, "-p", "shop", "-m", "main"]
    assert "no issues found" in command("python", *mypy)
    where = command("python", "-c", "import graph; print(graph.__file__)")
    assert Path(where.strip()).is_relative_to(programs.parent)


@pytest.mark.usefixtures("command")
def test_an_app_of_ones_own(programs: Path, tmp_path: Path, sql: Sql) -> None:
    edit(tmp_path, CHANGE.sub("", PROJECT))
    edit(tmp_path, MOUNTED)
    with app_of(programs) as url:
        assert httpx.get(f"{url}/books").json() == []
        [(body, answer)] = EXAMPLE.findall(PROJECT)
        headers = {"Content-Type": "application/json"}
        answered = httpx.post(f"{url}/api/graphql", content=body, headers=headers)
        assert answered.text == answer.rstrip("\n")
        [found] = httpx.get(f"{url}/books").json()
        assert found["title"] == "Emma"
        assert httpx.get(f"{url}/api/ready").json() == {"status": "ok"}
        assert httpx.get(f"{url}/docs").status_code == 200
        with chromium() as browser:
            visitor = Visitor(browser)
            visitor.visit(f"{url}/api")
            visitor.type("{ books { title } }")
            ran: Any = visitor.run()
            assert ran == {"data": {"books": [{"title": "Emma"}]}}
            assert visitor.errors == []
            visitor.page.context.close()
    assert sql("SELECT title FROM book") == [("Emma",)]
    assert sql("SELECT count(*) FROM hero_graph_answer") == [(0,)]


def test_users_and_items_are_taken_over(
    programs: Path, command: Callable[..., str], tmp_path: Path, database_url: str, sql: Sql
) -> None:
    require(find_spec("psycopg") is not None, "needs psycopg")
    shutil.copytree(TEMPLATE, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    command("python", "-c", FILL, database_url)
    edit(tmp_path, TAKEN_OVER)
    follow(command, COMMANDS.findall(TAKEN_OVER)[0])
    assert "matches the models" in command("hero-graph", "db", "check")
    with (
        service(database_url, python=programs / "python") as running,
        Client(running.url) as api,
    ):
        [ann] = api.data(USERS)["usersConnection"]["nodes"]
        assert ann["email"] == "ann@example.org"
        assert ann["items"] == [{"title": "Sword", "owner": {"email": "ann@example.org"}}]
        assert datetime.fromisoformat(ann["createdAt"]).tzinfo is not None
        bob = {"email": "bob@example.org", "password": "correct horse"}
        assert api.data(REGISTER, user=bob)["register"] == {
            "email": "bob@example.org",
            "isActive": True,
            "isSuperuser": False,
            "fullName": None,
        }
        assert api.codes(REGISTER, user={**bob, "email": "bob"}) == ["BAD_USER_INPUT"]
        assert api.codes(REGISTER, user={**bob, "password": "short"}) == ["BAD_USER_INPUT"]
        [again] = api.execute(REGISTER, user=bob)["errors"]
        assert "unique" in again["message"]
        assert (
            "assword"
            not in httpx.post(
                f"{running.url}/graphql",
                json={"query": '{ __type(name: "User") { fields { name } } }'},
            ).text
        )
        create = """mutation($owner: ID!) {
            createItem(input: {title: "Bow", ownerId: $owner}) { owner { email } } }"""
        assert api.data(create, owner=ann["id"])["createItem"]["owner"]["email"] == ann["email"]
        delete = "mutation($id: ID!) { deleteUser(id: $id) { email } }"
        assert api.data(delete, id=ann["id"]) == {"deleteUser": {"email": "ann@example.org"}}
    assert sql("SELECT count(*) FROM item") == [(0,)]
    [(stored,)] = sql('SELECT hashed_password FROM "user"')
    assert "$" in stored
    assert "horse" not in stored
