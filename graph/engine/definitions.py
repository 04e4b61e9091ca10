"""The one door to what Strawberry and graphql-core keep inside.

Nothing here is their public API, so any release may change it. Each name says why it is needed, and
`tests/engine/test_definitions.py` has a test for each that fails when a release changes it. The
same tests keep these names out of all other files.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
)
from graphql.execution import Executor

# Plans select the fields of an operation as graphql-core's executor does.
from graphql.execution.collect_fields import (
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)

# The path of a root field that graphql-core completes.
from graphql.pyutils import AwaitableOrValue, Path

# An input that is defined by its fields needs an annotation for each.
from strawberry.annotation import StrawberryAnnotation

# A relay id is a scalar to Strawberry, and yet converted.
from strawberry.relay import GlobalID

# Tells which arguments Strawberry passes on as they are.
from strawberry.scalars import is_scalar

# The executor that Strawberry runs operations with; root fields must run one after another.
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext as StrawberryExecutor

# `get_arguments` and `convert_argument` make a resolver's arguments of coerced values.
from strawberry.schema.schema_converter import (
    CustomGraphQLEnumType,
    GraphQLCoreConverter,
    get_arguments,
)
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import InputContext, convert_argument

# How Strawberry writes the types of fields and arguments.
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

# The GraphQL name of a field that is given none.
from strawberry.utils.str_converters import to_camel_case

__all__ = [
    "AwaitableOrValue",
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
    "argument_metadata",
    "collect_fields",
    "collect_subfields",
    "collected_errors",
    "convert_argument",
    "core_schema",
    "define_input",
    "enum_class",
    "field_metadata",
    "field_of",
    "generic_class",
    "get_arguments",
    "get_object_definition",
    "has_resolver",
    "input_definition",
    "input_hook",
    "is_scalar",
    "max_reads",
    "overlapping_fields_rule",
    "plain_attribute",
    "plain_resolver",
    "python_class",
    "raw_info",
    "replace_input_hook",
    "scalar_registry",
    "standard_scalar",
    "to_camel_case",
]

FromInput: TypeAlias = Callable[[type[Any], Mapping[str, Any], InputContext], Any]
"""Strawberry's hook of an input type: makes its value of the coerced fields that a client sent."""

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF
"""The key, in the extensions of graphql-core's types and fields, of Strawberry's definition."""

STANDARD_SCALARS = {definition.name: definition for definition in DEFAULT_SCALAR_REGISTRY.values()}
"""Strawberry's scalars, by name; a schema may have another of the same name."""


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's schema, which documents are validated against and executed on."""
    core: GraphQLSchema = schema._schema  # noqa: SLF001 (Strawberry has no public name for it)
    return core


class StrawberrySchema(strawberry.Schema):
    """Strawberry's schema, with a resolver of `isOneOf` that answers for every type.

    Strawberry's own fails on lists and on types that are not null, which have no `extensions`.
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
    """Strawberry's field; None for one that graphql-core added, such as `__typename`."""
    source = field.extensions.get(BACKREF)
    return source if isinstance(source, StrawberryField) else None


def has_resolver(field: StrawberryField) -> bool:
    """Whether a resolver gives the field's value, rather than an attribute."""
    return field.base_resolver is not None


def plain_resolver(field: StrawberryField) -> bool:
    """Whether the field's resolver takes `self`, `info` and the arguments, and nothing else."""
    resolver = field.base_resolver
    info = resolver and resolver.info_parameter
    return bool(
        resolver
        and info
        and info.name == "info"
        and resolver.self_parameter
        and not (resolver.root_parameter or resolver.parent_parameter)
    )


def plain_attribute(field: GraphQLField) -> str | None:
    """The attribute that has the field's value; None where a resolver or an extension gives it."""
    source = field_of(field)
    if source is None or not source.is_basic_field:
        return None
    name: str = source.python_name
    return name


