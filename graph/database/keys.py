"""Ids, and the primary keys that they name."""

MIN_KEY, MAX_KEY = -(2**63), 2**63 - 1
"""The bounds of the integers that a database takes as a parameter."""


def parse_id(id_: str) -> int | None:
    """The primary key that an id names; None when it can name none.

    A key has one spelling, the one that we give out: " 7" and "07" name no row.
    """
    try:
        value = int(id_)
    except ValueError:
        return None
    return value if str(value) == id_ and MIN_KEY <= value <= MAX_KEY else None
