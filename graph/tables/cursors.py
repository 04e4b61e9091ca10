"""Cursors: opaque texts for the position of a row in an order."""

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from operator import itemgetter
from types import NoneType
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Dialect, Table

from graph.database.statement import Rows
from graph.errors import BadUserInputError, UnreadableValueError
from graph.tables.sql.conditions import Condition
from graph.tables.sql.functions import underlying_type
from graph.tables.sql.keys import MAX_KEY, MIN_KEY
from graph.tables.sql.segments import Order

VERSION = b"1"
"""Version of the format."""

READ: dict[type, Callable[[Any], Any]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
    time: time.fromisoformat,
    timedelta: lambda text: timedelta(microseconds=int(text)),
    UUID: UUID,
}
"""By type of a column, the parser of the text in a cursor."""

MARKED: dict[str, Callable[[str], Any]] = {"bytes": bytes.fromhex, "float": float.fromhex}
"""By tag, the parser of a tagged text, for values that JSON cannot represent."""


class Cursors:
    """The cursors of one order of a table, under one condition.

    A cursor is the base64 of the version, a digest of table, order and condition, and the JSON
    array of the row's values in the columns of the order. The digest detects a cursor of another
    order or condition. It needs no secret: a forged cursor reveals no more than a filter could.
    """

    def __init__(self, table: Table, order: Order, condition: Condition) -> None:
        self._table = table
        self._columns = [table.c[term.column] for term in order]
        # Spelled out: renaming a field of `Condition` must not invalidate cursors.
        filtered = f"Condition(shape={condition.template!r}, values={condition.values!r})"
        belongs_to = f"({table.fullname!r}, {order!r}, {filtered})"
        self._prefix = VERSION + blake2b(belongs_to.encode(), digest_size=9).digest()

    def write(self, rows: Rows) -> list[Any]:
        """Return the cursors of rows; the rows must have all columns of the order.

        A row has no cursor if one of these columns has a value that no bind parameter can have, or
        null against the model: the exception takes its place, and is reported by graphql-core.
        """
        places = [rows.columns.index(str(column.key)) for column in self._columns]
        get = itemgetter(*places)
        keys: Iterable[Any] = map(get, rows.written)
        if len(places) == 1:  # the primary key, which is not a float
            keys = [(key,) for key in keys]
        else:
            keys = list(keys)
            required = [index for index, each in enumerate(self._columns) if not each.nullable]
            types = {type(value) for key in keys for value in key}
            if float in types:
                keys = [[_exact(value) for value in key] for key in keys]
            if any(issubclass(each, Exception) for each in types) or (
                NoneType in types and any(key[index] is None for key in keys for index in required)
            ):
                return [self._unreadable(key) or self._text(key) for key in keys]
        prefix, dumps = self._prefix, orjson.dumps
        return [
            b2a_base64(prefix + dumps(key, default=_json), newline=False).decode() for key in keys
        ]

    def _text(self, key: Sequence[Any]) -> str:
        text = self._prefix + orjson.dumps(key, default=_json)
        return b2a_base64(text, newline=False).decode()

    def _unreadable(self, key: Sequence[Any]) -> UnreadableValueError | None:
        """Return the exception of a row that has no cursor."""
        for column, value in zip(self._columns, key, strict=True):
            if isinstance(value, Exception) or (value is None and not column.nullable):
                return UnreadableValueError(self._table.name, key[-1], column.name, value)
        return None

    def read(self, cursor: str, argument: str, dialect: Dialect) -> Sequence[Any]:
        """Return the values in a cursor.

        Args:
            cursor: the text that a client sent.
            argument: the name of the argument, for the error message.
            dialect: the database's dialect; SQLite may store values of other types than a
                column's.

        Raises:
            BadUserInputError: it is no cursor of this order and condition.
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
            raise BadUserInputError(f"{argument} must be a cursor of the same filter and order")
        return position


def _exact(value: Any) -> Any:
    """Encode a float exactly; JSON cannot represent infinite ones."""
    return {"float": value.hex()} if type(value) is float else value


def _json(value: Any) -> Any:
    """Encode values that JSON cannot represent."""
    if isinstance(value, Decimal | UUID):  # asyncpg has a class of its own for UUIDs
        return str(value)
    if isinstance(value, timedelta):
        return str(value // timedelta(microseconds=1))
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    raise TypeError


def _read(column: Column[Any], value: Any, *, any_type: bool) -> Any:
    """Parse a value of a column.

    Raises:
        ValueError, TypeError, ArithmeticError: the column cannot have this value.
    """
    if value is None:
        if not column.nullable:
            raise ValueError
        return None
    type_ = underlying_type(column.type)
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
    if isinstance(value, int) and not MIN_KEY <= value <= MAX_KEY:
        raise ValueError
    if isinstance(value, str) and "\0" in value and not any_type:
        raise ValueError
    return value
