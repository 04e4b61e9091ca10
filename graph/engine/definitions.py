"""The only file that uses non-public parts of Strawberry and graphql-core.

Any release may change them. Each name says why it is needed. `tests/engine/test_definitions.py` has
a test for each name, which fails when a release changes it, and keeps the names out of other files.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import strawberry
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSyntaxError,
    OverlappingFieldsCanBeMergedRule,
)
from graphql.execution import Executor

# The executor takes the nodes of a field in this form.
from graphql.execution.collect_fields import FieldDetails, FieldDetailsList, GroupedFieldSet

# `Path` is the path of a root field that graphql-core completes.
from graphql.pyutils import AwaitableOrValue, Path

# An input made from a list of fields needs an annotation per field.
from strawberry.annotation import StrawberryAnnotation

# A relay id is a scalar, but Strawberry converts it.
from strawberry.relay import GlobalID

# Strawberry passes scalar arguments on without conversion. `JSON` and `Base64` are its own.
from strawberry.scalars import JSON, Base64, is_scalar

# Strawberry's executor, made serial for root fields.
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext as StrawberryExecutor

# `get_arguments` and `convert_argument` convert coerced values to a resolver's arguments.
from strawberry.schema.schema_converter import (
    CustomGraphQLEnumType,
    GraphQLCoreConverter,
    get_arguments,
)
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import InputContext, convert_argument

# Strawberry's representation of the types of fields and arguments.
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

# The default GraphQL name of a field.
from strawberry.utils.str_converters import to_camel_case

__all__ = [
    "JSON",
    "AwaitableOrValue",
    "Base64",
    "CustomGraphQLEnumType",
    "FieldDetailsList",
    "FromInput",
    "GlobalID",
    "GroupedFieldSet",
    "InputContext",
    "Path",
    "StrawberryAnnotation",
    "StrawberryEnumDefinition",
    "StrawberryExecutor",
    "StrawberryField",
    "StrawberryList",
    "StrawberryObjectDefinition",
    "StrawberryOptional",
    "StrawberrySchema",
    "add_field",
    "argument_metadata",
    "collected_errors",
    "convert_argument",
    "core_schema",
    "enum_class",
    "exceeds_tokens",
    "field_details",
    "field_metadata",
    "field_of",
    "generic_class",
    "get_arguments",
    "get_object_definition",
    "has_resolver",
    "input_definition",
    "input_hook",
    "is_scalar",
    "known_scalar",
    "max_reads",
    "overlapping_fields_rule",
    "plain_attribute",
    "plain_resolver",
    "python_class",
    "raw_info",
    "replace_input_hook",
    "row_resolver",
    "scalar_registry",
    "set_definition",
    "standard_scalar",
    "takes_self",
    "to_camel_case",
]

FromInput: TypeAlias = Callable[[type[Any], Mapping[str, Any], InputContext], Any]
"""Strawberry's hook of an input type: makes its value from the coerced fields."""

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF
"""Key of Strawberry's definition in the extensions of graphql-core's types and fields."""

STANDARD_SCALARS = {definition.name: definition for definition in DEFAULT_SCALAR_REGISTRY.values()}
"""Strawberry's scalars by name; a schema may define another scalar of the same name."""


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """Return graphql-core's schema, for validation and execution."""
    core: GraphQLSchema = schema._schema  # noqa: SLF001 (Strawberry has no public name for it)
    return core


class StrawberrySchema(strawberry.Schema):
    """Strawberry's schema, with a working resolver of the introspection field `isOneOf`.

    Strawberry's own resolver fails for list and non-null types, which have no `extensions`.
    """

    def _extend_introspection(self) -> None:
        described: Any = core_schema(self).type_map["__Type"]
        described.fields["isOneOf"].resolve = _is_one_of


def _is_one_of(type_: Any, _info: Any) -> bool | None:
    """Whether an input object takes exactly one of its fields; None for other types."""
    if not isinstance(type_, GraphQLInputObjectType):
        return None
    answer: bool = type_.extensions[BACKREF].is_one_of
    return answer


def field_of(field: GraphQLField) -> StrawberryField | None:
    """Return Strawberry's field; None for a field of graphql-core's, such as `__typename`."""
    source = field.extensions.get(BACKREF)
    return source if isinstance(source, StrawberryField) else None


def has_resolver(field: StrawberryField) -> bool:
    """Whether the field has a resolver; otherwise it reads an attribute."""
    return field.base_resolver is not None


def plain_resolver(field: StrawberryField) -> bool:
    """Whether the field's resolver takes only `info`, the arguments, and perhaps `self`."""
    resolver = field.base_resolver
    info = resolver and resolver.info_parameter
    return bool(
        resolver
        and info
        and info.name == "info"
        and not (resolver.root_parameter or resolver.parent_parameter)
    )


def takes_self(field: StrawberryField) -> bool:
    """Whether the field's resolver takes the object of its field, first, as `self`."""
    return field.base_resolver is not None and field.base_resolver.self_parameter is not None


def row_resolver(field: GraphQLField) -> Callable[[Any], Any] | None:
    """Return a synchronous resolver that takes nothing but the object of its field, as `self`.

    None for any other field, or if the field has an extension.
    """
    source = field_of(field)
    if source is None or source.extensions or not takes_self(source) or source.is_async:
        return None
    resolver: Any = source.base_resolver
    call: Callable[[Any], Any] = resolver.wrapped_func
    return call if len(resolver.signature.parameters) == 1 else None


