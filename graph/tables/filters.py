"""Filters: input types that select rows of a table, derived from its indexed columns."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Table

from graph.engine.cost import Extent, SizedInput
from graph.engine.definitions import (
    InputContext,
    StrawberryList,
    add_field,
    input_definition,
    set_definition,
    to_camel_case,
)
from graph.tables.columns import has_own_id, searchable_columns
from graph.tables.comparisons import (
    IDS,
    Parse,
    comparison_of,
    conjunction,
    id_parsers,
    input_field,
    parse_all,
    parsers_of,
)
from graph.tables.sql.conditions import EVERYTHING, Condition, Template
from graph.tables.sql.keys import ID, key_of
from graph.tables.sql.relation import Relation


class Filter(SizedInput):
    """Base class of filters; `filter_input` makes a subclass the input type of a table."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        """The filter as the database takes it."""

    parsers: ClassVar[dict[str, Parse]]
    """By field, the parser of its value."""
    related: ClassVar[dict[str, type["Filter"]]]
    """By field that is a relation, the filter of its rows."""

    @classmethod
    def extent(cls, given: Mapping[str, Any] | None) -> Extent:
        if given is None:
            return Extent()
        predicates = values = levels = 0
        for name, value in given.items():
            if name in {"and", "or", "not"} or name in cls.related:
                filter_ = cls.related.get(name, cls)
                for part in value if isinstance(value, list) else [value]:
                    inner = filter_.extent(part)
                    predicates += inner.predicates
                    levels = max(levels, inner.levels)
                    values += inner.values
            elif value is not None:
                predicates += len(value)
                values += sum(len(each) if isinstance(each, list) else 1 for each in value.values())
        return Extent(predicates or 1, levels + 1, values)


F = TypeVar("F", bound=Filter)


def condition_of(given: Filter | None) -> Condition:
    """Return the condition of a filter; without a filter, all rows match."""
    return given.condition if given else EVERYTHING


def filter_input(table: Table, type_: type, *, description: str) -> Callable[[type[F]], type[F]]:
    """Make a class the filter input of a table.

    The input has a field for the primary key and for each column that leads an index, if clients
    may read the column: if the type has a field for it, without a resolver or a permission.

    Args:
        table: the table.
        type_: the Strawberry type of its rows.
        description: the description of the input.
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
        if has_own_id(table, type_):
            fields.append(input_field(ID, IDS.input_type, f"Comparisons of `{ID}`."))
            parsers[ID] = partial(parse_all, id_parsers(key_of(table)))
        for name, column, of_type in searchable_columns(table, type_):
            comparison = comparison_of(column, of_type)
            if comparison is not None:
                fields.append(input_field(name, comparison.input_type, f"Comparisons of `{name}`."))
                parsers[name] = partial(parse_all, parsers_of(column, comparison))

        def from_input(given: type[F], value: Mapping[str, Any], context: InputContext) -> F:
            values: list[object] = []
            template = parse(value, ".".join(map(str, context.path)), values)
            return given(Condition(template, tuple(values)))

        cls.parsers, cls.related = parsers, {}
        set_definition(cls, input_definition(cls, description, fields, from_input))
        return cls

    return decorate


def filter_by_relation(cls: type[Filter], relation: Relation, target: type[Filter]) -> None:
    """Add a field to a filter: a filter of the related rows, of which some must match."""
    name = to_camel_case(relation.name)

    def parse(given: Any, path: str, values: list[object]) -> Template:
        return "some", relation, parse_all(target.parsers, given, path, values)

    cls.parsers[name] = parse
    cls.related[name] = target
    about = f"There must be a row of `{name}` that matches."
    add_field(cls, name, input_field(name, target, about))


def _each(parse: Parse, given: list[Any], path: str, values: list[object]) -> list[Template]:
    return [parse(each, f"{path}.{index}", values) for index, each in enumerate(given)]
