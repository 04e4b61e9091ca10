"""Executes operations: documents prepared once, one session and one transaction each."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
)
from graphql.execution import Executor
from graphql.execution.values import VariableValues

from graph.context import Context
from graph.database import Database
from graph.document import Document, Documents, Operation
from graph.errors import Code, masked, public, with_code
from graph.executor import SerialExecutor
from graph.plan import NotCovered, Plan
from graph.settings import Settings

MAX_CONDITIONS = 4
"""Variables in `@skip` and `@include` up to which there is a plan, one for each choice."""


class Result(NamedTuple):
    """The answer to an operation.

    `executed` is false when the request was refused before execution; the answer then has no
    `data` entry (https://spec.graphql.org/October2021/#sec-Response-Format).
    """

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    executed: bool = True


class Service:
    """The schema over a database: what a transport calls, once `document` and once `execute`."""

    def __init__(self, schema: strawberry.Schema, database: Database, settings: Settings) -> None:
        self._schema = schema._schema  # noqa: SLF001 (Strawberry has no public name for graphql-core's schema)
        self._database = database
        self._settings = settings
        self._documents = Documents(self._schema, settings)

    def document(self, query: str) -> Document:
        """The document of this text."""
        return self._documents.find(query)

    async def execute(self, operation: Operation, variables: dict[str, Any]) -> Result:
        """Execute an operation in a transaction of its own; never raises.

        What a mutation wrote is committed before this returns, or not at all when there are
        errors.
        """
        coerced = operation.coerce(
            self._schema, variables, hide_suggestions=not self._settings.introspection
        )
        if isinstance(coerced, list):
            return Result(None, with_code(coerced, Code.BAD_USER_INPUT), executed=False)
        try:
            plan = self._plan(operation, variables, coerced)
            if plan is not None:
                with suppress(NotCovered):
                    return await self._transact(operation, variables, coerced, plan)
            return await self._transact(operation, variables, coerced, None)
        except GraphQLError as error:
            return Result(None, [public(error)])
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            return Result(None, [masked(error)])

    async def _transact(
        self,
        operation: Operation,
        variables: dict[str, Any],
        coerced: VariableValues,
        plan: Plan | None,
    ) -> Result:
        session = self._database.session()
        try:
            if operation.writes:
                await session.start()
            context = Context(session)
            if plan is not None:
                result = await plan.execute(context, coerced, self._settings)
            else:
                result = await self._interpret(operation, variables, context)
            if operation.writes and not result.errors:
                await session.commit()
        finally:
            await session.close()
        return Result(result.data, [public(error) for error in result.errors or ()])

    def _plan(
        self, operation: Operation, variables: dict[str, Any], coerced: VariableValues
    ) -> Plan | None:
        """The plan for this operation, compiled at its first use; None when it has none."""
        if not self._settings.fast_execution or len(operation.conditions) > MAX_CONDITIONS:
            return None
        key = tuple([coerced.coerced.get(name) for name in operation.conditions])
        try:
            return operation.plans[key]
        except KeyError:
            root = self._schema.get_root_type(operation.node.operation)
            executor = self._executor(operation, variables, None)
            operation.plans[key] = None
            if root is not None:
                with suppress(NotCovered):
                    operation.plans[key] = Plan(executor, root)
            return operation.plans[key]

    def rows(self, operation: Operation, variables: dict[str, Any]) -> int:
        """The most rows that an operation returns; 0 when its variables are to be refused."""
        root = self._schema.get_root_type(operation.node.operation)
        executor = self._build(operation, variables, None)
        return executor.rows(root) if root and isinstance(executor, SerialExecutor) else 0

    def _executor(
        self, operation: Operation, variables: dict[str, Any], context: Context | None
    ) -> Executor[Any]:
        executor = self._build(operation, variables, context)
        assert isinstance(executor, Executor)  # noqa: S101 (the variables were found good)
        return executor

    def _build(
        self, operation: Operation, variables: dict[str, Any], context: Context | None
    ) -> Executor[Any] | Sequence[GraphQLError]:
        return SerialExecutor.build(
            self._schema,
            operation.document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=operation.name,
            hide_suggestions=not self._settings.introspection,
            settings=self._settings,
        )

    async def _interpret(
        self, operation: Operation, variables: dict[str, Any], context: Context
    ) -> ExecutionResult:
        """Execute with graphql-core alone."""
        result: Any = self._executor(operation, variables, context).execute_operation()
        completed: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        return completed