def max_reads(field: GraphQLField) -> int:
    """How many times a field may use the session: in its resolver, and in each of its extensions.

    A resolver needs an `info` for it, and an extension, such as a permission, must be asynchronous.
    """
    source = field_of(field)
    if source is None:
        return 0
    resolver = source.base_resolver
    in_resolver = resolver is not None and resolver.info_parameter is not None
    return in_resolver + sum(not extension.supports_sync for extension in source.extensions)


def argument_metadata(argument: GraphQLArgument) -> Mapping[Any, Any]:
    """The metadata that `strawberry.argument` was given."""
    source = argument.extensions.get(BACKREF)
    metadata: Mapping[Any, Any] = source.metadata if source is not None else {}
    return metadata


def python_class(type_: GraphQLNamedType) -> type | None:
    """The Python class of a type; of `HeroConnection`, the generic `Connection`."""
    definition = type_.extensions.get(BACKREF)
    definition = getattr(definition, "concrete_of", None) or definition
    class_: type | None = getattr(definition, "origin", None)
    return class_


def generic_class(type_: GraphQLNamedType) -> type | None:
    """The generic class that a type was made from; None where it was made from none."""
    generic = getattr(type_.extensions.get(BACKREF), "concrete_of", None)
    class_: type | None = getattr(generic, "origin", None)
    return class_


def standard_scalar(type_: GraphQLNamedType) -> str | None:
    """The name of a scalar that Strawberry itself defines; None for any other type."""
    known = STANDARD_SCALARS.get(getattr(type_, "name", ""))
    if known is None:
        return None
    is_own = type_ is known.implementation or type_.extensions.get(BACKREF) is known
    return known.name if is_own else None


def enum_class(type_: CustomGraphQLEnumType | StrawberryEnumDefinition) -> Any:
    """The Python enum of an enum type."""
    return type_.wrapped_cls


def raw_info(info: strawberry.Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    """graphql-core's info, which has the nodes that select the field."""
    raw: GraphQLResolveInfo[Any] = info._raw_info  # noqa: SLF001 (Strawberry's own has no nodes)
    return raw


def field_metadata(info: strawberry.Info[Any, Any]) -> Mapping[Any, Any]:
    """The metadata that `strawberry.field` was given."""
    return info._field.metadata  # noqa: SLF001 (Strawberry has no public name for it)


def scalar_registry(info: strawberry.Info[Any, Any]) -> Mapping[object, Any]:
    """The scalars of the schema, as `is_scalar` and `convert_argument` take them."""
    registry: Mapping[object, Any] = info.schema.schema_converter.scalar_registry
    return registry


def collected_errors(executor: Executor[Any]) -> list[GraphQLError]:
    """The errors of fields that the executor set to null."""
    return executor.collected_errors.errors


def input_definition(
    origin: type,
    description: str,
    fields: list[StrawberryField],
    from_input: FromInput | None = None,
) -> StrawberryObjectDefinition:
    """The definition of an input whose fields are known only when the program runs."""
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


def define_input(cls: type, definition: StrawberryObjectDefinition) -> None:
    """Make a class the input of a definition, as `strawberry.input` does with its own."""
    target: Any = cls
    target.__strawberry_definition__ = definition


def input_hook(definition: StrawberryObjectDefinition) -> FromInput | None:
    """The hook that makes the values of an input, if it has one."""
    hook: FromInput | None = definition.from_input
    return hook


def replace_input_hook(cls: type, from_input: FromInput) -> None:
    """Have the values of an input made by this hook."""
    definition = get_object_definition(cls, strict=True)
    define_input(cls, replace(definition, from_input=from_input))


def overlapping_fields_rule(comparisons: int) -> type[OverlappingFieldsCanBeMergedRule]:
    """graphql-core's rule, with a smaller upper bound on its work, for which it has no option.

    Args:
        comparisons: pairs of fields that may be compared before validation is aborted.
    """

    class BoundedRule(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: Any) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

    return BoundedRule
