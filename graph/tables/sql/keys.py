"""Primary keys, and the opaque ids by which clients know them."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Integer,
    String,
    Table,
    TypeDecorator,
    Uuid,
    and_,
    bindparam,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.schema import CallableColumnDefault
from sqlalchemy.types import TypeEngine

from graph.tables.sql.functions import is_text, underlying_type

ID = "id"
"""Name of the field that has the id of a row."""

MIN_KEY, MAX_KEY = -(2**63), 2**63 - 1
"""Bounds of integer bind parameters."""


def _integer(text: str) -> int:
    value = int(text)
    if not MIN_KEY <= value <= MAX_KEY:
        raise ValueError
    return value


def _text(text: str) -> str:
    text.encode()  # a lone surrogate is a ValueError
    if "\0" in text:
        raise ValueError
    return text


PARSERS: dict[type, Callable[[str], Any]] = {
    int: _integer,
    UUID: UUID,
    str: _text,
    date: date.fromisoformat,
}
"""By Python type of a key column, the parser of its text; raises ValueError."""


Parse = Callable[[str], Any | None]
"""Returns the value of a text; None if no row can have it."""


def parser_of(column: Column[Any]) -> Parse:
    """Return the parser of a key column.

    A value has exactly one spelling: the texts " 7" and "07" match no row.
    """
    parse_any = PARSERS[underlying_type(column.type).python_type]

    def parse(text: str) -> Any | None:
        try:
            value = parse_any(text)
        except ValueError:
            return None
        return value if str(value) == text else None

    return parse


class Key:
    """The primary key of a table.

    The id of a row is the text of its key. With several columns, it has their texts, separated by
    commas; `%` escapes a comma in a text.

    Args:
        table: the table.

    Raises:
        TypeError: a key of this type is not supported.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns: tuple[Column[Any], ...] = tuple(table.primary_key)
        self.names: tuple[str, ...] = tuple(str(column.key) for column in self.columns)
        for column in self.columns:
            if not _is_supported(column.type):
                raise TypeError(
                    f"the key {column.name} of the table {table.name} has the type "
                    f"{column.type!r}: a key must be an int, UUID, str or date"
                )
        if ID in table.c and self.names != (ID,):
            raise TypeError(
                f"the column id of the table {table.name} must be its key: "
                "rename the column, or make it the primary key"
            )
        self.is_single = len(self.columns) == 1
        self._parsers = [parser_of(column) for column in self.columns]
        self._parse_single = self._parsers[0]
        self._parameters = (
            ["key"] if self.is_single else [f"key{n}" for n in range(len(self.columns))]
        )
        types = [bind_type(column) for column in self.columns]
        self.matches: ColumnElement[bool] = and_(
            *[
                column == bindparam(name, type_=type_)
                for column, name, type_ in zip(self.columns, self._parameters, types, strict=True)
            ]
        )
        """Condition: the row has the key in `parameters`."""
        self.among: ColumnElement[bool] = among(self.columns)
        """Condition: the row's key is in the bind parameter `keys`."""

    @property
    def is_numbered(self) -> bool:
        """Whether the database numbers new rows, each with a greater key than the one before."""
        column = self.columns[0]
        return self.table.autoincrement_column is column and column.default is None

    def with_defaults(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values of a new row, with those of the key that Python makes."""
        made = {
            name: column.default.arg(None)  # type: ignore[arg-type] # (no context)
            for name, column in zip(self.names, self.columns, strict=True)
            if name not in values and isinstance(column.default, CallableColumnDefault)
        }
        return values | made

    def parse(self, id_: str) -> tuple[Any, ...] | None:
        """Return the values of a key of several columns; None if no row can have this id."""
        texts = id_.split(",")
        if len(texts) != len(self.columns):
            return None
        values = tuple(
            [
                parse(text.replace("%2C", ",").replace("%25", "%"))
                for parse, text in zip(self._parsers, texts, strict=True)
            ]
        )
        return values if None not in values and composite_id(values) == id_ else None

    def parameters(self, id_: str) -> dict[str, object] | None:
        """Return the bind parameters of an id; None if no row can have this id."""
        if self.is_single:
            value = self._parse_single(id_)
            return None if value is None else {"key": value}
        values = self.parse(id_)
        return None if values is None else dict(zip(self._parameters, values, strict=True))

    def given(self, rows: Sequence[Sequence[Any]]) -> dict[str, object]:
        """Return the bind parameters of `among` for these keys, given by column."""
        return {
            "keys": [row[0] for row in rows] if self.is_single else [tuple(row) for row in rows]
        }


def _is_supported(type_: TypeEngine[Any]) -> bool:
    own: Any = underlying_type(type_)
    if isinstance(own, Uuid):
        return own.as_uuid
    return own.python_type in PARSERS and (own.python_type is not str or is_text(own))


def among(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Condition: the columns have one of the values in the bind parameter `keys`.

    Values of several columns are tuples.
    """
    types = [bind_type(column) for column in columns]
    several: Any = columns[0] if len(columns) == 1 else tuple_(*columns, types=types)
    type_ = types[0] if len(columns) == 1 else several.type
    condition: ColumnElement[bool] = several.in_(bindparam("keys", type_=type_, expanding=True))
    return condition


key_of = cache(Key)
"""Return the key of a table."""


def referenced(column: Column[Any]) -> Column[Any] | None:
    """Return the key that a foreign key refers to; None for any other column."""
    for foreign_key in column.foreign_keys:
        target = foreign_key.column
        if len(target.table.primary_key.columns) == 1 and target.primary_key:
            return target
    return None


def leads_key(columns: Sequence[Column[Any]]) -> bool:
    """Whether the primary key begins with these columns, in any order; it has an index."""
    table: Any = columns[0].table
    return set(list(table.primary_key)[: len(columns)]) == set(columns)


def has_keyset_index(column: Column[Any]) -> bool:
    """Whether `keyset_indexes` gives the column an index on (column, key).

    It does so for each column that the model declares with `index` or `unique`.
    """
    return bool(column.index or column.unique)


def bind_type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return a bind type that accepts values beyond the column's range or length."""
    own = underlying_type(column.type)
    if isinstance(own, Integer):
        return BigInteger()
    if isinstance(own, Uuid) and own.as_uuid:
        return _UuidOrDigits()
    return String() if is_text(column.type) else column.type


class _UuidOrDigits(Uuid[UUID]):
    """A UUID, which may be given in hexadecimal digits (`Rows.keys`)."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return the conversion for the driver."""
        if dialect.supports_native_uuid:
            return None
        return lambda value: value if type(value) is str else value.hex

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Leave values as they are stored."""


def composite_id(values: Sequence[object]) -> str:
    """Return the id of a key of several columns."""
    return ",".join([str(value).replace("%", "%25").replace(",", "%2C") for value in values])


class _CompositeId(TypeDecorator[str]):
    """The type of a composite id, which the database returns as a JSON list."""

    impl = String
    cache_ok = True

    def __init__(self, kinds: tuple[type, ...]) -> None:
        super().__init__()
        self.kinds = kinds

    def process_result_value(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002 (SQLAlchemy's)
        """Return the id."""
        values = json.loads(value)
        return composite_id([kind(each) for kind, each in zip(self.kinds, values, strict=True)])


class _JsonList(FunctionElement[str]):
    """A JSON list of some columns, as a text."""

    name = "id"
    inherit_cache = True


@compiles(_JsonList, "sqlite")
def _json_array(element: _JsonList, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **options)})"


@compiles(_JsonList, "postgresql")
def _build_array(element: _JsonList, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_build_array({compiler.process(element.clauses, **options)}) AS TEXT)"


def _id_of(table: Table) -> ColumnElement[Any]:
    """Return the id of a row of a table that has no column of this name."""
    key = key_of(table)
    if key.is_single:
        return key.columns[0].label(ID)
    element = _JsonList(*key.columns)
    kinds = [underlying_type(column.type).python_type for column in key.columns]
    # A UUID is another text in each database.
    element.type = _CompositeId(tuple(UUID if kind is UUID else str for kind in kinds))
    return element.label(ID)


def selected(table: Table, columns: tuple[str, ...] | None) -> list[ColumnElement[Any]]:
    """Return the columns with these names; all for None, and the key for an empty tuple."""
    if columns is None:
        return [*table.c, *([] if ID in table.c else [_id_of(table)])]
    if not columns:
        return list(key_of(table).columns)
    return [table.c[name] if name in table.c else _id_of(table) for name in columns]
