"""Permission checks of a saved answer's fields, repeated before the answer is sent again."""

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_argument_values,
    get_named_type,
    is_abstract_type,
    located_error,
)
from graphql.execution import Executor
from strawberry.permission import PermissionExtension

from graph.engine.context import Info
from graph.engine.definitions import (
    FieldDetailsList,
    GroupedFieldSet,
    Path,
    StrawberryField,
    field_of,
    get_arguments,
    plain_attribute,
    root_fields,
    scalar_registry,
    selected_fields,
)

GRANTED = object()


def is_guarded(field: GraphQLField) -> bool:
    """Whether the field has permissions."""
    source = field_of(field)
    extensions = source.extensions if source else ()
    return any(isinstance(each, PermissionExtension) for each in extensions)


class Permissions:
    """The permissions of an operation's fields.

    Args:
        executor: graphql-core's executor of the operation; it executes nothing here.
    """

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor

    async def check(self, answer: Mapping[str, Any]) -> None:
        """Check all permissions; no resolver runs.

        Permissions of a root field run as for an execution. Permissions below it get an object
        with the answered fields; a permission that reads any other attribute denies.

        Args:
            answer: the saved answer, parsed from JSON.

        Raises:
            GraphQLError: a permission denies.
        """
        executor = self._executor
        root = executor.schema.get_root_type(executor.operation.operation)
        assert root is not None  # noqa: S101 (the operation is valid)
        await self._check_object(root, root_fields(executor, root), None, answer, None)

    async def _check_object(
        self,
        type_: GraphQLObjectType,
        fields: GroupedFieldSet,
        source: Any,
        answer: Mapping[str, Any],
        path: Path | None,
    ) -> None:
        for key, details in fields.items():
            definition = self._executor.schema.get_field(type_, details[0].node.name.value)
            if definition is None:
                continue
            here = Path(path, key, type_.name)
            value = answer.get(key)
            if is_guarded(definition):
                try:
                    await self._ask(type_, definition, details, source, value, here)
                except Exception as error:  # noqa: BLE001 (any exception of a permission denies)
                    nodes = [detail.node for detail in details]
                    raise located_error(error, nodes, here.as_list()) from None
            for each in self._types(definition):
                inner = selected_fields(self._executor, each, details)
                for item in _objects(value):
                    found = SimpleNamespace(**_attributes(each, inner, item))
                    await self._check_object(each, inner, found, item, here)

    def _types(self, definition: GraphQLField) -> Sequence[GraphQLObjectType]:
        """Return the object types of a field's possible values."""
        named = get_named_type(definition.type)
        if isinstance(named, GraphQLObjectType):
            return [named]
        return self._executor.schema.get_possible_types(named) if is_abstract_type(named) else []

    async def _ask(  # noqa: PLR0913, PLR0917 (what a permission gets)
        self,
        type_: GraphQLObjectType,
        definition: GraphQLField,
        details: FieldDetailsList,
        source: Any,
        value: Any,
        path: Path,
    ) -> None:
        """Check the permissions of one field; a silent denial may leave it null or empty.

        Raises:
            Exception: a permission denies.
        """
        field, executor = field_of(definition), self._executor
        assert isinstance(field, StrawberryField)  # noqa: S101 (it has permissions)
        nodes = [detail.node for detail in details]
        info = Info(executor.build_resolve_info(definition, nodes, type_, path), field)
        _, arguments = get_arguments(
            field=field,
            source=source,
            info=info,
            kwargs=get_argument_values(definition, nodes[0], executor.variable_values),
            config=info.schema.config,
            scalar_registry=scalar_registry(info),
        )
        arguments.pop("info", None)
        for extension in field.extensions:
            if not isinstance(extension, PermissionExtension):
                continue
            try:
                found = await extension.resolve_async(_granted, source, info, **arguments)
            except AttributeError as error:
                if source is None:
                    raise
                raise PermissionError("The permission needs more than was answered.") from error
            if found is not GRANTED and value:
                raise PermissionError("You may no longer see this.")


async def _granted(*_: Any, **__: Any) -> object:
    return GRANTED


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a JSON value, which may be nested in lists."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


def _attributes(
    type_: GraphQLObjectType, fields: GroupedFieldSet, answer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the answered values of an object, by Python attribute."""
    found = {}
    for key, details in fields.items():
        definition = type_.fields.get(details[0].node.name.value)
        attribute = definition and plain_attribute(definition)
        if attribute and key in answer:
            found[attribute] = answer[key]
    return found
