"""Compiled operations: the fast path for root fields that return plain rows.

graphql-core completes a page of 100 heroes leaf by leaf: 400 calls of about 10 µs. The operation
alone determines the leaves, their names and their types. A plan therefore prepares, once per root
field, the arguments, the resolver's info, and one comprehension that turns rows into the answer.

The answer equals graphql-core's for three reasons. graphql-core collects the fields. Arguments,
resolvers and errors go through graphql-core's and Strawberry's own functions. A row is compiled
only if each value has the exact type whose serialisation is known. Any other field falls back to
graphql-core. So does any other value, after its resolver returned it: no resolver runs twice.
`tests/engine/test_plan.py` compares both paths.
"""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from types import CoroutineType
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    OperationType,
    is_non_null_type,
    located_error,
)
from graphql.execution import Executor, VariableValues

from graph.engine._compiled.arguments import Parameters
from graph.engine._compiled.results import ValueCompiler
from graph.engine.context import ONE_STATEMENT, Context, Info
from graph.engine.definitions import (
    FieldDetailsList,
    Path,
    collected_errors,
    field_metadata,
    field_of,
    root_fields,
)
from graph.engine.fallback import Fallback

Note: TypeAlias = Callable[[str, str | Exception], None]
"""Records what graphql-core executes of a plan's operation, and why (`Fallbacks.add`)."""


class PlanRun:
    """One run of a plan.

    Args:
        context: the resolvers' context.
        variables: the coerced variables.
        build: makes graphql-core's executor of this operation; called only on a fallback.
    """

    def __init__(
        self, context: Context, variables: VariableValues, build: Callable[[], Executor[Any]]
    ) -> None:
        self.context = context
        self.variables = variables
        self.errors: list[GraphQLError] = []
        self._build = build
        self._executor: Executor[Any] | None = None

    @property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor, made on first use."""
        if self._executor is None:
            self._executor = self._build()
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


class CoreField:
    """A root field that graphql-core executes.

    Args:
        root: the root type.
        name: the response key.
        details: the field's nodes in the operation.
        why: why it is not compiled.
        note: records that it is not.
    """

    def __init__(
        self,
        root: GraphQLObjectType,
        name: str,
        details: FieldDetailsList,
        why: str,
        note: Note,
    ) -> None:
        self.name = name
        self._field_name = details[0].node.name.value
        self._why = why
        self._note = note
        self._root = root
        self._details = details
        self._path = Path(None, name, root.name)

    async def execute(self, run: PlanRun) -> Any:
        """Return the completed value.

        Raises:
            GraphQLError: the field failed and is not nullable.
        """
        self._note(self._field_name, self._why)
        return await run.core(
            lambda executor: executor.execute_field(
                self._root, None, self._details, self._path, None
            )
        )


class RootField(CoreField):
    """A compiled root field.

    Args:
        executor: graphql-core's executor of the operation.
        root: the root type.
        name: the response key.
        details: the field's nodes in the operation.
        note: records a value that graphql-core completes.

    Raises:
        Fallback: the field cannot be compiled.
    """

    def __init__(
        self,
        executor: Executor[Any],
        root: GraphQLObjectType,
        name: str,
        details: FieldDetailsList,
        note: Note,
    ) -> None:
        super().__init__(root, name, details, "", note)
        self._nodes = [detail.node for detail in details]
        definition = executor.schema.get_field(root, self._nodes[0].name.value)
        source = field_of(definition) if definition is not None else None
        if definition is None or source is None:
            raise Fallback("it is graphql-core's own")
        if source.extensions:
            raise Fallback("it has a permission or another extension")
        self._definition: GraphQLField = definition
        self._required = is_non_null_type(definition.type)
        self._field = source
        self._info = executor.build_resolve_info(definition, self._nodes, root, self._path)
        info = Info(self._info, source)
        if info.schema.config.default_resolver is not getattr:
            raise Fallback("the schema has a default resolver")
        self._selected = info.selected
        if self._selected.columns is None:
            raise Fallback("a field below it has a resolver")
        compiler = ValueCompiler(executor, self._selected.columns)
        self._complete = compiler.compile(definition, details)
        self.is_one_statement = bool(field_metadata(info).get(ONE_STATEMENT))
        self._parameters = Parameters(
            source,
            definition,
            self._nodes[0],
            info,
            hide_suggestions=executor.hide_suggestions,
        )

    async def execute(self, run: PlanRun) -> Any:
        try:
            value = await self._resolve(run)
        except Exception as raised:  # noqa: BLE001 (any exception of a resolver is a field error)
            error = located_error(raised, self._nodes, [self.name])
            if self._required:
                raise error from None
            run.errors.append(error)
            return None
        try:
            return self._complete(value)
        except Exception as why:  # noqa: BLE001 (`Fallback`, or a fault: graphql-core may do better)
            self._note(self._field_name, why)
        return await run.core(lambda executor: self._complete_by_core(executor, value))

    async def _resolve(self, run: PlanRun) -> Any:
        # Strawberry's own executor gives resolvers the plain dict of coerced variables.
        values: Any = run.variables.coerced
        info = Info(self._info._replace(context=run.context, variable_values=values), self._field)
        info.selected = self._selected
        args, kwargs = self._parameters.given(run.variables, info)
        value = self._field.get_result(None, info, args, kwargs)
        # The type check costs a tenth of `isawaitable`, and decides most cases.
        if type(value) is CoroutineType or isawaitable(value):
            return await value
        return value

    def _complete_by_core(self, executor: Executor[Any], value: Any) -> Any:
        """Complete a resolved value with graphql-core."""

        async def resolved() -> Any:
            return value

        info = executor.build_resolve_info(self._definition, self._nodes, self._root, self._path)
        return executor.complete_awaitable_value(
            self._definition.type, self._details, info, self._path, resolved(), None
        )


class Plan:
    """One operation, compiled for one combination of its `@skip` and `@include` variables.

    Args:
        executor: graphql-core's executor of the operation.
        root: the root type.
        note: records what graphql-core executes.
    """

    def __init__(self, executor: Executor[Any], root: GraphQLObjectType, note: Note) -> None:
        fields = root_fields(executor, root)
        self._fields = [
            _compiled(executor, root, name, details, note) for name, details in fields.items()
        ]
        self.is_one_statement = (
            executor.operation.operation is OperationType.MUTATION
            and len(fields) == 1
            and all(isinstance(each, RootField) and each.is_one_statement for each in self._fields)
        )
        """Whether the operation is a mutation of one statement that returns plain rows."""

    async def execute(self, run: PlanRun) -> ExecutionResult:
        """Run the root fields one after another: they share one session."""
        data: dict[str, Any] = {}
        errors = run.errors
        try:
            for field in self._fields:
                if data:  # each field may take as long as a request: let others run
                    await asyncio.sleep(0)
                data[field.name] = await field.execute(run)
        except GraphQLError as error:
            return ExecutionResult(None, [*errors, error])
        return ExecutionResult(data, errors or None)


def _compiled(
    executor: Executor[Any],
    root: GraphQLObjectType,
    name: str,
    details: FieldDetailsList,
    note: Note,
) -> CoreField:
    try:
        return RootField(executor, root, name, details, note)
    except Fallback as why:
        return CoreField(root, name, details, str(why), note)
