"""A column of any type needs one line in the model; it is served on both paths."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.client import CREATE, Client
from tests.support.column_types import (
    CHANGED,
    GIVEN,
    GONE,
    HERO,
    NEW,
    NULLABLE,
    ONE,
    PAGE,
    REQUIRED,
    SEVERAL,
    STORED,
    TYPES,
    WITH_DEFAULTS,
    add,
    camel,
    same,
)
from tests.support.databases import Sql
from tests.support.service_process import service, succeeds


@pytest.mark.slow
def test_columns_of_all_types(
    folder: Path, both: Callable[[], list[Client]], database_url: str, sql: Sql
) -> None:
    succeeds("seed", "--count", "2")
    if database_url.startswith("postgresql"):
        sql(f"ALTER DATABASE {make_url(database_url).database} SET TimeZone TO 'Asia/Tokyo'")
    add(folder, [*WITH_DEFAULTS, *NULLABLE])
    succeeds("db", "revision", "-m", "all types")
    (folder / "schema.graphql").write_text(succeeds("schema"))
    succeeds("schema", "--check", "schema.graphql")
    succeeds("db", "upgrade")
    assert "matches the models" in succeeds("db", "check")

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
    change(services)
    refuse(services)
    if database_url.startswith("sqlite"):
        read_what_others_wrote(services, sql)


def write_and_read(services: list[Client]) -> None:
    """Create on one path, read on both, delete on the other."""
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


def change(services: list[Client]) -> None:
    """Check that omitted fields stay unchanged, and that `expected` takes any type."""
    defaults, given = services[0].data(SEVERAL, inputs=[HERO, {**HERO, **GIVEN}])["createHeroes"]
    assert given["mark"] != defaults["mark"]
    assert given["joined"] != defaults["joined"]
    for maker, created in zip(services, (defaults, given), strict=True):
        hero_id, hero = created["id"], created
        for name, value in GIVEN.items():
            for key in (name, camel(f"{name}_or_not")):
                for expected in ({key: hero[key]}, {key: value}):
                    hero = maker.data(CHANGED, id=hero_id, input={key: value}, expected=expected)
                    hero = hero["updateHero"]
                    assert hero[key] == STORED[name] or float(hero[key]) == float(value)
        kept = ("mark", "joined", "price", "code")
        assert {name: hero[name] for name in kept} == {name: created[name] for name in kept}
        nulls = {camel(f"{name}_or_not"): None for name in GIVEN}
        whole = {name: value for name, value in hero.items() if name != "id"}
        cleared = maker.data(CHANGED, id=hero_id, input=nulls, expected=whole)["updateHero"]
        assert cleared == {**hero, **nulls}
        assert maker.codes(CHANGED, id=hero_id, input={}, expected=whole) == ["CONFLICT"]
        assert maker.data(CHANGED, id=hero_id, input={}, expected=nulls)["updateHero"] == cleared
        maker.data(GONE, id=hero_id)


def refuse(services: list[Client]) -> None:
    """Check that an invalid value is `BAD_USER_INPUT`."""
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
        (error,) = same(services, CHANGED, id="1", input=wrong)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", wrong
        assert reason in error["message"]
    no_values: list[tuple[dict[str, str | None], str]] = [
        ({"seen": "2024-01-01T00:00:00"}, "expected.seen: must have a time zone"),
        ({"local": "2024-01-01T00:00:00Z"}, "expected.local: "),
        ({"seen": "0001-01-01T00:00:00+05:00"}, "expected.seen is out of range"),
        ({"fee": "NaN"}, "expected.fee: "),
        ({"token": None}, "expected.token: must not be null"),
    ]
    for expected, reason in no_values:
        (error,) = same(services, CHANGED, id="1", input={}, expected=expected)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", expected
        assert reason in error["message"]
    for other in ({"price": "0.501"}, {"price": "1e400"}, {"code": "longer"}, {"motto": "x" * 300}):
        (error,) = same(services, CHANGED, id="1", input={}, expected=other)["errors"]
        assert error["extensions"]["code"] == "CONFLICT", other


def read_what_others_wrote(services: list[Client], sql: Sql) -> None:
    """Check that a stored value of a wrong type is an error of its field only."""
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


@pytest.mark.slow
def test_required_columns(folder: Path, database_url: str, sql: Sql) -> None:
    add(folder, REQUIRED)
    succeeds("db", "revision", "-m", "no defaults")
    succeeds("seed", "--count", "3")
    assert "matches the models" in succeeds("db", "check")
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
