"""A project whose models are all its own writes its first revision, and adopts what is there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, MetaData
from sqlalchemy.schema import CreateSchema

from tests.guides import book, library
from tests.guides.book.model import METADATA as BOOKS
from tests.guides.library.model import METADATA as LIBRARY
from tests.support.client import Client
from tests.support.databases import Sql, on_postgresql
from tests.support.service_process import run
from tests.support.tables import run as run_on

pytestmark = pytest.mark.slow

NEW_AUTHOR = 'mutation { createAuthor(input: {name: "Ann"}) { name } }'

STORED = "The operation was stored."

NEW_BOOK = 'mutation { createBook(input: {title: "Emma", price: 9}) { title } }'


def succeeds(*command: str) -> str:
    """The output of a command."""
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def take(folder: Path, package: str) -> None:
    """Replace the tables of the copy, and its revisions by none."""
    shutil.rmtree(folder / "graph" / "hero")
    source = Path(package).parent
    shutil.copytree(source, folder / "graph" / "hero", ignore=shutil.ignore_patterns("__pycache__"))


def create(url: str, metadata: MetaData) -> None:
    """Create tables as another program does, without the indexes that only pages need."""
    copied = MetaData()
    for table in metadata.sorted_tables:
        copy = table.to_metadata(copied)
        for index in [each for each in copy.indexes if len(each.columns) > 1]:
            copy.indexes.remove(index)

    def work(connection: Connection) -> None:
        for schema in {table.schema for table in copied.sorted_tables} - {None}:
            connection.execute(CreateSchema(str(schema)))
        copied.create_all(connection)

    run_on(url, work)


def invalid_row(sql: Sql, api: Client) -> str:
    """The error of an author whom a trigger makes invalid, which the connection knows."""
    function = """CREATE OR REPLACE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN {} RETURN NEW; END $$"""
    sql(function.format(""))
    sql("CREATE TRIGGER it BEFORE INSERT ON shop.author FOR EACH ROW EXECUTE FUNCTION change()")
    api.data(NEW_AUTHOR)
    sql("ALTER TABLE shop.author ALTER name DROP NOT NULL")
    sql(function.format("NEW.name := NULL;"))
    [error] = api.execute(NEW_AUTHOR)["errors"]
    sql("DROP TRIGGER it ON shop.author")
    sql("ALTER TABLE shop.author ALTER name SET NOT NULL")
    return str(error["message"])


def test_there_is_no_revision_yet(folder: Path) -> None:
    take(folder, str(book.__file__))
    for command in (["serve"], ["db", "upgrade"], ["db", "check"]):
        done = run(*command)
        assert done.returncode == 1
        assert "hero-graph db revision -m first" in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def test_existing_tables_are_adopted(
    database_url: str, sql: Sql, folder: Path, serve_copy: Callable[..., Client]
) -> None:
    create(database_url, BOOKS)
    take(folder, str(book.__file__))
    succeeds("db", "revision", "-m", "books")
    versions = sorted(path.name for path in folder.glob("graph/hero/revisions/*.py"))
    assert versions == ["0001_books.py", "0002_keyset_indexes.py"]
    assert run("db", "check").returncode == 3
    assert "from revision 0001 to 0002" in succeeds("db", "upgrade")
    assert "matches the models" in succeeds("db", "check")
    assert serve_copy().data(NEW_BOOK) == {"createBook": {"title": "Emma"}}
    assert sql("SELECT title FROM book") == [("Emma",)]


@on_postgresql
@pytest.mark.parametrize("exists", [True, False])
def test_a_second_schema_and_arrays(
    database_url: str,
    sql: Sql,
    folder: Path,
    serve_copy: Callable[..., Client],
    exists: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    if exists:
        create(database_url, LIBRARY)
        sql("INSERT INTO shop.author (name) VALUES ('Jane')")
    take(folder, str(library.__file__))
    succeeds("db", "revision", "-m", "library")
    if exists:
        assert sql("SELECT name FROM shop.author") == [("Jane",)]
    else:
        assert sql("SELECT to_regnamespace('shop')") == [(None,)]
    succeeds("db", "upgrade")
    assert "matches the models" in succeeds("db", "check")
    model = folder / "graph" / "hero" / "model.py"
    text = model.read_text("utf-8")
    field = "    name: str = Field(index=True)\n"
    model.write_text(text.replace(field, f"{field}    born: int | None = None\n"), "utf-8")
    succeeds("db", "revision", "-m", "born")
    [revision] = folder.glob("graph/hero/revisions/0003_born.py")
    assert revision.read_text("utf-8").count("op.") == 2
    succeeds("db", "upgrade")
    assert "matches the models" in succeeds("db", "check")
    succeeds("seed", "--count", "20")
    api = serve_copy()
    assert httpx.get(f"{api.url}/ready").status_code == 200
    author = api.data('mutation { createAuthor(input: {name: "Ann", born: 1920}) { id born } }')
    made = api.data(
        "mutation($i: CreateVolumeInput!) { createVolume(input: $i) { title tags authorId } }",
        i={"title": "A", "tags": ["x", "y"], "authorId": author["createAuthor"]["id"]},
    )["createVolume"]
    assert made["tags"] == ["x", "y"]
    assert len(api.data("{ volumes { tags } }")["volumes"]) == 21
    assert STORED not in invalid_row(sql, serve_copy())
    assert sql("SELECT name FROM shop.author WHERE name IS NULL") == []
    sql("DROP INDEX shop.ix_author_name_and_id")
    assert "ix_author_name_and_id" in run("db", "check").stderr
    sql("ALTER TABLE shop.author RENAME TO elsewhere")
    assert httpx.get(f"{api.url}/ready").status_code == 503
    assert "the database has no table shop.author" in run("db", "check").stderr


@on_postgresql
def test_a_part_of_the_first_tables_is_refused(database_url: str, sql: Sql, folder: Path) -> None:
    create(database_url, LIBRARY)
    take(folder, str(library.__file__))
    succeeds("db", "revision", "-m", "library")
    sql("DROP TABLE volume")
    for command in (["serve"], ["db", "upgrade"], ["db", "check"]):
        done = run(*command)
        assert done.returncode == 1
        assert "has the table shop.author, but no table volume" in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
