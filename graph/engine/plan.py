"""Compiled operations: the fast path for root fields that return plain rows.

graphql-core completes a page of 100 heroes leaf by leaf, 400 times some 10 µs. Which leaves there
are, under which names, and what each must be is known as soon as the operation is. So a plan is
made once: for each root field its arguments, its resolver's info, and one comprehension that
turns rows into the answer.

Why it gives the same answer: the fields are those that graphql-core collects; arguments,
resolvers and errors go through graphql-core's and Strawberry's own functions; and a row is taken
only when each value has the exact type whose serialisation is known. All else, an unknown kind of
field as well as an unexpected value, is `NotCovered`, and graphql-core executes the operation from
the start. `tests/test_plan.py` compares the two.
"""

from collections.abc import Sequence
from typing import Any

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    VariableNode,
    get_argument_values,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    is_scalar_type,
    located_error,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.schema.schema_converter import GraphQLCoreConverter, get_arguments
from strawberry.types.field import StrawberryField

from graph.database.base import Rows
from graph.engine.context import Context, Info
from graph.engine.rows import NotCovered, compile_rows


class Plan:
    """One operation, compiled for one choice of its `@skip` and `@include` variables.

    Raises:
        NotCovered: a root field is not of the kind that a plan executes.
    """

    def __init__(self, executor: Executor[Any], root: GraphQLObjectType) -> None:
        collected = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root, executor.operation
        )
        self._fields = [
            RootField(executor, root, name, details)
            for name, details in collected.grouped_field_set.items()
        ]

    async def execute(self, context: Context, variables: VariableValues) -> ExecutionResult:
        """Run the root fields one after another, as they share one session.

        Raises:
            NotCovered: a value came up that the plan does not know how to complete.
        """
        calls = [(field, field.arguments(variables)) for field in self._fields]
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for field, arguments in calls:
            try:
                data[field.name] = await field.resolve(context, variables, arguments)
            except NotCovered:
                raise
            except Exception as error:  # noqa: BLE001 (whatever a resolver raises is a field error)
                errors.append(located_error(error, field.nodes, [field.name]))
                if field.required:
                    return ExecutionResult(None, errors)
                data[field.name] = None
        return ExecutionResult(data, errors or None)


class RootField:
    """One field of the operation's root type."""

    def __init__(
        self,
        executor: Executor[Any],
        root: GraphQLObjectType,
        name: str,
        details: FieldDetailsList,
    ) -> None:
        self.name = name
        self.nodes = [detail.node for detail in details]
        definition = executor.schema.get_field(root, self.nodes[0].name.value)
        source = definition and definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not definition or not isinstance(source, StrawberryField) or source.extensions:
            raise NotCovered
        self.definition: GraphQLField = definition
        self.required = is_non_null_type(definition.type)
        self._field = source
        self._info = executor.build_resolve_info(
            definition, self.nodes, root, Path(None, name, root.name)
        )
        self._columns = Info(self._info, source).columns
        self._is_list = is_list_type(get_nullable_type(definition.type))
        self._objects = compile_rows(executor, definition, details, self._columns)
        self._variables = {
            argument.name.value: argument.value.name.value
            for argument in self.nodes[0].arguments or ()
            if isinstance(argument.value, VariableNode)
        }
        self._literals: dict[str, Any] | None = None
        self._is_direct = not _has_inner_variables(self.nodes[0])
        self._names = _scalar_names(source, definition)

    def arguments(self, variables: VariableValues) -> dict[str, Any]:
        """The coerced arguments by their GraphQL names.

        A variable that is given and not null is the argument's value as it is: validation has
        seen to its type. One that is not may mean a default or an error, as graphql-core knows.
        """
        if self._is_direct:
            given = variables.coerced
            values = {name: given.get(variable) for name, variable in self._variables.items()}
            if None not in values.values():
                if self._literals is None:
                    coerced = self._coerce(variables).items()
                    self._literals = {name: value for name, value in coerced if name not in values}
                return {**self._literals, **values}
        return self._coerce(variables)

    def _coerce(self, variables: VariableValues) -> dict[str, Any]:
        try:
            return get_argument_values(self.definition, self.nodes[0], variables)
        except GraphQLError:
            raise NotCovered from None

    async def resolve(
        self, context: Context, variables: VariableValues, arguments: dict[str, Any]
    ) -> Any:
        """The completed value of this field."""
        # Strawberry's resolvers take the plain dict, as they get it from Strawberry's own executor.
        values: Any = variables.coerced
        info = Info(self._info._replace(context=context, variable_values=values), self._field)
        info.columns = self._columns
        if self._names is not None:
            names = self._names
            args: list[Any] = [None]
            kwargs = {names[name]: value for name, value in arguments.items()}
            kwargs["info"] = info
        else:
            args, kwargs = get_arguments(
                field=self._field,
                source=None,
                info=info,
                kwargs=arguments,
                config=info.schema.config,
                scalar_registry=info.schema.schema_converter.scalar_registry,
            )
        return self._complete(await self._field.get_result(None, info, args, kwargs))

    def _complete(self, value: Any) -> Any:
        if self._is_list:
            if not isinstance(value, Rows) or value.columns != self._columns:
                raise NotCovered
            return self._checked(value.tuples)
        if value is None and not self.required:
            return None
        if getattr(value, "_fields", None) != self._columns:
            raise NotCovered
        return self._checked([value])[0]

    def _checked(self, tuples: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        objects = self._objects(tuples)
        if len(objects) != len(tuples):
            raise NotCovered
        return objects


def _scalar_names(field: StrawberryField, definition: GraphQLField) -> dict[str, str] | None:
    """By GraphQL name, the Python names of arguments that Strawberry passes on as they are.

    None when it has to convert one, or when the resolver takes more than `self` and `info`.
    """
    resolver = field.base_resolver
    if (
        resolver is None
        or not resolver.self_parameter
        or not resolver.info_parameter
        or resolver.info_parameter.name != "info"
        or resolver.root_parameter
        or resolver.parent_parameter
        or not all(is_scalar_type(get_nullable_type(arg.type)) for arg in definition.args.values())
    ):
        return None
    return {
        name: argument.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
        for name, argument in definition.args.items()
    }


def _has_inner_variables(node: FieldNode) -> bool:
    """Whether there is a variable inside a list or an input object."""
    waiting: list[Any] = [argument.value for argument in node.arguments or ()]
    while waiting:
        value = waiting.pop()
        inner = list(getattr(value, "values", None) or ())
        inner += [field.value for field in getattr(value, "fields", None) or ()]
        if any(isinstance(part, VariableNode) for part in inner):
            return True
        waiting += inner
    return False
