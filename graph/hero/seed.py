"""Believable heroes, to try the service with."""

from collections.abc import Iterator
from random import Random

TITLES = ("Captain", "Doctor", "Lady", "Agent", "Professor", "Sister", "Major", "Baron", "Miss")
COLOURS = ("Silver", "Crimson", "Golden", "Midnight", "Azure", "Scarlet", "Emerald", "Violet")
BEASTS = ("Falcon", "Panther", "Raven", "Viper", "Lynx", "Mantis", "Wolf", "Phantom", "Sphinx")
FIRST = ("Ada", "Amara", "Bruno", "Chen", "Dive", "Elena", "Farid", "Grace", "Ines", "Kofi", "Lea")
LAST = ("Abe", "Brandt", "Costa", "Dube", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Kaya")

TITLED = 0.3
"""The share of heroes whose name has a title."""

AGE_KNOWN = 0.9
"""The share of heroes whose age is known."""

BATCH = 10_000
"""Heroes a transaction: few commits, and the write lock is free again soon."""


def hero(random: Random) -> dict[str, object]:
    """One hero, as the values of its columns."""
    name = f"{random.choice(COLOURS)} {random.choice(BEASTS)}"
    if random.random() < TITLED:
        name = f"{random.choice(TITLES)} {name}"
    return {
        "name": name,
        "age": random.randint(16, 90) if random.random() < AGE_KNOWN else None,
        "secret_name": f"{random.choice(FIRST)} {random.choice(LAST)}",
    }


def heroes(count: int) -> Iterator[list[dict[str, object]]]:
    """`count` heroes in batches."""
    random = Random()  # noqa: S311 (nothing secret)
    for start in range(0, count, BATCH):
        yield [hero(random) for _ in range(min(BATCH, count - start))]
