"""Permission checks of a saved answer's fields, repeated before the answer is sent again."""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_argument_values,
    located_error,
)
from graphql.execution import Executor
from strawberry.permission import PermissionExtension

from graph.engine.context import Info
from graph.engine.definitions import (
    Path,
    StrawberryField,
    field_of,
    get_arguments,
    plain_attribute,
    scalar_registry,
)
from graph.engine.selection import Fields, Selection, SelectionTree

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
        tree: the operation's fields.
    """

    def __init__(self, executor: Executor[Any], tree: SelectionTree) -> None:
        self._executor = executor
        self._tree = tree

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
        fields = self._tree.root(executor.operation)
        await self._check_object(root, fields, None, answer, None)

    async def _check_object(
        self,
        type_: GraphQLObjectType,
        fields: Fields,
        source: Any,
        answer: Mapping[str, Any],
        path: Path | None,
    ) -> None:
        for key, selection in fields.items():
            here = Path(path, key, type_.name)
            value = answer.get(key)
            if is_guarded(selection.definition):
                try:
                    await self._ask(type_, selection, source, value, here)
                except Exception as error:  # noqa: BLE001 (any exception of a permission denies)
                    raise located_error(error, selection.nodes, here.as_list()) from None
            for each in self._tree.types(selection):
                inner = self._tree.inside(selection, each)
                for item in _objects(value):
                    found = SimpleNamespace(**_attributes(inner, item))
                    await self._check_object(each, inner, found, item, here)

    async def _ask(
        self,
        type_: GraphQLObjectType,
        selection: Selection,
        source: Any,
        value: Any,
        path: Path,
    ) -> None:
        """Check the permissions of one field; a silent denial may leave it null or empty.

        Raises:
            Exception: a permission denies.
        """
        definition, nodes, executor = selection.definition, selection.nodes, self._executor
        field = field_of(definition)
        assert isinstance(field, StrawberryField)  # noqa: S101 (it has permissions)
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
                raise PermissionError(
                    "The permission needs a value that the saved answer lacks."
                ) from error
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


def _attributes(fields: Fields, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answered values of an object, by Python attribute."""
    found = {}
    for key, selection in fields.items():
        attribute = plain_attribute(selection.definition)
        if attribute and key in answer:
            found[attribute] = answer[key]
    return found
