"""Strawberry's schema, with serial root fields."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, Undefined
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graph.engine.context import Info
from graph.engine.definitions import (
    AwaitableOrValue,
    FieldDetailsList,
    GroupedFieldSet,
    Path,
    StrawberryExecutor,
    StrawberrySchema,
    collected_errors,
    plain_attribute,
)
from graph.engine.resolved import NOT_RESOLVED, Resolved
from graph.engine.scalars import SCALARS
from graph.engine.selection import key_column
from graph.engine.subscriptions import SourceContext
from graph.errors import UnreadableValueError


class SerialExecutor(StrawberryExecutor):
    """graphql-core's executor, with root fields one after another.

    They share one session, on which no two statements may run at once.

    Args:
        takes_turns: whether to let other requests run between two root fields.
        resolved: what was resolved before.
    """

    def __init__(
        self,
        *args: Any,
        takes_turns: bool = False,
        resolved: Resolved | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._takes_turns = takes_turns
        self._resolved = resolved

    def execute_operation(self, serially: bool | None = None) -> Any:  # noqa: FBT001 (as above)
        context = self.context_value
        if isinstance(context, SourceContext):  # of a subscription, for one of its events
            return context.events.execute(self, super().execute_operation)
        return super().execute_operation(serially)

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,  # noqa: ARG002, FBT001 (the signature is graphql-core's)
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        def execute(name: str) -> Any:
            details, path = grouped_field_set[name], Path(None, name, root_type.name)
            return self.execute_field(root_type, root_value, details, path, position_context)

        names = iter(grouped_field_set)
        data: dict[str, Any] = {}
        if not self._takes_turns:  # a schema may be executed without a loop
            for name in names:
                value = execute(name)
                if self.is_awaitable(value):
                    return self._execute_rest(execute, names, data, (name, value))
                if value is not Undefined:
                    data[name] = value
            return data
        return self._execute_rest(execute, names, data)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        collected = collected_errors(self)
        known = len(collected)
        known_value = NOT_RESOLVED
        if self._resolved is not None:
            known_value = self._resolved.value(field_details_list[0].node, source)
        try:
            if known_value is not NOT_RESOLVED:
                return self._complete_known(parent_type, field_details_list, path, known_value)
            value = super().execute_field(
                parent_type, source, field_details_list, path, position_context
            )
        except GraphQLError as error:
            _name_row([error], parent_type, source, path)
            raise
        _name_row(collected[known:], parent_type, source, path)
        return value

    def _complete_known(
        self, parent_type: GraphQLObjectType, details: FieldDetailsList, path: Path, value: Any
    ) -> Any:
        """Complete the value of a field that was resolved before."""
        definition = parent_type.fields[details[0].node.name.value]
        nodes = [each.node for each in details]
        info = self.build_resolve_info(definition, nodes, parent_type, path)
        parts = (definition.type, details, info, path, value, None)
        if self.is_awaitable(value):
            return self.complete_awaitable_value(*parts)
        try:
            return self.complete_value(*parts)
        except Exception as error:  # noqa: BLE001 (any exception is a field error)
            self.handle_field_error(error, definition.type, details, path)
            return None

    async def _execute_rest(
        self,
        execute: Callable[[str], Any],
        names: Iterator[str],
        data: dict[str, Any],
        begun: tuple[str, Any] | None = None,
    ) -> dict[str, Any]:
        if begun is not None:
            data[begun[0]] = await begun[1]
        for name in names:
            if self._takes_turns and data:
                await asyncio.sleep(0)
            value = execute(name)
            if value is not Undefined:
                data[name] = await value if self.is_awaitable(value) else value
        return data


def _name_row(
    errors: Iterable[GraphQLError], type_: GraphQLObjectType, source: Any, path: Path
) -> None:
    """Let errors name the row and column of a stored value that the field's type does not allow.

    Args:
        errors: errors of the field at `path`, and of fields inside it.
        type_: the type of the object that has the field.
        source: this object; only rows have stored values.
        path: the path of the field.
    """
    columns = getattr(source, "_fields", ()) if isinstance(source, tuple) else ()
    for error in errors:
        if columns and error.nodes and error.path == path.as_list():
            field: Any = error.nodes[0]
            column = plain_attribute(type_.fields[field.name.value])
            key = key_column(type_)
            if column is not None and column in columns:
                row = source._asdict()
                error.original_error = UnreadableValueError(
                    type_.name, row.get(key), column, row[column]
                )


class Schema(StrawberrySchema):
    """A schema whose root fields always run one after another.

    Args:
        args: those of Strawberry's schema.
        title: title of GraphiQL's page.
        options: those of Strawberry's schema; a `config` must have `info_class=Info`.

    Raises:
        TypeError: it has not.
    """

    def __init__(self, *args: Any, title: str = "API", **options: Any) -> None:
        self.title = title
        overrides = {**SCALARS, **options.pop("scalar_overrides", {})}
        options = {
            "config": StrawberryConfig(info_class=Info),
            "execution_context_class": SerialExecutor,
            **options,
            "scalar_overrides": overrides,
        }
        super().__init__(*args, **options)
        if not issubclass(self.config.info_class, Info):
            raise TypeError("the schema's config must be StrawberryConfig(info_class=Info)")

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Do nothing: the service logs errors, without the query text that Strawberry would log."""
