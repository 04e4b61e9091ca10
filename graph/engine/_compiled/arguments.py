"""Arguments of root resolvers: coerced by graphql-core, converted as Strawberry does."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache, partial
from typing import Any, TypeAlias
from uuid import UUID

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    build_schema,
    coerce_input_literal,
    get_argument_values,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    parse,
    type_from_ast,
)
from graphql.execution import Executor, VariableValues

from graph.engine.context import Info
from graph.engine.definitions import (
    GlobalID,
    InputContext,
    Path,
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryList,
    StrawberryOptional,
    convert_argument,
    get_arguments,
    get_object_definition,
    input_hook,
    is_scalar,
    plain_resolver,
    scalar_registry,
    takes_self,
)
from graph.engine.fallback import Fallback
from graph.engine.selection import has_inner_variables

MAX_NESTING = 50
"""Levels of nested lists and objects; deeper values fall back to graphql-core."""

CACHED_TYPES = 200
"""Input object types whose coercion is cached."""

Coerce: TypeAlias = Callable[[Any, int], Any]
"""Coerces a value in which lists and objects may nest this deep.

Raises:
    Fallback: graphql-core must coerce it, or refuse it.
"""

INEXACT = "a variable is left out, or not in its exact type"


class Variables:
    """The variables of an operation.

    Args:
        schema: the schema that defines their types.
        definitions: the operation's valid variable definitions.
    """

    def __init__(
        self, schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]
    ) -> None:
        self._variables: list[tuple[str, Coerce, Any]] = []
        for definition in definitions:
            type_: Any = type_from_ast(schema, definition.type)
            default: Any = Fallback if is_non_null_type(type_) else Undefined
            if definition.default_value is not None:
                default = coerce_input_literal(definition.default_value, type_)
                if not isinstance(default, UNCHANGING):  # requests must not share it
                    default = Fallback
            self._variables.append((definition.variable.name.value, _coerce(type_), default))

    def coerce(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the coerced values.

        Raises:
            Fallback: graphql-core must coerce them, or refuse them.
        """
        coerced = {}
        for name, coerce, default in self._variables:
            if name in given:
                coerced[name] = coerce(given[name], MAX_NESTING)
            elif default is Fallback:
                raise Fallback(INEXACT)
            elif default is not Undefined:
                coerced[name] = default
        return coerced


def _coerce(type_: Any) -> Coerce:
    present = _coerce_non_null(get_nullable_type(type_))
    if is_non_null_type(type_):
        return present
    return lambda value, room: None if value is None else present(value, room)


def _coerce_non_null(type_: Any) -> Coerce:
    if is_list_type(type_):
        return _coerce_list(_coerce(type_.of_type))
    return _object(type_) if is_input_object_type(type_) else _coerce_leaf(type_.coerce_input_value)


def _coerce_list(item: Coerce) -> Coerce:
    def coerce(value: Any, room: int) -> list[Any]:
        if type(value) is not list or not room:
            raise Fallback(INEXACT)
        return [item(each, room - 1) for each in value]

    return coerce


def _coerce_leaf(parse: Callable[[Any], Any]) -> Coerce:
    def coerce(value: Any, _: int) -> Any:
        if value is None:
            raise Fallback(INEXACT)
        try:
            parsed = parse(value)
        except Exception as error:
            raise Fallback(INEXACT) from error
        if parsed is Undefined:
            raise Fallback(INEXACT)
        return parsed

    return coerce


class _InputObject:
    """Coerces objects of one input type; looks up the fields lazily, as types may be recursive."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_

    @cached_property
    def _fields(self) -> list[tuple[str, str, Coerce, Any]]:
        """Name, Python name, coercion and default of each field.

        Raises:
            Fallback: the type is a `@oneOf` input.
        """
        if self._type.is_one_of:
            raise Fallback("a variable has a type with @oneOf")
        return [
            (
                name,
                field.out_name or name,
                _coerce(field.type),
                # `Fallback` marks a field that is required, or whose default must be coerced.
                Fallback
                if is_required_input_field(field) or field.default is not None
                else field.default_value,
            )
            for name, field in self._type.fields.items()
        ]

    def __call__(self, value: Any, room: int) -> Any:
        if type(value) is not dict or not room:
            raise Fallback(INEXACT)
        coerced, left = {}, len(value)
        for name, out_name, coerce, default in self._fields:
            if name in value:
                coerced[out_name] = coerce(value[name], room - 1)
                left -= 1
            elif default is Fallback:
                raise Fallback(INEXACT)
            elif default is not Undefined:
                coerced[out_name] = default
        if left:  # an unknown field
            raise Fallback(INEXACT)
        return self._type.out_type(coerced)


_object = lru_cache(CACHED_TYPES)(_InputObject)


Arguments: TypeAlias = dict[str, Any]
"""Coerced arguments by GraphQL name."""

Convert: TypeAlias = Callable[[Any, Info], Any]
"""Converts a coerced value to a resolver's argument."""

UNCHANGING = (str, int, float, type(None), Enum, date, time, Decimal, UUID)
"""Immutable types, whose values requests can share."""


def _async_helpers() -> GraphQLResolveInfoHelpers:
    executor = Executor.build(build_schema("type Query { field: Int }"), parse("{ field }"))
    assert isinstance(executor, Executor)  # noqa: S101 (the operation is valid)
    return executor.async_helpers


