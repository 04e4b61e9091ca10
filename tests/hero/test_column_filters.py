"""Filters of columns of all types, derived from their indexes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import HERO_FIELDS, Client
from tests.support.column_types import add, same
from tests.support.service_process import succeeds

LINES = [
    "motto: str | None = Field(default=None, index=True, max_length=5)",
    "team: str = Field(default='none', index=True)",
    "ratio: float | None = Field(default=None, index=True)",
    "active: bool | None = Field(default=None, index=True)",
    "seen: datetime | None = Field(default=None, index=True)",
    "local: NaiveDatetime | None = Field(default=None, index=True)",
    "born: date | None = Field(default=None, index=True)",
    "wakes: time | None = Field(default=None, index=True)",
    "price: Decimal | None = Field(default=None, index=True, max_digits=8, decimal_places=2)",
    "token: UUID | None = Field(default=None, index=True)",
    "power: Power | None = Field(default=None, index=True)",
    "mentor_id: int | None = Field(default=None, index=True)",
    "moment: AwareDatetime | None = Field(default=None, index=True)",
    "plain: str | None = None",
]

ORDERED: dict[str, list[Any]] = {
    "ratio": [-0.5, 1e-7, 2.5],
    "seen": ["2024-01-01T00:30:00+01:00", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000001Z"],
    "moment": ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", "2024-01-01T02:00:00Z"],
    "local": ["1999-12-31T23:59:59", "2000-01-01T00:00:00", "2000-01-01T00:00:00.000001"],
    "born": ["0001-01-01", "1999-12-31", "2000-01-01"],
    "wakes": ["00:00:00", "06:30:00", "06:30:00.000001"],
    "price": ["-1.50", "9.99", "10.00"],
    "mentorId": [1, 2, 3],
}
"""By field, the values of the first three heroes in order; the fourth has null."""

OTHERS: dict[str, list[Any]] = {
    "motto": ["a", "B", "c"],
    "active": [True, False, True],
    "token": [f"00000000-0000-0000-0000-00000000000{digit}" for digit in "abc"],
    "power": ["FLIGHT", "STRENGTH", "FLIGHT"],
}

OPERATORS = {
    "DateFilter": "eq gt gte in isNull lt lte ne",
    "DateTimeFilter": "eq gt gte in isNull lt lte ne",
    "DecimalFilter": "eq gt gte in isNull lt lte ne",
    "FloatFilter": "eq gt gte in isNull lt lte ne",
    "IntFilter": "eq gt gte in isNull lt lte ne",
    "TimeFilter": "eq gt gte in isNull lt lte ne",
    "BooleanFilter": "eq isNull ne",
    "PowerFilter": "eq in isNull ne",
    "UUIDFilter": "eq in isNull ne",
    "StringFilter": "contains eq eqIgnoreCase in ne startsWith",
    "NullableStringFilter": "contains eq eqIgnoreCase in isNull ne startsWith",
}

CREATE = f"mutation($input: CreateHeroInput!) {{ createHero(input: $input) {{ {HERO_FIELDS} }} }}"
PAGE = "query($where: HeroFilter) { heroes(where: $where) { id } }"


@pytest.mark.slow
def test_a_column_with_an_index_has_a_filter(
    folder: Path,
    both: Callable[[], list[Client]],
) -> None:
    add(folder, LINES)
    succeeds("db", "revision", "-m", "with indexes")
    succeeds("db", "upgrade")
    services = both()
    for name, operators in OPERATORS.items():
        query = f'{{ __type(name: "{name}") {{ inputFields {{ name }} }} }}'
        fields = services[0].data(query)["__type"]["inputFields"]
        assert " ".join(sorted(field["name"] for field in fields)) == operators, name
    assert services[0].codes(PAGE, where={"plain": {"eq": "x"}}) == ["BAD_USER_INPUT"]

    for index in range(4):
        values = {name: each[index] for name, each in (ORDERED | OTHERS).items() if index < 3}
        given = {"name": "A", "secretName": "B", **values}
        services[0].data(CREATE, input=given)
    match(services)
    refuse(services)


def ids(services: list[Client], where: dict[str, Any]) -> list[int]:
    """Return the ids that a filter matches."""
    body = same(services, PAGE, where=where)
    assert "errors" not in body, (where, body)
    return [int(hero["id"]) for hero in body["data"]["heroes"]]


def match(services: list[Client]) -> None:
    """Check each comparison with each value."""
    for name, values in (ORDERED | OTHERS).items():
        for value in values:
            equal = [index for index, each in enumerate(values, start=1) if each == value]
            unequal = [index for index in (1, 2, 3, 4) if index not in equal]
            assert ids(services, {name: {"eq": value}}) == equal, (name, value)
            assert ids(services, {name: {"ne": value}}) == unequal, (name, value)
        assert ids(services, {name: {"isNull": True}}) == [4], name
        if name != "active":
            assert ids(services, {name: {"in": values}}) == [1, 2, 3], name
        if name in ORDERED:
            middle = values[1]
            for operator, expected in (
                ("lt", [1]),
                ("lte", [1, 2]),
                ("gt", [3]),
                ("gte", [2, 3]),
            ):
                assert ids(services, {name: {operator: middle}}) == expected, (name, operator)
    # A value beyond a column's range must not be truncated to it.
    assert ids(services, {"price": {"eq": "9.991"}}) == []
    assert ids(services, {"price": {"lt": "9.991"}}) == [1, 2]
    assert ids(services, {"price": {"lt": "123456789012.5"}}) == [1, 2, 3]
    assert ids(services, {"motto": {"ne": "a" * 6}}) == [1, 2, 3, 4]
    assert ids(services, {"motto": {"startsWith": "abcdef"}}) == []
    assert ids(services, {"team": {"eqIgnoreCase": "NONE"}}) == [1, 2, 3, 4]


def refuse(services: list[Client]) -> None:
    """Check that invalid values are rejected."""
    for where, message in (
        ({"seen": {"gt": "2024-01-01T00:00:00"}}, "where.seen.gt must have a time zone"),
        ({"local": {"in": ["2024-01-01T00:00:00Z"]}}, "where.local.in must have no time zone"),
        ({"wakes": {"eq": "06:30:00Z"}}, "where.wakes.eq must have no time zone"),
        ({"seen": {"lt": "0001-01-01T00:00:00+05:00"}}, "where.seen.lt is out of range"),
        ({"price": {"lt": "NaN"}}, "where.price.lt is out of range"),
        ({"price": {"lt": "1e1001"}}, "where.price.lt is out of range"),
        ({"motto": {"isNull": None}}, "where.motto.isNull must not be null"),
    ):
        (error,) = same(services, PAGE, where=where)["errors"]
        assert error["message"] == message
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
