"""An operation to execute, and its result."""

from typing import Any, NamedTuple

from graphql import GraphQLError

from graph.engine.context import Caller
from graph.engine.errors import graphql_error
from graph.engine.operation import Operation
from graph.errors import PublicError

NULL = b"null"


class Result(NamedTuple):
    """The answer to an operation; `data` and `extensions` are JSON texts.

    If `executed` is false, the operation was rejected before execution, and the answer has no
    `data` entry (https://spec.graphql.org/October2021/#sec-Response-Format).
    """

    data: bytes
    errors: list[GraphQLError]
    executed: bool = True
    extensions: bytes | None = None
    event_id: str | None = None
    """The id of a subscription's event."""


class Call(NamedTuple):
    """An operation to execute, with the raw values of its variables and its caller.

    `key` is the idempotency key: a mutation with a key is executed once, however often it is sent.
    `last_event_id` is the id of the last event that a client got before it subscribes again.
    """

    operation: Operation
    variables: dict[str, Any]
    caller: Caller
    key: str | None = None
    last_event_id: str | None = None


def not_executed(*errors: GraphQLError | PublicError) -> Result:
    """Return the result of an operation that was rejected before execution."""
    located = [graphql_error(each) if isinstance(each, PublicError) else each for each in errors]
    return Result(NULL, located, executed=False)
