"""Executes operations: documents prepared once, one session and one transaction each."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import strawberry
from cachetools import LRUCache
from graphql import (
    DirectiveNode,
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_argument_values,
    get_variable_values,
    specified_rules,
    validate,
    visit,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import AwaitableOrValue
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.context import Context
from graph.database import Database
from graph.errors import Code, PublicError, masked, public, with_code
from graph.limits import Measured, check_rows, count_rows, parse_within_limits
from graph.plan import NotCovered, Plan
from graph.settings import Settings

CACHED_CHARACTERS = 200_000
"""Query text whose documents are kept; a document takes some 100 bytes of memory a character."""

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


class Operation:
    """One operation of a valid document, with the plans made for it."""

    def __init__(self, measured: Measured, node: OperationDefinitionNode) -> None:
        self.measured = measured
        self.document = document = measured.node
        self.node = node
        self.name = node.name.value if node.name else None
        self.writes = node.operation is OperationType.MUTATION
        conditions = _Conditions()
        visit(document, conditions)
        self.conditions = sorted(conditions.names)
        self.plans: dict[tuple[Any, ...], Plan | None] = {}


class _Conditions(Visitor):
    """Collects the variables that decide what is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.names = set[str]()

    def enter_directive(self, node: DirectiveNode, *_args: Any) -> None:
        self.names |= {
            argument.value.name.value
            for argument in node.arguments or ()
            if isinstance(argument.value, VariableNode)
        }


class Document:
    """A query text that was parsed and validated: its operations, or why it is refused."""

    def __init__(self, query: str, operations: list[Operation], errors: list[GraphQLError]) -> None:
        self.size = len(query)
        self.errors = errors
        self._operations = {operation.name: operation for operation in operations}
        self._only = operations[0] if len(operations) == 1 else None

    def operation(self, name: str | None) -> Operation:
        """The operation of this name, or the only one when there is no name.

        Raises:
            PublicError: there is none, or it is not clear which.
        """
        operation = self._operations.get(name) if name else self._only
        if operation is None:
            message = (
                f"There is no operation named {name!r}."
                if name
                else "operationName is needed: the document has several operations."
            )
            raise PublicError(Code.BAD_REQUEST, message)
        return operation


class SerialExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, with root fields one after another and their rows counted first.

    Root fields share one session, on which no two statements may ever run at once.
    """

    def __init__(self, *args: Any, settings: Settings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,  # noqa: ARG002, FBT001 (the signature is graphql-core's)
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        check_rows(self._calls(root_type, grouped_field_set), self._settings)
        return super().execute_root_grouped_field_set(
            root_type,
            root_value,
            grouped_field_set,
            serially=True,
            position_context=position_context,
        )

    def rows(self, root_type: GraphQLObjectType) -> int:
        """The most rows that the operation returns."""
        collected = collect_fields(
            self.schema, self.fragments, self.variable_values, root_type, self.operation
        )
        return count_rows(self._calls(root_type, collected.grouped_field_set))

    def _calls(
        self, root_type: GraphQLObjectType, grouped_field_set: GroupedFieldSet
    ) -> list[tuple[GraphQLField, dict[str, Any]]]:
        """The root fields with their arguments."""
        calls: list[tuple[GraphQLField, dict[str, Any]]] = []
        for details in grouped_field_set.values():
            node = details[0].node
            field = self.schema.get_field(root_type, node.name.value)
            if field is not None:
                try:
                    arguments = get_argument_values(field, node, self.variable_values)
                except GraphQLError:
                    continue  # raised again, at its field, when that is executed
                calls.append((field, arguments))
        return calls


class Service:
    """The schema over a database: what a transport calls, once `document` and once `execute`."""

    def __init__(self, schema: strawberry.Schema, database: Database, settings: Settings) -> None:
        self._schema = schema._schema  # noqa: SLF001 (Strawberry has no public name for graphql-core's schema)
        self._database = database
        self._settings = settings
        self._rules = [*specified_rules]
        if not settings.introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)
        self._documents: LRUCache[str, Document] = LRUCache(
            CACHED_CHARACTERS, getsizeof=lambda document: document.size
        )

    def document(self, query: str) -> Document:
        """The document of this text, from the cache when it was seen lately."""
        document = self._documents.get(query)
        if document is None:
            document = self._prepare(query)
            if document.size <= CACHED_CHARACTERS:
                self._documents[query] = document
        return document

    def _prepare(self, query: str) -> Document:
        try:
            measured = parse_within_limits(query, self._settings)
        except GraphQLSyntaxError as error:
            return Document(query, [], with_code([error], Code.GRAPHQL_PARSE_FAILED))
        except PublicError as error:
            return Document(query, [], [error])
        errors = validate(
            self._schema,
            measured.node,
            self._rules,
            max_errors=10,
            hide_suggestions=not self._settings.introspection,
        )
        operations = [
            Operation(measured, definition)
            for definition in measured.node.definitions
            if isinstance(definition, OperationDefinitionNode) and not errors
        ]
        return Document(query, operations, with_code(errors, Code.GRAPHQL_VALIDATION_FAILED))

    async def execute(self, operation: Operation, variables: Mapping[str, Any]) -> Result:
        """Execute an operation in a transaction of its own; never raises.

        What a mutation wrote is committed before this returns, or not at all when there are
        errors.
        """
        coerced = get_variable_values(
            self._schema,
            operation.node.variable_definitions or (),
            dict(variables),
            max_errors=10,
            hide_suggestions=not self._settings.introspection,
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
        variables: Mapping[str, Any],
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
        self, operation: Operation, variables: Mapping[str, Any], coerced: VariableValues
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

    def rows(self, operation: Operation, variables: Mapping[str, Any]) -> int:
        """The most rows that an operation returns; 0 when its variables are to be refused."""
        root = self._schema.get_root_type(operation.node.operation)
        executor = self._build(operation, variables, None)
        return executor.rows(root) if root and isinstance(executor, SerialExecutor) else 0

    def _executor(
        self, operation: Operation, variables: Mapping[str, Any], context: Context | None
    ) -> Executor[Any]:
        executor = self._build(operation, variables, context)
        assert isinstance(executor, Executor)  # noqa: S101 (the variables were found good)
        return executor

    def _build(
        self, operation: Operation, variables: Mapping[str, Any], context: Context | None
    ) -> Executor[Any] | Sequence[GraphQLError]:
        return SerialExecutor.build(
            self._schema,
            operation.document,
            context_value=context,
            raw_variable_values=dict(variables),
            operation_name=operation.name,
            hide_suggestions=not self._settings.introspection,
            settings=self._settings,
        )

    async def _interpret(
        self, operation: Operation, variables: Mapping[str, Any], context: Context
    ) -> ExecutionResult:
        """Execute with graphql-core alone."""
        result: Any = self._executor(operation, variables, context).execute_operation()
        completed: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        return completed
