"""Conditions on the rows of a table: their shape, from which SQL is made once, and their values."""

from collections.abc import Hashable
from typing import NamedTuple


class Condition(NamedTuple):
    """Which rows are meant."""

    shape: Hashable
    """All of it but its values, from which the SQL is made."""
    values: tuple[object, ...]
    """The values that the parameters of its SQL have, in order."""


EVERYTHING = Condition(("and", ()), ())
"""All rows."""