def plain_attribute(field: GraphQLField) -> str | None:
    """Return the attribute that the field reads; None if it has a resolver or an extension."""
    source = field_of(field)
    if source is None or not source.is_basic_field:
        return None
    name: str = source.python_name
    return name


def max_reads(field: GraphQLField) -> int:
    """Return the number of the field's functions that may use the session.

    These are its resolver, if it takes `info`, and its asynchronous extensions, such as
    permissions.
    """
    source = field_of(field)
    if source is None:
        return 0
    resolver = source.base_resolver
    in_resolver = resolver is not None and resolver.info_parameter is not None
    return in_resolver + sum(not extension.supports_sync for extension in source.extensions)


def argument_metadata(argument: GraphQLArgument) -> Mapping[Any, Any]:
    """Return the metadata given to `strawberry.argument`."""
    source = argument.extensions.get(BACKREF)
    metadata: Mapping[Any, Any] = source.metadata if source is not None else {}
    return metadata


def python_class(type_: GraphQLNamedType) -> type | None:
    """Return the Python class of a type; for `HeroConnection`, the generic `Connection`."""
    definition = type_.extensions.get(BACKREF)
    definition = getattr(definition, "concrete_of", None) or definition
    class_: type | None = getattr(definition, "origin", None)
    return class_


def generic_class(type_: GraphQLNamedType) -> type | None:
    """Return the generic class of a type; None if the type is not generic."""
    generic = getattr(type_.extensions.get(BACKREF), "concrete_of", None)
    class_: type | None = getattr(generic, "origin", None)
    return class_


def standard_scalar(type_: GraphQLNamedType) -> str | None:
    """Return the name of a scalar that Strawberry defines; None for any other type."""
    known = STANDARD_SCALARS.get(getattr(type_, "name", ""))
    if known is None:
        return None
    is_own = type_ is known.implementation or type_.extensions.get(BACKREF) is known
    return known.name if is_own else None


def known_scalar(type_: object) -> bool:
    """Whether a Python type is a scalar in every schema."""
    return is_scalar(type_, DEFAULT_SCALAR_REGISTRY)


def enum_class(type_: CustomGraphQLEnumType | StrawberryEnumDefinition) -> Any:
    """Return the Python class of an enum type."""
    return type_.wrapped_cls


def raw_info(info: strawberry.Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    """Return graphql-core's info, which has the field's nodes."""
    raw: GraphQLResolveInfo[Any] = info._raw_info  # noqa: SLF001 (Strawberry's info has no nodes)
    return raw


def field_metadata(info: strawberry.Info[Any, Any]) -> Mapping[Any, Any]:
    """Return the metadata given to `strawberry.field`."""
    return info._field.metadata  # noqa: SLF001 (Strawberry has no public name for it)


def scalar_registry(info: strawberry.Info[Any, Any]) -> Mapping[object, Any]:
    """Return the schema's scalars, for `is_scalar` and `convert_argument`."""
    registry: Mapping[object, Any] = info.schema.schema_converter.scalar_registry
    return registry


def field_details(nodes: list[FieldNode]) -> FieldDetailsList:
    """Return a field's nodes as graphql-core's executor takes them."""
    return [FieldDetails(node, None) for node in nodes]


def collected_errors(executor: Executor[Any]) -> list[GraphQLError]:
    """Return the errors of fields that the executor set to null."""
    return executor.collected_errors.errors


def input_definition(
    origin: type,
    description: str,
    fields: list[StrawberryField],
    from_input: FromInput | None = None,
) -> StrawberryObjectDefinition:
    """Return the definition of an input with these fields."""
    return StrawberryObjectDefinition(
        name=origin.__name__,
        is_input=True,
        is_interface=False,
        origin=origin,
        description=description,
        interfaces=[],
        extend=False,
        directives=(),
        is_type_of=None,
        resolve_type=None,
        fields=fields,
        from_input=from_input,
    )


def set_definition(cls: type, definition: StrawberryObjectDefinition) -> None:
    """Make a class a type or an input with this definition, as Strawberry's decorators do."""
    target: Any = cls
    target.__strawberry_definition__ = definition


def add_field(cls: type, name: str, field: StrawberryField) -> None:
    """Add a field to a type, as Strawberry's decorator does with those in its body."""
    definition = get_object_definition(cls, strict=True)
    field.python_name = field.name = name
    field.origin = cls
    set_definition(cls, replace(definition, fields=[*definition.fields, field]))


def input_hook(definition: StrawberryObjectDefinition) -> FromInput | None:
    """Return the hook that makes an input's values, if it has one."""
    hook: FromInput | None = definition.from_input
    return hook


def replace_input_hook(cls: type, from_input: FromInput) -> None:
    """Set the hook that makes an input's values."""
    definition = get_object_definition(cls, strict=True)
    set_definition(cls, replace(definition, from_input=from_input))


def exceeds_tokens(error: GraphQLSyntaxError, most: int) -> bool:
    """Whether `parse` stopped at its `max_tokens`; graphql-core says so in the message alone."""
    aborted = f"Syntax Error: Document contains more than {most} tokens. Parsing aborted."
    return error.message == aborted


def overlapping_fields_rule(comparisons: int) -> type[OverlappingFieldsCanBeMergedRule]:
    """Return graphql-core's rule with a smaller bound on its work; it has no option for that.

    Args:
        comparisons: maximum number of pairs of fields to compare before validation is aborted.
    """

    class BoundedRule(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: Any) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

    return BoundedRule
