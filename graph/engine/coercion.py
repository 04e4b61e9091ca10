"""Coerces variables by functions that are made once of their types.

graphql-core looks the types up in every request, in the document and then in the schema, which for
a filter and an order takes a third of the time of their page. What is taken here becomes what
graphql-core makes of it; all else, such as what is to be refused, is left to graphql-core.
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

from graph.engine.fallback import Fallback

DEEPEST = 50
"""How deep lists and objects may be in each other; deeper ones are left to graphql-core."""

OBJECTS = 200
"""Input objects that are known at a time."""

Coerce: TypeAlias = Callable[[Any, int], Any]
"""Coerces a value, in which lists and objects may be so deep.

Raises:
    Exception: it is left to graphql-core.
"""


class Variables:
    """The variables of an operation.

    Args:
        schema: what has their types.
        definitions: the operation's, which are valid.
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
        """The coerced values; None when they are left to graphql-core."""
        coerced = {}
        try:
            for name, coerce, may_be_left_out in self._variables:
                if name in given:
                    coerced[name] = coerce(given[name], DEEPEST)
                elif not may_be_left_out:
                    return None
        except Exception:  # noqa: BLE001 (`Fallback`, or what a scalar raises)
            return None
        return coerced


def _coerce(type_: Any) -> Coerce:
    present = _coerce_present(get_nullable_type(type_))
    if is_non_null_type(type_):
        return present
    return lambda value, room: None if value is None else present(value, room)


def _coerce_present(type_: Any) -> Coerce:
    """What coerces all values but null."""
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
    """Coerces the objects of a type, whose fields are known only when all types are."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_

    @cached_property
    def _fields(self) -> list[tuple[str, str, Coerce, Any]]:
        """For each field its name, that in Python, its coercion, and its default.

        Raises:
            Fallback: of the fields there must be exactly one.
        """
        if self._type.is_one_of:
            raise Fallback
        return [
            (
                name,
                field.out_name or name,
                _coerce(field.type),
                # Where one must be given, or coerced first, there is none to be had here.
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
        if left:  # a field that the type has not
            raise Fallback
        return self._type.out_type(coerced)


_object = lru_cache(OBJECTS)(_InputObject)