ASYNC_HELPERS = _async_helpers()
"""Helpers that resolvers get. Those of the plan's executor would keep the executor and the document
of an evicted plan in memory until a full garbage collection, because they refer to each other."""


def info_of(
    executor: Executor[Any],
    definition: GraphQLField,
    nodes: list[FieldNode],
    type_: GraphQLObjectType,
    path: Path,
) -> GraphQLResolveInfo[Any]:
    """Return the info of a field's resolver, without its context."""
    built = executor.build_resolve_info(definition, nodes, type_, path)
    return built._replace(async_helpers=ASYNC_HELPERS)


class Parameters:
    """The arguments of one root field's resolver.

    Args:
        field: Strawberry's field.
        definition: graphql-core's field.
        node: the field's node in the operation.
        info: any info of the field.
        hide_suggestions: whether error messages must not suggest other names.
    """

    def __init__(
        self,
        field: StrawberryField,
        definition: GraphQLField,
        node: FieldNode,
        info: Info,
        *,
        hide_suggestions: bool,
    ) -> None:
        self._field = field
        self._definition = definition
        self._node = node
        self._hides_suggestions = hide_suggestions
        self._variables = {
            argument.name.value: argument.value.name.value
            for argument in node.arguments or ()
            if isinstance(argument.value, VariableNode)
        }
        self._optional = {
            name
            for name, argument in definition.args.items()
            if not is_non_null_type(argument.type)
            and argument.default_value is Undefined
            and argument.default is None
        }
        self._literals: Arguments | None = None
        self._is_direct = not has_inner_variables(node)
        self._names = _names(field, info)
        self._source = [None] if takes_self(field) else []
        """The object of a root field, as positional arguments."""

    def given(self, variables: VariableValues, info: Info) -> tuple[list[Any], dict[str, Any]]:
        """Return the resolver's positional and keyword arguments.

        Raises:
            Exception: graphql-core, Strawberry or an input type rejects a value.
        """
        arguments = self._arguments(variables)
        if self._names is None:
            return get_arguments(
                field=self._field,
                source=None,
                info=info,
                kwargs=arguments,
                config=info.schema.config,
                scalar_registry=scalar_registry(info),
            )
        kwargs: dict[str, Any] = {"info": info}
        # Iterate in the resolver's order, so that the first invalid argument is the one that
        # Strawberry would report.
        for name, (parameter, convert) in self._names.items():
            if name in arguments:
                value = arguments[name]
                kwargs[parameter] = value if convert is None else convert(value, info)
        return self._source, kwargs

    def _arguments(self, variables: VariableValues) -> Arguments:
        """Return the coerced arguments.

        Validation has checked the types, so a non-null variable is the argument's value. So is
        null, if the argument is nullable and has no default. Any other null or missing variable
        means a default or an error: graphql-core decides.
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
        if self._literals is not None:
            return {**_copy(self._literals), **values} if self._literals else values
        arguments = self._coerce(variables)
        literals = {name: arguments[name] for name in arguments.keys() - self._variables.keys()}
        if _is_copied_whole(literals):
            self._literals = _copy(literals)
        return arguments

    def _coerce(self, variables: VariableValues) -> Arguments:
        return get_argument_values(
            self._definition, self._node, variables, hide_suggestions=self._hides_suggestions
        )


def _is_copied_whole(value: Any) -> bool:
    """Whether `_copy` of the value shares nothing mutable with it."""
    if type(value) is dict:
        return all(map(_is_copied_whole, value.values()))
    if type(value) is list:
        return all(map(_is_copied_whole, value))
    return isinstance(value, UNCHANGING)


def _copy(value: Any) -> Any:
    """Copy dicts and lists, at all levels."""
    if type(value) is dict:
        return {key: _copy(each) for key, each in value.items()}
    if type(value) is list:
        return [_copy(each) for each in value]
    return value


def _names(field: StrawberryField, info: Info) -> dict[str, tuple[str, Convert | None]] | None:
    """Map each argument's GraphQL name to its Python name and its conversion, if it needs one.

    None if the resolver takes more than `info`, the arguments, and `self`.
    """
    if not plain_resolver(field):
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
    """Return Strawberry's conversion of an argument; None if the coerced value is passed on."""
    config = info.schema.config
    registry = scalar_registry(info)
    inner: Any = type_.of_type if type(type_) is StrawberryOptional else type_
    if isinstance(inner, StrawberryEnumDefinition) or (
        is_scalar(inner, registry) and inner is not GlobalID
    ):
        return None
    is_list = type(inner) is StrawberryList
    make = _maker(inner.of_type if is_list else inner)
    if make is None:
        return lambda value, info: convert_argument(
            value, type_, registry, config, info, path=(name,)
        )

    def convert(value: Any, info: Info, *path: str | int) -> Any:
        return make(value, InputContext(info, config, registry, path))

    if is_list:
        return lambda values, info: (
            values and [convert(value, info, name, index) for index, value in enumerate(values)]
        )
    return lambda value, info: None if value is None else convert(value, info, name)


def _maker(type_: Any) -> Callable[[Any, InputContext], Any] | None:
    """Return an input type's hook for making its values, if it has one.

    Strawberry looks it up in every request, which takes as long as the hook itself.
    """
    definition = get_object_definition(type_)
    hook = definition and input_hook(definition)
    return partial(hook, type_) if hook else None
