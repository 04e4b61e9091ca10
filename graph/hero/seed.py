"""Realistic sample heroes; without this file, `hero-graph seed` adds random values."""

from collections.abc import Iterator
from random import Random

from graph.hero.model import HERO
from graph.tables import samples

TITLES = ("Captain", "Doctor", "Lady", "Agent", "Professor", "Sister", "Major", "Baron", "Miss")
COLOURS = ("Silver", "Crimson", "Golden", "Midnight", "Azure", "Scarlet", "Emerald", "Violet")
BEASTS = ("Falcon", "Panther", "Raven", "Viper", "Lynx", "Mantis", "Wolf", "Phantom", "Sphinx")
FIRST = ("Ada", "Amara", "Bruno", "Chen", "Dive", "Elena", "Farid", "Grace", "Ines", "Kofi", "Lea")
LAST = ("Abe", "Brandt", "Costa", "Dube", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Kaya")

TITLED = 0.3
"""Share of heroes whose name has a title."""

AGE_KNOWN = 0.9
"""Share of heroes whose age is known."""

NEEDED = samples.needed_columns(HERO)
"""Columns that must have a value, those added later included."""


def hero(random: Random) -> dict[str, object]:
    """Return a random hero as values by column."""
    name = f"{random.choice(COLOURS)} {random.choice(BEASTS)}"
    if random.random() < TITLED:
        name = f"{random.choice(TITLES)} {name}"
    return {
        **{column.name: samples.any_value(column, random) for column in NEEDED},
        "name": name,
        "age": random.randint(16, 90) if random.random() < AGE_KNOWN else None,
        "secret_name": f"{random.choice(FIRST)} {random.choice(LAST)}",
    }


def batches(count: int) -> Iterator[list[dict[str, object]]]:
    """Yield `count` heroes in batches."""
    return samples.batches(count, hero)
