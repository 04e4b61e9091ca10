"""Compiled operations: the fast path for root fields that return plain rows.

graphql-core completes a page of 100 heroes leaf by leaf: 400 calls of about 10 µs. The operation
alone determines the leaves, their names and their types. A plan therefore prepares, once per root
field, the arguments, the resolver's info, and one comprehension that turns rows into the answer.

The answer equals graphql-core's for three reasons. The fields are collected as graphql-core does it
(`SelectionTree`). Arguments, resolvers and errors go through graphql-core's and Strawberry's own
functions. A row is compiled only if each value has the exact type whose serialisation is known. Any
other field falls back to graphql-core. So does any other value, after its resolver returned it: no
resolver runs twice.
`tests/engine/test_compiled_operations.py` compares both paths.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from inspect import isawaitable
from types import CoroutineType
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    OperationType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    located_error,
)
from graphql.execution import Executor

from graph.database.statement import Rows
from graph.engine._compiled.arguments import Parameters, info_of
from graph.engine._compiled.related import FieldsInside
from graph.engine._compiled.results import ValueCompiler, ValuesInside
from graph.engine._compiled.run import PlanRun
from graph.engine.context import ONE_STATEMENT, ORDERED_BY, Info
from graph.engine.definitions import (
    Path,
    field_details,
    field_metadata,
    field_of,
)
from graph.engine.fallback import Fallback
from graph.engine.selection import Fields, Selected, Selection, SelectionTree, key_column
from graph.errors import PublicError

Note: TypeAlias = Callable[[str, str | Exception], None]
"""Records what graphql-core executes of a plan's operation, and why (`Fallbacks.add`)."""


class CoreField:
    """A root field that graphql-core executes.

    Args:
        root: the root type.
        name: the response key.
        selection: the field.
        why: why it is not compiled.
        note: records that it is not.
    """

    def __init__(
        self,
        root: GraphQLObjectType,
        name: str,
        selection: Selection,
        why: str,
        note: Note,
    ) -> None:
        self.name = name
        self._field_name = selection.name
        self._why = why
        self._note = note
        self._root = root
        self._details = field_details(selection.nodes)
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
        tree: the operation's fields.
        root: the root type.
        name: the response key.
        selection: the field.
        note: records a value that graphql-core completes.

    Raises:
        Fallback: the field cannot be compiled.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a field of an operation has these parts)
        self,
        executor: Executor[Any],
        tree: SelectionTree,
        root: GraphQLObjectType,
        name: str,
        selection: Selection,
        note: Note,
    ) -> None:
        super().__init__(root, name, selection, "", note)
        self._nodes = selection.nodes
        definition = selection.definition
        source = field_of(definition)
        if source is None:
            raise Fallback("it is graphql-core's own")
        if source.extensions:
            raise Fallback("it has a permission or another extension")
        self._definition = definition
        self._required = is_non_null_type(definition.type)
        self._field = source
        self._info = info_of(executor, definition, self._nodes, root, self._path)
        info = Info(self._info, source)
        if info.schema.config.default_resolver is not getattr:
            raise Fallback("the schema has a default resolver")
        is_read = executor.operation.operation is OperationType.QUERY
        self._is_page = is_read and is_list_type(get_nullable_type(definition.type))
        ordered_by = field_metadata(info).get(ORDERED_BY, ())
        self._selected = Selected(tree, selection, ordered_by, has_key=not self._is_page)
        compiler = ValueCompiler(tree, self._selected)
        self._complete = compiler.compile(selection)
        self._inside = FieldsInside(executor, tree, compiler) if compiler.inside else None
        self.is_one_statement = (
            bool(field_metadata(info).get(ONE_STATEMENT)) and self._inside is None
        )
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
        inside: ValuesInside = {}
        try:
            if self._inside is not None:
                inside = await self._inside.values(run, value)
            return self._complete(value, inside)
        except Exception as why:  # noqa: BLE001 (`Fallback`, or a fault: graphql-core may do better)
            self._note(self._field_name, why)
        if self._is_page and isinstance(value, Rows):
            value = await self._with_key(run, value)
        return await run.core(lambda executor: self._complete_by_core(executor, value))

    async def _with_key(self, run: PlanRun, rows: Rows) -> Rows:
        """Return the rows with their id, by which the errors of their values name them."""
        type_ = get_named_type(self._definition.type)
        key = key_column(type_) if isinstance(type_, GraphQLObjectType) else None
        if key is None or key in rows.columns:
            return rows
        with suppress(PublicError):
            return await run.context.session.read_again(rows, key)
        return rows

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
        tree: the operation's fields.
        fields: its root fields.
        note: records what graphql-core executes.

    Raises:
        Fallback: graphql-core must execute the operation.
    """

    def __init__(
        self, executor: Executor[Any], tree: SelectionTree, fields: Fields, note: Note
    ) -> None:
        if tree.has_null_condition:  # graphql-core reports it as an error of its field
            raise Fallback("a variable in @skip or @include is null")
        root = tree.schema.get_root_type(executor.operation.operation)
        assert root is not None  # noqa: S101 (the operation is valid)
        self._fields: list[CoreField] = []
        for name, selection in fields.items():
            try:
                compiled = RootField(executor, tree, root, name, selection, note)
            except Fallback as why:
                self._fields.append(CoreField(root, name, selection, str(why), note))
            else:
                self._fields.append(compiled)
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
