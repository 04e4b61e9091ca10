"""Columns of all types, and operations on them."""

import re
from pathlib import Path
from typing import Any

from tests.support.client import CREATE, Client

IMPORTS = """from datetime import UTC, date, datetime, time
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
"""By column, its type and default in the model."""

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
"""Answers to the values in `GIVEN`: times are in UTC."""


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(map(str.capitalize, tail))


COLUMNS = [camel(line.partition(":")[0]) for line in (*WITH_DEFAULTS, *NULLABLE)]
FIELDS = " ".join(["id name age secretName", *COLUMNS])
PAGE = f"{{ heroes {{ {FIELDS} }} }}"
ONE = f"query($id: ID!) {{ hero(id: $id) {{ {FIELDS} }} }}"
NEW = CREATE.replace("id name age secretName", FIELDS)
SEVERAL = (
    f"mutation($inputs: [CreateHeroInput!]!) {{ createHeroes(inputs: $inputs) {{ {FIELDS} }} }}"
)
CHANGED = f"""mutation($id: ID!, $input: UpdateHeroInput!, $expected: UpdateHeroInput) {{
  updateHero(id: $id, input: $input, expected: $expected) {{ {FIELDS} }}
}}"""
GONE = f"mutation($id: ID!) {{ deleteHero(id: $id) {{ {FIELDS} }} }}"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}


def add(copy: Path, lines: list[str]) -> None:
    """Add columns to the model."""
    model = copy / "graph" / "hero" / "model.py"
    new = "".join(f"    {line}\n" for line in lines)
    text, count = re.subn(r"(    secret_name: str = .*\n)", rf"\g<1>{new}", model.read_text())
    assert count == 1
    if POWERS not in text:
        text = text.replace("from typing import", f"{IMPORTS}from typing import", 1)
        text = text.replace("class HeroBase(", f"{POWERS}class HeroBase(", 1)
    model.write_text(text)


def same(services: list[Client], query: str, **variables: Any) -> Any:
    """The body of the answer, which is the same on both services but for error ids."""
    request = {"query": query, "variables": variables}
    answers = [re.sub(rb"[0-9a-f]{32}", b"", each.post(request).content) for each in services]
    assert answers[0] == answers[1]
    return services[0].post(request).json()
