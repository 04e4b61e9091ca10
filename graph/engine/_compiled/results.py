"""Compiled rows: one comprehension turns a statement's rows into objects of the answer."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_non_null_type,
)
from graphql.execution import Executor

from graph.engine._compiled.fallback import Fallback
from graph.engine.definitions import (
    CustomGraphQLEnumType,
    FieldDetailsList,
    GroupedFieldSet,
    collect_subfields,
    enum_class,
    plain_attribute,
    standard_scalar,
)

SCALARS = {
    "ID": ("str({0})", "(type({0}) is int or type({0}) is str)"),
    "String": ("{0}", "type({0}) is str"),
    "Int": ("{0}", "type({0}) is int and -0x80000000 <= {0} <= 0x7FFFFFFF"),
    "Float": ("{0}", "type({0}) is float and {0} - {0} == 0"),  # neither infinite nor NaN
    "Boolean": ("{0}", "type({0}) is bool"),
    "DateTime": ("{0}.isoformat()", "type({0}) is datetime"),
    "Date": ("{0}.isoformat()", "type({0}) is date"),
    "Time": ("{0}.isoformat()", "type({0}) is time"),
    "Decimal": ("str({0})", "type({0}) is Decimal"),
    "UUID": ("str({0})", "isinstance({0}, UUID)"),  # asyncpg has a class of its own for it
}
"""By scalar: the expression that serialises the value {0}, and the test that {0} must pass."""

NAMES = {each.__name__: each for each in (date, datetime, time, Decimal, UUID)}


RowsToObjects: TypeAlias = Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]


def compile_rows(
    executor: Executor[Any],
    definition: GraphQLField,
    details: FieldDetailsList,
    columns: tuple[str, ...],
) -> RowsToObjects:
    """Compile a function that turns rows of these columns into objects of the answer.

    It skips rows with a value of an unexpected type; the caller compares the lengths. For
    `{ id name }` it is: `lambda rows: [{'id': str(c0), 'name': c1} for c0, c1, in rows
    if type(c0) is int and type(c1) is str]`.
    """
    type_: Any = get_named_type(definition.type)
    items, checks = [], []
    enums: list[CustomGraphQLEnumType] = []
    for key, subdetails in subfields(executor, type_, details).items():
        name = subdetails[0].node.name.value
        if name == "__typename":
            items.append(f"{key!r}: {type_.name!r}")
            continue
        leaf = type_.fields[name]
        column = plain_attribute(leaf)
        if column not in columns:
            raise Fallback
        expression, test = _leaf(leaf, enums)
        variable = f"c{columns.index(column)}"
        items.append(f"{key!r}: {expression.format(variable)}")
        checks.append(test.format(variable))
    targets = "".join(f"c{index}," for index in range(len(columns))) or "_,"
    # Nothing to escape: names and types come from the schema, response keys are GraphQL names.
    source = f"lambda rows: [{{{', '.join(items)}}} for {targets} in rows"
    source += f" if {' and '.join(checks)}]" if checks else "]"
    return evaluate(source, tuple(enums))


def subfields(
    executor: Executor[Any], type_: GraphQLNamedType, details: FieldDetailsList
) -> GroupedFieldSet:
    """Return the fields selected on an object, by response key.

    Raises:
        Fallback: the type is no object type, or has an `is_type_of` check.
    """
    if not isinstance(type_, GraphQLObjectType) or type_.is_type_of:
        raise Fallback
    return collect_subfields(
        executor.schema,
        executor.fragments,
        executor.variable_values,
        executor.operation,
        type_,
        details,
    ).grouped_field_set


def compile_leaf(leaf: GraphQLField) -> Callable[[Any], Any]:
    """Compile a function that serialises a leaf; it raises `Fallback` for an unexpected type."""
    enums: list[CustomGraphQLEnumType] = []
    expression, test = _leaf(leaf, enums)
    leaves = evaluate(
        f"lambda rows: [{expression} for c in rows if {test}]".replace("{0}", "c"), tuple(enums)
    )

    def complete(value: Any) -> Any:
        for completed in leaves([value]):
            return completed
        raise Fallback

    return complete


def _leaf(leaf: GraphQLField, enums: list[CustomGraphQLEnumType]) -> tuple[str, str]:
    """Return the expression and the test of a leaf; add an enum to `enums`.

    Raises:
        Fallback: the type is no leaf, or a custom scalar.
    """
    type_: Any = get_nullable_type(leaf.type)
    expression, test = _present(type_, enums)
    if not is_non_null_type(leaf.type):
        test = f"({{0}} is None or {test})"
        if expression != "{0}":
            expression = f"None if {{0}} is None else {expression}"
    return expression, test


def _present(type_: GraphQLNamedType, enums: list[CustomGraphQLEnumType]) -> tuple[str, str]:
    """Return the same for a value that is not null."""
    if isinstance(type_, CustomGraphQLEnumType):
        enums.append(type_)
        number = len(enums) - 1
        return f"names{number}[{{0}}]", f"type({{0}}) is enum{number}"
    scalar = standard(type_)
    if scalar is None:
        raise Fallback
    return SCALARS[scalar]


def standard(type_: GraphQLNamedType) -> str | None:
    """Return the name of a scalar that Strawberry defines; None for any other type."""
    name = standard_scalar(type_)
    return name if name in SCALARS else None


@lru_cache(maxsize=1_000)
def evaluate(source: str, enums: tuple[CustomGraphQLEnumType, ...]) -> RowsToObjects:
    """Evaluate a source; operations that differ only in name or arguments share the function."""
    names: dict[str, Any] = dict(NAMES)
    for number, type_ in enumerate(enums):
        names[f"enum{number}"] = enum_class(type_)
        members: list[Any] = list(enum_class(type_))
        names[f"names{number}"] = {each: type_.coerce_output_value(each) for each in members}
    function: RowsToObjects = eval(source, names)  # noqa: S307
    return function
