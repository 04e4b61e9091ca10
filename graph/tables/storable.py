"""Validation of values for a column, for all databases."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import Column


def validate_for_column(value: Any, column: Column[Any]) -> None:
    """Validate that every database can store a value of the column's Python type, and compare it.

    Raises:
        ValueError: the value is invalid; the message completes "<name> …".
    """
    if type(value) is str:
        if "\0" in value:
            raise ValueError("must not contain a NUL character")
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError("must not contain a lone surrogate")
    elif isinstance(value, datetime | time):
        type_: Any = column.type
        has_zone = value.tzinfo is not None
        if has_zone is not type_.timezone:
            raise ValueError(f"must have {'no' if has_zone else 'a'} time zone")
