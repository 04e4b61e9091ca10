"""Executes operations: documents prepared once, one session and one transaction each."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import strawberry
from cachetools import LRUCache
from graphql import (
    DirectiveNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    ObjectFieldNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_variable_values,
    print_ast,
    specified_rules,
    validate,
    visit,
)
from graphql.execution import Executor
from graphql.execution.values import VariableValues

from graph.context import Context
from graph.database import Database
from graph.errors import Code, PublicError, masked, public, with_code
from graph.executor import SerialExecutor
from graph.limits import Measured, parse_within_limits, too_complex
from graph.models import MAX_INT, MIN_INT
from graph.plan import NotCovered, Plan
from graph.settings import Settings

CACHED_CHARACTERS = 100_000
"""Query text whose documents are kept; they take some 200 bytes of memory a character."""

LEAST_CHARACTERS = 50
"""What a shorter text counts for: its document takes no less memory."""

MAX_ERRORS = 10
"""Errors of one document or one set of variables that are worth reporting."""

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
        uses = _VariableUses()
        visit(document, uses)
        self.conditions = sorted(uses.conditions)
        self._scalars = None if uses.inner else _scalar_variables(node)
        self.plans: dict[tuple[Any, ...], Plan | None] = {}

    def coerce(
        self, schema: GraphQLSchema, variables: dict[str, Any], *, hide_suggestions: bool
    ) -> VariableValues | list[GraphQLError]:
        """The coerced variables, or why they are refused."""
        if self._scalars is not None:
            for name, kind in self._scalars:
                value = variables.get(name)
                if type(value) is not kind or (
                    isinstance(value, int) and not MIN_INT <= value <= MAX_INT
                ):
                    break
            else:
                return VariableValues({}, {name: variables[name] for name, _ in self._scalars})
        return get_variable_values(
            schema,
            self.node.variable_definitions or (),
            variables,
            max_errors=MAX_ERRORS,
            hide_suggestions=hide_suggestions,
        )


SCALARS = {"ID!": str, "String!": str, "Int!": int, "Boolean!": bool}
"""Types of variables whose value, when it is of the Python type, is its own coercion."""


def _scalar_variables(node: OperationDefinitionNode) -> list[tuple[str, type]] | None:
    """The names and Python types of variables that are all of `SCALARS`, else None."""
    definitions = node.variable_definitions or ()
    scalars = [
        (definition.variable.name.value, SCALARS[print_ast(definition.type)])
        for definition in definitions
        if not definition.default_value and print_ast(definition.type) in SCALARS
    ]
    return scalars if len(scalars) == len(definitions) else None


class _VariableUses(Visitor):
    """Finds the variables that decide what is selected, and those inside other values."""

    def __init__(self) -> None:
        super().__init__()
        self.conditions = set[str]()
        self.inner = False

    def enter_directive(self, node: DirectiveNode, *_args: Any) -> None:
        self.conditions |= {
            argument.value.name.value
            for argument in node.arguments or ()
            if isinstance(argument.value, VariableNode)
        }

    def enter_variable(self, _node: VariableNode, _key: Any, parent: Any, *_args: Any) -> None:
        self.inner |= isinstance(parent, ObjectFieldNode | list | tuple)


class Document:
    """A query text that was parsed and validated: its operations, or why it is refused."""

    def __init__(self, query: str, operations: list[Operation], errors: list[GraphQLError]) -> None:
        self.size = max(len(query), LEAST_CHARACTERS)
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
            max_errors=MAX_ERRORS,
            hide_suggestions=not self._settings.introspection,
        )
        if any(error.message == "Validation aborted." for error in errors):
            return Document(query, [], [too_complex("Too many fields have the same name.")])
        operations = [
            Operation(measured, definition)
            for definition in measured.node.definitions
            if isinstance(definition, OperationDefinitionNode) and not errors
        ]
        return Document(query, operations, with_code(errors, Code.GRAPHQL_VALIDATION_FAILED))

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
