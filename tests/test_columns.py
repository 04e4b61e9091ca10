"""A column of any type is one line in the model, then `db revision` and `schema`."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from graph.migrations import HERE
from tests.client import CREATE, Client
from tests.cluster import Sql
from tests.process import run, service

IMPORTS = """from datetime import UTC, date
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

from pydantic import AwareDatetime, NaiveDatetime
"""

POWERS = '''class Power(Enum):
    """What a hero can do."""

    FLIGHT = "flies"
    STRENGTH = "is strong"


'''

TYPES = {
    "motto": ("str", '"it\'s 100%"'),
    "wins": ("int", "3"),
    "ratio": ("float", "0.5"),
    "active": ("bool", "True"),
    "seen": ("datetime", "datetime(2024, 2, 29, 12, tzinfo=UTC)"),
    "local": ("NaiveDatetime", "datetime(2024, 2, 29, 12, 30, 0, 7)"),
    "born": ("date", "date(2000, 1, 2)"),
    "wakes": ("time", "time(6, 30)"),
    "fee": ("Decimal", 'Decimal("1.25")'),
    "token": ("UUID", "UUID(int=7)"),
    "power": ("Power", "Power.FLIGHT"),
}
"""By column, its type and its default, as they are written in the model."""

WITH_DEFAULTS = [f"{name}: {type_} = {value}" for name, (type_, value) in TYPES.items()] + [
    "joined: datetime = Field(default_factory=lambda: datetime.now(UTC))",
    "mark: UUID = Field(default_factory=uuid4)",
    "price: Decimal = Field(default=Decimal('0.50'), max_digits=8, decimal_places=2)",
    "code: str | None = Field(default=None, unique=True, max_length=5)",
    "mentor_id: int | None = Field(default=None, foreign_key='hero.id', index=True)",
]
NULLABLE = [f"{name}_or_not: {type_} | None = None" for name, (type_, _) in TYPES.items()]
REQUIRED = [f"must_{name}: {type_}" for name, (type_, _) in TYPES.items()]

GIVEN: dict[str, Any] = {
    "motto": 'é 🦸 " \\ \n',
    "wins": 0,
    "ratio": 1e-7,
    "active": False,
    "seen": "2024-02-29T23:59:59.999999+05:30",
    "local": "1999-12-31T23:59:59",
    "born": "0001-01-01",
    "wakes": "23:59:59.000001",
    "fee": "-12.5",
    "token": "96730d66-f489-4054-8ab2-242a687c86c4",
    "power": "STRENGTH",
}
STORED = {**GIVEN, "seen": "2024-02-29T18:29:59.999999+00:00"}
"""What is answered for what was given: a moment is in UTC."""


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(map(str.capitalize, tail))


COLUMNS = [camel(line.partition(":")[0]) for line in (*WITH_DEFAULTS, *NULLABLE)]
FIELDS = " ".join(["id name age secretName", *COLUMNS])
PAGE = f"{{ heroes {{ {FIELDS} }} }}"
ONE = f"query($id: ID!) {{ hero(id: $id) {{ {FIELDS} }} }}"
NEW = CREATE.replace("id name age secretName", FIELDS)
GONE = f"mutation($id: ID!) {{ deleteHero(id: $id) {{ {FIELDS} }} }}"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}


@pytest.fixture
def copy(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, which the commands of the test run."""
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    shutil.copytree(HERE.parent, tmp_path / "copy" / "graph", ignore=ignored)
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    return tmp_path / "copy"


def add(copy: Path, lines: list[str]) -> None:
    """Add columns to the model."""
    model = copy / "graph" / "hero" / "model.py"
    new = "".join(f"    {line}\n" for line in lines)
    text, count = re.subn(r"(    secret_name: str = .*\n)", rf"\g<1>{new}", model.read_text())
    assert count == 1
    if POWERS not in text:
        text = text.replace("from datetime import", f"{IMPORTS}from datetime import", 1)
        text = text.replace("class HeroBase(", f"{POWERS}class HeroBase(", 1)
    model.write_text(text)


def succeeds(*command: str) -> str:
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def both(database_url: str) -> Iterator[Callable[[], list[Client]]]:
    """Starts the copy twice on one database: with compiled operations and without."""
    with ExitStack() as stack:

        def started() -> list[Client]:
            return [
                stack.enter_context(
                    Client(stack.enter_context(service(database_url, fast_execution=fast)).url)
                )
                for fast in (True, False)
            ]

        yield started


def same(services: list[Client], query: str, **variables: Any) -> Any:
    """The body that both answer, the ids of errors left out."""
    request = {"query": query, "variables": variables}
    answers = [re.sub(rb"[0-9a-f]{32}", b"", each.post(request).content) for each in services]
    assert answers[0] == answers[1]
    return services[0].post(request).json()


