"""Filters: inputs that say which rows of a table are meant, derived from its indexed columns."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Table

from graph.database.conditions import EVERYTHING, Condition, Template
from graph.engine.comparisons import comparison_of, input_field
from graph.engine.definitions import InputContext, StrawberryList, define_input, input_definition
from graph.engine.readable import searchable_columns
from graph.engine.readers import Parse, conjunction, parse_all, parsers_of


class Filter:
    """Which rows a client means; `filter_input` makes a class of these the input of a table."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        """What the database takes."""


F = TypeVar("F", bound=Filter)


def condition_of(given: Filter | None) -> Condition:
    """The condition of a filter; that of all rows when there is none."""
    return given.condition if given else EVERYTHING


def filter_input(table: Table, type_: type, *, description: str) -> Callable[[type[F]], type[F]]:
    """Make a class the input of filters of a table's rows.

    It has a field for the primary key and for each column that leads an index, as far as clients
    may read them: the type has a field of the column, without a resolver or a permission.

    Args:
        table: the rows that a filter is about.
        type_: the Strawberry type that clients read of them.
        description: that of the input.
    """

    def decorate(cls: type[F]) -> type[F]:
        several = StrawberryList(cls)
        fields = [
            input_field("and", several, "All must match; an empty list matches everything."),
            input_field("or", several, "At least one must match; an empty list matches nothing."),
            input_field("not", cls, "Must not match."),
        ]
        parsers: dict[str, Parse] = {}
        parse = partial(parse_all, parsers)
        parsers |= {
            "and": lambda *given: conjunction(_each(parse, *given)),
            "or": lambda *given: ("or", tuple(_each(parse, *given))),
            "not": lambda *given: ("not", parse(*given)),
        }
        for name, column, of_type in searchable_columns(table, type_):
            comparison = comparison_of(column, of_type)
            if comparison is not None:
                fields.append(input_field(name, comparison.written, f"Comparisons of `{name}`."))
                parsers[name] = partial(parse_all, parsers_of(column, comparison))

        def from_input(given: type[F], value: Mapping[str, Any], context: InputContext) -> F:
            values: list[object] = []
            template = parse(value, ".".join(map(str, context.path)), values)
            return given(Condition(template, tuple(values)))

        define_input(cls, input_definition(cls, description, fields, from_input))
        return cls

    return decorate


def _each(parse: Parse, given: list[Any], path: str, values: list[object]) -> list[Template]:
    return [parse(each, f"{path}.{index}", values) for index, each in enumerate(given)]


class Extent(NamedTuple):
    """How large a filter is."""

    predicates: int = 0
    """Its comparisons; what has none counts as one."""
    levels: int = 0
    """Of filters within each other."""
    values: int = 0
    """What it compares with, those of lists counted one by one."""

    def __or__(self, other: "Extent") -> "Extent":
        """The greater of each."""
        return Extent(*map(max, self, other))


NO_FILTER = Extent()
"""That of none."""


def extent(given: Mapping[str, Any] | None) -> Extent:
    """How large a filter is that was sent, with its variables filled in."""
    if given is None:
        return Extent()
    predicates = values = levels = 0
    for name, value in given.items():
        if name in {"and", "or", "not"}:
            for part in value if isinstance(value, list) else [value]:
                inner = extent(part)
                predicates += inner.predicates
                levels = max(levels, inner.levels)
                values += inner.values
        elif value is not None:
            predicates += len(value)
            values += sum(len(each) if isinstance(each, list) else 1 for each in value.values())
    return Extent(predicates or 1, levels + 1, values)
