"""Arguments that determine an operation's cost: analysed once, evaluated per request."""

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ValueNode,
    VariableNode,
    coerce_input_literal,
    get_named_type,
)
from graphql.execution import VariableValues

from graph.engine.definitions import argument_metadata, python_class
from graph.engine.selection import Values
from graph.tables.filters import Extent, Filter, extent

Number: TypeAlias = Callable[[Values], int | None]

MAXIMUM = "maximum"
"""Key in an argument's Strawberry metadata; see `graph.engine.cost`."""

UNLIMITED = 100
"""Items assumed for a list whose field has no argument with a maximum."""


def length(definition: GraphQLField, node: FieldNode) -> Callable[[Values], int]:
    """Return a function that computes the maximum length of the list that a field returns.

    The length is given by an argument with a maximum, or by the argument `limit`. An argument out
    of bounds counts as 0: the resolver rejects it with a better message.
    """
    bounds: list[tuple[Number, float]] = []
    most = 0
    for name, parameter in definition.args.items():
        maximum: int | None = argument_metadata(parameter).get(MAXIMUM)
        if maximum is not None or name == "limit":
            bounds.append((number(definition, node, name), inf if maximum is None else maximum))
            most = max(most, maximum or 0)
    if not bounds:
        return lambda _: UNLIMITED

    def longest(values: Values) -> int:
        given = [
            count if 0 <= count <= maximum else 0
            for argument, maximum in bounds
            if (count := argument(values)) is not None
        ]
        return max(given, default=most or UNLIMITED)

    return longest


def number(definition: GraphQLField, node: FieldNode, name: str) -> Number:
    """Return a function that computes an argument's number or list length; None for null."""
    default: int | None = _count(definition.args[name].default_value)
    value = _literal(node, name)
    if isinstance(value, VariableNode):
        variable = value.name.value
        return lambda values: _count(values[variable]) if variable in values else default
    if isinstance(value, NullValueNode):
        return lambda _: None
    if isinstance(value, IntValueNode):
        default = int(value.value)
    elif isinstance(value, ListValueNode):
        default = len(value.values)
    elif value is not None:
        default = 1  # GraphQL coerces a single item to a list
    return lambda _: default


def _count(value: Any) -> int | None:
    """Return a number, or the length of a list; None for anything else, such as no default."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else None


def filters(definition: GraphQLField, node: FieldNode) -> dict[object, Callable[[Values], Extent]]:
    """Return functions that compute the extents of a field's filters, by variable or literal."""
    return {
        value.name.value if isinstance(value, VariableNode) else id(value): _extent(
            parameter, value
        )
        for name, parameter in definition.args.items()
        if _is_filter(parameter) and (value := _literal(node, name)) is not None
    }


def _is_filter(parameter: GraphQLArgument) -> bool:
    class_ = python_class(get_named_type(parameter.type))
    return isinstance(class_, type) and issubclass(class_, Filter)


def _extent(parameter: GraphQLArgument, value: ValueNode) -> Callable[[Values], Extent]:
    if isinstance(value, VariableNode):
        variable = value.name.value
        return lambda values: extent(values.get(variable))
    if _has_variables(value):
        return lambda values: extent(
            coerce_input_literal(value, parameter.type, VariableValues({}, dict(values)))
        )
    known = extent(coerce_input_literal(value, parameter.type))
    return lambda _: known


def _has_variables(value: ValueNode) -> bool:
    """Whether a value contains a variable."""
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, VariableNode):
            return True
        waiting += getattr(part, "values", None) or ()
        waiting += [field.value for field in getattr(part, "fields", None) or ()]
    return False


def _literal(node: FieldNode, name: str) -> ValueNode | None:
    """Return the value node of an argument; None if it is omitted."""
    for argument in node.arguments or ():
        if argument.name.value == name:
            return argument.value
    return None
