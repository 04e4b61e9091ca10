"""Row requirements: a single-statement mutation commits only a row that can be answered."""

from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution import Executor

from graph.database.autocommit import MAX_TEXT_BYTES, Guard, Leaf
from graph.engine._compiled.results import standard, subfields
from graph.engine.definitions import FieldDetailsList, plain_attribute

MOST_BYTES = 6 * MAX_TEXT_BYTES + 10
"""Maximum bytes of a leaf's JSON with punctuation; a control character is escaped as six bytes."""


def guard_of(
    executor: Executor[Any], definition: GraphQLField, details: FieldDetailsList, name: str
) -> Guard | None:
    """Return the requirements of a field that returns one row; None for any other field.

    Args:
        executor: graphql-core's executor of the operation.
        definition: a compiled field.
        details: the field's selections in the operation.
        name: the field's response key.
    """
    type_: Any = get_named_type(definition.type)
    if is_list_type(get_nullable_type(definition.type)) or not isinstance(type_, GraphQLObjectType):
        return None
    leaves: list[Leaf] = []
    size = len(name) + MOST_BYTES
    for key, subdetails in subfields(executor, type_, details).items():
        size += len(key) + MOST_BYTES
        field = subdetails[0].node.name.value
        if field == "__typename":
            continue
        leaf = type_.fields[field]
        scalar = standard(get_nullable_type(leaf.type))
        if scalar is None:
            return None
        column = plain_attribute(leaf)
        if column is None:
            return None
        leaves.append(Leaf(column, scalar, is_non_null_type(leaf.type)))
    return Guard(tuple(leaves), size)
