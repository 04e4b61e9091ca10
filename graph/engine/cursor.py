"""Cursors: where a row is in an order, as an opaque text."""

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Dialect, Table

from graph.database.codepoint import stored
from graph.database.conditions import Condition
from graph.database.order import Order
from graph.database.statement import Rows
from graph.errors import BadUserInputError

VERSION = b"1"
"""That of what cursors are made of."""

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
"""The bounds of the integers that a database takes as a parameter."""

READ: dict[type, Callable[[Any], Any]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
    time: time.fromisoformat,
    UUID: UUID,
}
"""By type of a column, what makes a value of the text that a cursor has."""

MARKED: dict[str, Callable[[str], Any]] = {"bytes": bytes.fromhex, "float": float.fromhex}
"""By mark, what makes a value of the text that is marked so in a cursor."""


class Cursors:
    """The cursors of one order of a table, under one condition.

    A cursor is the base64 of a version, a digest of what it belongs to, and the JSON array of the
    values that its row has in the columns of the order. The digest tells a cursor of another order
    or condition; it is no secret, as one that is made up says no more than a condition could.
    """

    def __init__(self, table: Table, order: Order, condition: Condition) -> None:
        self._columns = [table.c[term.column] for term in order]
        # Spelled out, so that renaming a class or a field here does not invalidate cursors.
        filtered = f"Condition(shape={condition.template!r}, values={condition.values!r})"
        belongs_to = f"({table.name!r}, {order!r}, {filtered})"
        self._prefix = VERSION + blake2b(belongs_to.encode(), digest_size=9).digest()

    def write(self, rows: Rows) -> list[str]:
        """The cursors of rows, which have all columns of the order."""
        places = [rows.columns.index(str(column.key)) for column in self._columns]
        get = itemgetter(*places)
        keys: Iterable[Any] = map(get, rows.tuples)
        if len(places) == 1:  # that of the key, which is no float
            keys = [(key,) for key in keys]
        else:
            keys = list(keys)
            if any(type(value) is float for key in keys for value in key):
                keys = [[_exact(value) for value in key] for key in keys]
        prefix, dumps = self._prefix, orjson.dumps
        return [
            b2a_base64(prefix + dumps(key, default=_json), newline=False).decode() for key in keys
        ]

    def read(self, cursor: str, argument: str, dialect: Dialect) -> Sequence[Any]:
        """The values that a cursor has.

        Args:
            cursor: what a client sent.
            argument: what it was sent as.
            dialect: that of the database; SQLite's values may be of other types than their column.

        Raises:
            BadUserInputError: it is none of these cursors.
        """
        try:
            text = b64decode(cursor, validate=True)
            prefix, values = text[: len(self._prefix)], orjson.loads(text[len(self._prefix) :])
            any_type = dialect.name == "sqlite"
            position = [
                _read(column, value, any_type=any_type)
                for column, value in zip(self._columns, values, strict=True)
            ]
        except (ValueError, TypeError, LookupError, ArithmeticError):
            prefix, position = b"", []
        if prefix != self._prefix:
            raise BadUserInputError(f"{argument} is no cursor of this order and filter")
        return position


def _exact(value: Any) -> Any:
    """A float with all its bits; JSON has no form for infinite ones."""
    return {"float": value.hex()} if type(value) is float else value


def _json(value: Any) -> Any:
    """What JSON has no form for."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    raise TypeError


def _read(column: Column[Any], value: Any, *, any_type: bool) -> Any:
    """The value of a column.

    Raises:
        ValueError, TypeError, ArithmeticError: it can have none like this.
    """
    if value is None:
        if not column.nullable:
            raise ValueError
        return None
    type_ = stored(column.type)
    kind = type_.python_type
    if isinstance(value, dict):
        ((form, text),) = value.items()
        value = MARKED[form](text)
    elif issubclass(kind, Enum):
        value = kind(value)
    elif isinstance(value, str) and kind in READ:
        value = READ[kind](value)
    has_zone = getattr(value, "tzinfo", None) is not None
    is_of_type = type(value) is kind and has_zone is bool(getattr(type_, "timezone", False))
    any_type = any_type and not column.primary_key
    if not is_of_type and not (any_type and isinstance(value, int | float | str | bytes)):
        raise TypeError
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise ValueError
    if isinstance(value, str) and "\0" in value and not any_type:
        raise ValueError
    return value
