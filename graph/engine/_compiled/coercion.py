"""Coercion of variables, by functions that are built once per type.

graphql-core looks up every type in the document and the schema for each request. For a filter and
an order, that takes a third of the time of a page. Values coerced here equal graphql-core's; all
others, such as invalid ones, fall back to graphql-core.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

from graphql import (
    GraphQLInputObjectType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
)

from graph.engine._compiled.fallback import Fallback

MAX_NESTING = 50
"""Levels of nested lists and objects; deeper values fall back to graphql-core."""

CACHED_TYPES = 200
"""Input object types whose coercion is cached."""

Coerce: TypeAlias = Callable[[Any, int], Any]
"""Coerces a value in which lists and objects may nest this deep.

Raises:
    Exception: fall back to graphql-core.
"""


class Variables:
    """The variables of an operation.

    Args:
        schema: the schema that defines their types.
        definitions: the operation's valid variable definitions.
    """

    def __init__(
        self, schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]
    ) -> None:
        self._variables: list[tuple[str, Coerce, bool]] = []
        for definition in definitions:
            type_ = type_from_ast(schema, definition.type)
            may_be_left_out = not is_non_null_type(type_) and definition.default_value is None
            self._variables.append(
                (definition.variable.name.value, _coerce(type_), may_be_left_out)
            )

    def coerce(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the coerced values; None to fall back to graphql-core."""
        coerced = {}
        try:
            for name, coerce, may_be_left_out in self._variables:
                if name in given:
                    coerced[name] = coerce(given[name], MAX_NESTING)
                elif not may_be_left_out:
                    return None
        except Exception:  # noqa: BLE001 (`Fallback`, or any error of a scalar)
            return None
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
            raise Fallback
        return [item(each, room - 1) for each in value]

    return coerce


def _coerce_leaf(parse: Callable[[Any], Any]) -> Coerce:
    def coerce(value: Any, _: int) -> Any:
        if value is None or (parsed := parse(value)) is Undefined:
            raise Fallback
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
            raise Fallback
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
            raise Fallback
        coerced, left = {}, len(value)
        for name, out_name, coerce, default in self._fields:
            if name in value:
                coerced[out_name] = coerce(value[name], room - 1)
                left -= 1
            elif default is Fallback:
                raise Fallback
            elif default is not Undefined:
                coerced[out_name] = default
        if left:  # an unknown field
            raise Fallback
        return self._type.out_type(coerced)


_object = lru_cache(CACHED_TYPES)(_InputObject)
