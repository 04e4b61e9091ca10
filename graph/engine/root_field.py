"""Root fields: compiled ones, and those that are left to graphql-core."""

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    Undefined,
    VariableNode,
    get_argument_values,
    is_non_null_type,
    located_error,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.schema.schema_converter import GraphQLCoreConverter, get_arguments
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from graph.engine.context import Info
from graph.engine.execution import Execution
from graph.engine.rows import NotCovered
from graph.engine.values import ValueCompiler

Arguments: TypeAlias = dict[str, Any]
"""Coerced arguments by their GraphQL names."""

Convert: TypeAlias = Callable[[Any, Info], Any]
"""Makes a resolver's argument of a coerced value."""


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
        self._selected = Info(self._info, source).selected
        if self._selected.columns is None:
            raise NotCovered
        compiler = ValueCompiler(executor, self._selected.columns)
        self._complete = compiler.compile(definition, details)
        self._variables = {
            argument.name.value: argument.value.name.value
            for argument in self._nodes[0].arguments or ()
            if isinstance(argument.value, VariableNode)
        }
        self._optional = {
            name
            for name, argument in definition.args.items()
            if not is_non_null_type(argument.type)
            and argument.default_value is Undefined
            and argument.default is None
        }
        self._hides_suggestions = executor.hide_suggestions
        self._literals: Arguments | None = None
        self._is_direct = not _has_inner_variables(self._nodes[0])
        self._parameters = _parameters(source, Info(self._info, source))

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
        seen to its type. So is null for an argument that may be null, and has no default. Another
        may mean a default or an error, as graphql-core knows.
        """
        if not self._is_direct:
            return self._coerce(variables)
        values: Arguments = {}
        given = variables.coerced
        for name, variable in self._variables.items():
            value = given.get(variable)
            if value is None and name not in self._optional:
                return self._coerce(variables)
            if value is not None or variable in given:
                values[name] = value
        if self._literals is None:
            coerced = self._coerce(variables).items()
            self._literals = {name: value for name, value in coerced if name not in self._variables}
        return {**self._literals, **values}

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
        info.selected = self._selected
        if self._parameters is not None:
            args: list[Any] = [None]
            kwargs = {"info": info}
            for name, value in arguments.items():
                parameter, convert = self._parameters[name]
                kwargs[parameter] = value if convert is None else convert(value, info)
        else:
            args, kwargs = get_arguments(
                field=self._field,
                source=None,
                info=info,
                kwargs=arguments,
                config=info.schema.config,
                scalar_registry=info.schema.schema_converter.scalar_registry,
            )
        value = self._field.get_result(None, info, args, kwargs)
        return await value if isawaitable(value) else value

    def _complete_by_core(self, executor: Executor[Any], value: Any) -> Any:
        """The value in hand, completed by graphql-core."""

        async def resolved() -> Any:
            return value

        info = executor.build_resolve_info(self._definition, self._nodes, self._root, self._path)
        return executor.complete_awaitable_value(
            self._definition.type, self._details, info, self._path, resolved(), None
        )


def _parameters(field: StrawberryField, info: Info) -> dict[str, tuple[str, Convert | None]] | None:
    """By an argument's GraphQL name, the resolver's name for it, and its conversion if it has one.

    None when the resolver takes more than `self`, `info` and the arguments.
    """
    resolver = field.base_resolver
    if (
        resolver is None
        or not resolver.self_parameter
        or not resolver.info_parameter
        or resolver.info_parameter.name != "info"
        or resolver.root_parameter
        or resolver.parent_parameter
    ):
        return None
    naming = info.schema.config.name_converter
    return {
        (name := naming.from_argument(argument)): (
            argument.python_name,
            _conversion(info, argument.type, name),
        )
        for argument in field.arguments
    }


def _conversion(info: Info, type_: Any, name: str) -> Convert | None:
    """Strawberry's conversion of an argument; None for one that is passed on as it is."""
    config = info.schema.config
    registry = info.schema.schema_converter.scalar_registry
    inner = type_.of_type if type(type_) is StrawberryOptional else type_
    if isinstance(inner, StrawberryEnumDefinition) or (
        is_scalar(inner, registry) and inner is not GlobalID
    ):
        return None
    return lambda value, info: convert_argument(value, type_, registry, config, info, path=(name,))


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
