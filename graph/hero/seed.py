"""Realistic sample heroes; without this file, `seed` adds random values."""

from random import Random

TITLES = ("Captain", "Doctor", "Lady", "Agent", "Professor", "Sister", "Major", "Baron", "Miss")
COLOURS = ("Silver", "Crimson", "Golden", "Midnight", "Azure", "Scarlet", "Emerald", "Violet")
BEASTS = ("Falcon", "Panther", "Raven", "Viper", "Lynx", "Mantis", "Wolf", "Phantom", "Sphinx")
FIRST = ("Ada", "Amara", "Bruno", "Chen", "Dive", "Elena", "Farid", "Grace", "Ines", "Kofi", "Lea")
LAST = ("Abe", "Brandt", "Costa", "Dube", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Kaya")

TITLED = 0.3
"""Share of heroes whose name has a title."""

AGE_KNOWN = 0.9
"""Share of heroes whose age is known."""


def hero(random: Random) -> dict[str, object]:
    """Return a random hero as values by column."""
    name = f"{random.choice(COLOURS)} {random.choice(BEASTS)}"
    if random.random() < TITLED:
        name = f"{random.choice(TITLES)} {name}"
    return {
        "name": name,
        "age": random.randint(16, 90) if random.random() < AGE_KNOWN else None,
        "secret_name": f"{random.choice(FIRST)} {random.choice(LAST)}",
    }


REALISTIC = {"hero": hero}
"""By table, the function that makes a row; columns that it leaves out get random values."""
