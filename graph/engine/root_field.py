"""Root fields: compiled ones, and those that are left to graphql-core."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
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
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.schema.schema_converter import GraphQLCoreConverter, get_arguments
from strawberry.types.field import StrawberryField

from graph.database.statement import Rows
from graph.engine.context import Info
from graph.engine.execution import Execution
from graph.engine.rows import NotCovered, compile_rows

Arguments: TypeAlias = dict[str, Any]
"""Coerced arguments by their GraphQL names."""


class CoreField:
    """A root field that graphql-core executes."""

    def __init__(self, root: GraphQLObjectType, name: str, details: FieldDetailsList) -> None:
        self.name = name
        self._root = root
        self._details = details
        self._path = Path(None, name, root.name)

    async def execute(self, execution: Execution) -> Any:
        """The completed value.

        Raises:
            GraphQLError: it failed, and may not be null.
        """
        return await execution.core(
            lambda executor: executor.execute_field(
                self._root, None, self._details, self._path, None
            )
        )


class RootField(CoreField):
    """A root field that is compiled.

    Raises:
        NotCovered: it is of another kind.
    """

    def __init__(
        self,
        executor: Executor[Any],
        root: GraphQLObjectType,
        name: str,
        details: FieldDetailsList,
    ) -> None:
        super().__init__(root, name, details)
        self._nodes = [detail.node for detail in details]
        definition = executor.schema.get_field(root, self._nodes[0].name.value)
        source = definition and definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not definition or not isinstance(source, StrawberryField) or source.extensions:
            raise NotCovered
        self._definition: GraphQLField = definition
        self._required = is_non_null_type(definition.type)
        self._field = source
        self._info = executor.build_resolve_info(definition, self._nodes, root, self._path)
        self._columns = Info(self._info, source).columns
        if self._columns is None:
            raise NotCovered
        self._is_list = is_list_type(get_nullable_type(definition.type))
        self._objects = compile_rows(executor, definition, details, self._columns)
        self._variables = {
            argument.name.value: argument.value.name.value
            for argument in self._nodes[0].arguments or ()
            if isinstance(argument.value, VariableNode)
        }
        self._hides_suggestions = executor.hide_suggestions
        self._literals: Arguments | None = None
        self._is_direct = not _has_inner_variables(self._nodes[0])
        self._names = _scalar_names(source, definition)

    async def execute(self, execution: Execution) -> Any:
        try:
            value = await self._resolve(execution)
        except Exception as raised:  # noqa: BLE001 (whatever a resolver raises is a field error)
            error = located_error(raised, self._nodes, [self.name])
            if self._required:
                raise error from None
            execution.errors.append(error)
            return None
        try:
            return self._complete(value)
        except NotCovered:
            return await execution.core(lambda executor: self._complete_by_core(executor, value))

    def _arguments(self, variables: VariableValues) -> Arguments:
        """The coerced arguments.

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

    def _coerce(self, variables: VariableValues) -> Arguments:
        return get_argument_values(
            self._definition, self._nodes[0], variables, hide_suggestions=self._hides_suggestions
        )

    async def _resolve(self, execution: Execution) -> Any:
        """What the resolver returns."""
        arguments = self._arguments(execution.variables)
        # Strawberry's resolvers take the plain dict, as they get it from Strawberry's own executor.
        values: Any = execution.variables.coerced
        info = Info(
            self._info._replace(context=execution.context, variable_values=values), self._field
        )
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
        return await self._field.get_result(None, info, args, kwargs)

    def _complete(self, value: Any) -> Any:
        if self._is_list:
            if not isinstance(value, Rows) or value.columns != self._columns:
                raise NotCovered
            return self._checked(value.tuples)
        if value is None and not self._required:
            return None
        if getattr(value, "_fields", None) != self._columns:
            raise NotCovered
        return self._checked([value])[0]

    def _checked(self, tuples: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        objects = self._objects(tuples)
        if len(objects) != len(tuples):
            raise NotCovered
        return objects

    def _complete_by_core(self, executor: Executor[Any], value: Any) -> Any:
        """The value in hand, completed by graphql-core."""

        async def resolved() -> Any:
            return value

        info = executor.build_resolve_info(self._definition, self._nodes, self._root, self._path)
        return executor.complete_awaitable_value(
            self._definition.type, self._details, info, self._path, resolved(), None
        )


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
