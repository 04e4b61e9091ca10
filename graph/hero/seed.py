"""Realistic sample heroes."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Enum

from graph.hero.model import HERO

TITLES = ("Captain", "Doctor", "Lady", "Agent", "Professor", "Sister", "Major", "Baron", "Miss")
COLOURS = ("Silver", "Crimson", "Golden", "Midnight", "Azure", "Scarlet", "Emerald", "Violet")
BEASTS = ("Falcon", "Panther", "Raven", "Viper", "Lynx", "Mantis", "Wolf", "Phantom", "Sphinx")
FIRST = ("Ada", "Amara", "Bruno", "Chen", "Dive", "Elena", "Farid", "Grace", "Ines", "Kofi", "Lea")
LAST = ("Abe", "Brandt", "Costa", "Dube", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Kaya")

TITLED = 0.3
"""Share of heroes whose name has a title."""

AGE_KNOWN = 0.9
"""Share of heroes whose age is known."""

BATCH = 10_000
"""Heroes per transaction: few commits, and short holds of the write lock."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

VALUES: dict[type, Callable[[Random], Any]] = {
    str: lambda random: random.choice(COLOURS),
    int: lambda random: random.randint(0, 100),
    float: lambda random: random.random(),
    bool: lambda random: random.choice((True, False)),
    datetime: lambda random: EPOCH + timedelta(seconds=random.randrange(10**9)),
    date: lambda random: date.fromordinal(random.randint(700_000, 740_000)),
    time: lambda random: time(random.randrange(24), random.randrange(60)),
    Decimal: lambda random: Decimal(random.randrange(10**4)) / 100,
    UUID: lambda random: UUID(int=random.getrandbits(128), version=4),
}
"""By type, a random value of any other column."""

OTHERS = [
    column
    for column in HERO.columns
    if not (column.nullable or column.primary_key or column.default or column.server_default)
    and column.name not in {"name", "secret_name"}
]
"""Other columns that must have a value, such as ones added later."""


def any_value(column: Column[Any], random: Random) -> object:
    """Return a random value of the column's type."""
    type_: Any = getattr(column.type, "impl_instance", column.type)  # unwrap a `TypeDecorator`
    if isinstance(type_, Enum):
        return random.choice(list(type_.enum_class or type_.enums))
    value = VALUES[type_.python_type](random)
    if isinstance(value, str):
        return value[: type_.length]
    if isinstance(value, datetime) and not type_.timezone:
        value = value.replace(tzinfo=None)
    return value


def hero(random: Random) -> dict[str, object]:
    """Return a random hero as values by column."""
    name = f"{random.choice(COLOURS)} {random.choice(BEASTS)}"
    if random.random() < TITLED:
        name = f"{random.choice(TITLES)} {name}"
    return {
        "name": name,
        "age": random.randint(16, 90) if random.random() < AGE_KNOWN else None,
        "secret_name": f"{random.choice(FIRST)} {random.choice(LAST)}",
        **{column.name: any_value(column, random) for column in OTHERS},
    }


def batches(count: int) -> Iterator[list[dict[str, object]]]:
    """Yield `count` heroes in batches."""
    random = Random()  # noqa: S311 (nothing secret)
    for start in range(0, count, BATCH):
        yield [hero(random) for _ in range(min(BATCH, count - start))]
