"""Strawberry's schema, with serial root fields."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, Undefined
from strawberry.types import ExecutionContext

from graph.engine.definitions import (
    AwaitableOrValue,
    GroupedFieldSet,
    Path,
    StrawberryExecutor,
    StrawberrySchema,
)


class SerialExecutor(StrawberryExecutor):
    """graphql-core's executor, with root fields one after another.

    They share one session, on which no two statements may run at once.

    Args:
        takes_turns: whether to let other requests run between two root fields.
    """

    def __init__(self, *args: Any, takes_turns: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._takes_turns = takes_turns

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,  # noqa: ARG002, FBT001 (the signature is graphql-core's)
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        def execute(name: str) -> Any:
            details, path = grouped_field_set[name], Path(None, name, root_type.name)
            return self.execute_field(root_type, root_value, details, path, position_context)

        names = iter(grouped_field_set)
        data: dict[str, Any] = {}
        if not self._takes_turns:  # a schema may be executed without a loop
            for name in names:
                value = execute(name)
                if self.is_awaitable(value):
                    return self._execute_rest(execute, names, data, (name, value))
                if value is not Undefined:
                    data[name] = value
            return data
        return self._execute_rest(execute, names, data)

    async def _execute_rest(
        self,
        execute: Callable[[str], Any],
        names: Iterator[str],
        data: dict[str, Any],
        begun: tuple[str, Any] | None = None,
    ) -> dict[str, Any]:
        if begun is not None:
            data[begun[0]] = await begun[1]
        for name in names:
            if self._takes_turns and data:
                await asyncio.sleep(0)
            value = execute(name)
            if value is not Undefined:
                data[name] = await value if self.is_awaitable(value) else value
        return data


class Schema(StrawberrySchema):
    """A schema whose root fields always run one after another."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"execution_context_class": SerialExecutor, **options})

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Do nothing: the service logs errors, without the query text that Strawberry would log."""
