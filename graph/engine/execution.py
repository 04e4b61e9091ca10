"""One execution of a plan: what its root fields share."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graphql.execution import Executor, VariableValues

from graph.engine.context import Context
from graph.engine.definitions import collected_errors

if TYPE_CHECKING:
    from graphql import GraphQLError


class PlanRun:
    """One execution of a plan.

    Args:
        context: what the resolvers share.
        variables: the coerced variables.
        build: makes graphql-core's executor of this operation, where one is needed.
        room: the bytes of data up to which a root field may commit before it is answered.
    """

    def __init__(
        self,
        context: Context,
        variables: VariableValues,
        build: Callable[[], Executor[Any]],
        room: int,
    ) -> None:
        self.context = context
        self.variables = variables
        self.room = room
        self.errors: list[GraphQLError] = []
        self._build = build
        self._executor: Executor[Any] | None = None

    @property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor, which adds to the same errors."""
        if self._executor is None:
            self._executor = self._build()
        return self._executor

    async def core(self, run: Callable[[Executor[Any]], Any]) -> Any:
        """What graphql-core makes of a field; then other requests have their turn.

        Raises:
            GraphQLError: the field failed, and may not be null.
        """
        executor = self.executor
        known = len(collected_errors(executor))
        try:
            value = run(executor)
            return await value if executor.is_awaitable(value) else value
        finally:
            self.errors += collected_errors(executor)[known:]
            await asyncio.sleep(0)
