"""One run of a compiled operation."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphql.execution import Executor, VariableValues

from graph.engine.context import Context
from graph.engine.definitions import collected_errors
from graph.engine.resolved import Resolved

if TYPE_CHECKING:
    from graphql import GraphQLError


class PlanRun:
    """One run of a plan.

    Args:
        context: the resolvers' context.
        variables: the coerced variables.
        build: makes graphql-core's executor of this operation; called only on a fallback.
    """

    def __init__(
        self,
        context: Context,
        variables: VariableValues,
        build: Callable[[Resolved], Executor[Any]],
    ) -> None:
        self.context = context
        self.variables = variables
        self.errors: list[GraphQLError] = []
        self._build = build
        self._executor: Executor[Any] | None = None

    @cached_property
    def resolved(self) -> Resolved:
        """What row resolvers returned; made on first use."""
        return Resolved()

    @property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor, made on first use."""
        if self._executor is None:
            self._executor = self._build(self.resolved)
        return self._executor

    async def core(self, run: Callable[[Executor[Any]], Any]) -> Any:
        """Run graphql-core on a field, then let other requests run.

        Raises:
            GraphQLError: the field failed and is not nullable.
        """
        executor = self.executor
        known = len(collected_errors(executor))
        try:
            value = run(executor)
            return await value if executor.is_awaitable(value) else value
        finally:
            self.errors += collected_errors(executor)[known:]
            await asyncio.sleep(0)