def test_columns_of_all_types(
    copy: Path, both: Callable[[], list[Client]], database_url: str, sql: Sql
) -> None:
    succeeds("seed", "--count", "2")
    if database_url.startswith("postgresql"):
        sql(f"ALTER DATABASE {make_url(database_url).database} SET TimeZone TO 'Asia/Tokyo'")
    add(copy, [*WITH_DEFAULTS, *NULLABLE])
    succeeds("db", "revision", "-m", "all types")
    (copy / "schema.graphql").write_text(succeeds("schema"))
    succeeds("schema", "--check", "schema.graphql")
    succeeds("db", "upgrade")
    assert "as the models have it" in succeeds("db", "check")

    services = both()
    heroes = same(services, PAGE)["data"]["heroes"]
    assert len(heroes) == 2
    expected = {
        "motto": "it's 100%",
        "wins": 3,
        "ratio": 0.5,
        "active": True,
        "seen": "2024-02-29T12:00:00+00:00",
        "local": "2024-02-29T12:30:00.000007",
        "born": "2000-01-02",
        "wakes": "06:30:00",
        "price": "0.50",
        "token": "00000000-0000-0000-0000-000000000007",
        "power": "FLIGHT",
        "powerOrNot": None,
        "mentorId": None,
    }
    assert {name: heroes[0][name] for name in expected} == expected
    assert float(heroes[0]["fee"]) == 1.25

    write_and_read(services)
    refuse(services)
    if database_url.startswith("sqlite"):
        read_what_others_wrote(services, sql)


def write_and_read(services: list[Client]) -> None:
    """What one way creates both read, and the other way deletes."""
    everything = {**HERO, "code": "abc", "mentorId": 1}
    everything |= {camel(f"{name}{end}"): GIVEN[name] for name in GIVEN for end in ("", "_or_not")}
    for maker, deleter in (services, services[::-1]):
        for given in (everything, HERO):
            created = maker.data(NEW, input=given)["createHero"]
            if given is everything:
                for name, value in STORED.items():
                    for key in (name, camel(f"{name}_or_not")):
                        assert created[key] == value or float(created[key]) == float(value)
            assert same(services, ONE, id=created["id"])["data"] == {"hero": created}
            assert same(services, PAGE)["data"]["heroes"][-1] == created
            assert deleter.data(GONE, id=created["id"])["deleteHero"] == created


def refuse(services: list[Client]) -> None:
    """A value that a column cannot take is the client's to mend."""
    for wrong, reason in (
        ({"seen": "2024-01-01T00:00:00"}, "input.seen: must have a time zone"),
        ({"local": "2024-01-01T00:00:00Z"}, "input.local: "),
        ({"wakes": "06:30:00Z"}, "input.wakes: must have no time zone"),
        ({"seen": "0001-01-01T00:00:00+05:00"}, "seen is out of range"),
        ({"price": "1.234"}, "input.price: "),
        ({"price": "12345678.90"}, "input.price: "),
        ({"code": "longer"}, "input.code: "),
        ({"mentorId": 1_000}, "A reference would lead to a row that is not there."),
        ({"power": "flies"}, "flies"),
        ({"token": "x"}, "UUID"),
    ):
        (error,) = same(services, NEW, input={**HERO, **wrong})["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", wrong
        assert reason in error["message"]


def read_what_others_wrote(services: list[Client], sql: Sql) -> None:
    """A value that is not of its column's type is an error of its field alone."""
    for value in ("'x'", "x'78'", "7", "1e999", "'2024-01-01'", "''"):
        for columns in (NULLABLE, [line for line in WITH_DEFAULTS if "code" not in line]):
            for name in (line.partition(":")[0] for line in columns):
                sql(f"UPDATE hero SET {name} = {value} WHERE id = 2")  # noqa: S608 (a test's own)
                query = f"{{ heroes {{ id v: {camel(name)} }} }}"
                body = same(services, query)
                if columns is NULLABLE:
                    assert [hero["id"] for hero in body["data"]["heroes"]] == ["1", "2"]
                    errors = body.get("errors", [])
                    assert [error["path"] for error in errors] in ([], [["heroes", 1, "v"]])
        same(services, PAGE)
        same(services, ONE, id="2")


def test_columns_that_must_be_given(copy: Path, database_url: str, sql: Sql) -> None:
    add(copy, REQUIRED)
    succeeds("db", "revision", "-m", "no defaults")
    succeeds("seed", "--count", "3")
    assert "as the models have it" in succeeds("db", "check")
    with service(database_url) as started, Client(started.url) as api:
        names = [f"must_{name}" for name in TYPES]
        given = {camel(name): GIVEN[name.removeprefix("must_")] for name in names}
        create = CREATE.replace("id name age secretName", " ".join(map(camel, names)))
        created = api.data(create, input={**HERO, **given})["createHero"]
        assert created["mustPower"] == "STRENGTH"
        assert set(api.codes(create, input=HERO)) == {"BAD_USER_INPUT"}
        page = api.data(f"{{ heroes {{ {' '.join(map(camel, names))} }} }}")["heroes"]
        assert len(page) == 4
        assert page[3] == created
    assert sql("SELECT count(*) FROM hero") == [(4,)]
