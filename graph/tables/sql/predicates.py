"""Conditions on rows in Python: the same rows match as in the database."""

import string
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from math import isnan
from typing import Any, TypeAlias

from sqlalchemy import Column, Float, Integer, Numeric, Table

from graph.tables.sql.conditions import Condition, Template
from graph.tables.sql.functions import underlying_type

Values: TypeAlias = Sequence[Any]
"""A row's values, by column of the table."""

Predicate: TypeAlias = Callable[[Values], bool]

TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

NUMBERS = int | float | Decimal

NUMBER, NOT_A_NUMBER, TEXT, BYTES, OTHER = range(5)
"""The order of values of different types, as SQLite has it; PostgreSQL's columns have one type."""


def predicate(table: Table, condition: Condition) -> Predicate:
    """Return a function that tells whether a row matches.

    Args:
        table: the table of the rows.
        condition: without related rows.
    """
    return _predicate(table, condition.template, iter(condition.values))


def _predicate(table: Table, template: Template, values: Iterator[Any]) -> Predicate:
    operator, about = template[:2]
    if operator in {"and", "or"}:
        parts = [_predicate(table, part, values) for part in about]
        every = all if operator == "and" else any
        return lambda row: every(part(row) for part in parts)
    if operator == "not":
        inner = _predicate(table, about, values)
        return lambda row: not inner(row)
    place = table.columns.keys().index(about)
    test = _test(table.c[about], template, values)
    return lambda row: test(row[place])


def _test(column: Column[Any], template: Template, values: Iterator[Any]) -> Callable[[Any], bool]:
    """Return the comparison of a column's value.

    With null it is false, and its negation true, as `clause` writes it.
    """
    operator = template[0]
    if operator in {"null", "set"}:
        return lambda value: (value is None) is (operator == "null")
    if operator == "in":
        among = {_key(next(values)) for _ in range(template[2])}
        return lambda value: value is not None and _key(value) in among
    compare, given = COMPARISONS[operator], next(values)
    if operator == "ne":
        return lambda value: value is None or compare(value, given)
    is_numeric = isinstance(underlying_type(column.type), Integer | Float | Numeric)
    if operator in {"gt", "gte"} and is_numeric:  # as `IsNumber`
        return lambda value: isinstance(value, NUMBERS) and compare(value, given)
    return lambda value: value is not None and compare(value, given)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, given: _key(value) == _key(given),
    "ne": lambda value, given: _key(value) != _key(given),
    "lt": lambda value, given: _key(value) < _key(given),
    "lte": lambda value, given: _key(value) <= _key(given),
    "gt": lambda value, given: _key(value) > _key(given),
    "gte": lambda value, given: _key(value) >= _key(given),
    "contains": lambda value, given: given in str(value),
    "folded": lambda value, given: str(value).translate(TO_LOWER) == given,
}
"""By operator, the comparison of a value that is not null with a filter's."""


def _key(value: Any) -> tuple[int, Any]:
    """Return what orders values of any types."""
    if isinstance(value, str):
        return TEXT, value
    if isinstance(value, NUMBERS):
        return (NOT_A_NUMBER, 0) if isnan(value) else (NUMBER, value)
    if isinstance(value, bytes):
        return BYTES, value
    return OTHER, value
