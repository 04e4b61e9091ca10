"""Ids, and the primary keys that they stand for."""

MIN_KEY, MAX_KEY = -(2**63), 2**63 - 1
"""Bounds of integer bind parameters."""


def parse_id(id_: str) -> int | None:
    """Return the primary key of an id; None if no row can have this id.

    A key has exactly one spelling: the ids " 7" and "07" match no row.
    """
    try:
        value = int(id_)
    except ValueError:
        return None
    return value if str(value) == id_ and MIN_KEY <= value <= MAX_KEY else None
