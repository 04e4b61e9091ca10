"""Compiled rows: one comprehension turns a statement's rows into objects of the answer."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, collect_subfields
from strawberry.schema.schema_converter import GraphQLCoreConverter

LEAVES = {
    "ID!": ("str({0})", "type({0}) is int"),
    "String!": ("{0}", "type({0}) is str"),
    "String": ("{0}", "({0} is None or type({0}) is str)"),
    "Int!": ("{0}", "type({0}) is int and -0x80000000 <= {0} <= 0x7FFFFFFF"),
    "Int": ("{0}", "({0} is None or type({0}) is int and -0x80000000 <= {0} <= 0x7FFFFFFF)"),
}
"""By GraphQL type: the Python expression of a leaf, and the test that the value {0} must pass."""


RowsToObjects: TypeAlias = Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]


class NotCovered(Exception):  # noqa: N818 (not an error: another path takes over)
    """The plan cannot answer this; graphql-core can."""


def compile_rows(
    executor: Executor[Any],
    definition: GraphQLField,
    details: FieldDetailsList,
    columns: tuple[str, ...],
) -> RowsToObjects:
    """A function that turns rows of these columns into objects, leaving out those it must not.

    For `{ id name }` it is: `lambda rows: [{'id': str(c0), 'name': c1} for c0, c1, in rows
    if type(c0) is int and type(c1) is str]`.
    """
    type_ = get_named_type(definition.type)
    if not isinstance(type_, GraphQLObjectType):
        raise NotCovered
    collected = collect_subfields(
        executor.schema,
        executor.fragments,
        executor.variable_values,
        executor.operation,
        type_,
        details,
    )
    items, checks = [], []
    for key, subdetails in collected.grouped_field_set.items():
        name = subdetails[0].node.name.value
        if name == "__typename":
            items.append(f"{key!r}: {type_.name!r}")
            continue
        leaf = type_.fields[name]
        column = leaf.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        known = LEAVES.get(str(leaf.type))
        if not is_leaf_type(get_named_type(leaf.type)) or not column.is_basic_field or not known:
            raise NotCovered
        variable = f"c{columns.index(column.python_name)}"
        items.append(f"{key!r}: {known[0].format(variable)}")
        checks.append(known[1].format(variable))
    targets = "".join(f"c{index}," for index in range(len(columns))) or "_,"
    # Names and types come from the schema, response keys are GraphQL names: nothing to escape.
    source = f"lambda rows: [{{{', '.join(items)}}} for {targets} in rows"
    source += f" if {' and '.join(checks)}]" if checks else "]"
    return _evaluated(source)


@lru_cache(maxsize=1_000)
def _evaluated(source: str) -> RowsToObjects:
    """The function of this source; operations that differ in name or arguments share it."""
    function: RowsToObjects = eval(source)  # noqa: S307
    return function
