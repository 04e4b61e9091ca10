"""graphql-core's executor as this service runs it, where no plan does."""

from typing import Any

from graphql import GraphQLError, GraphQLField, GraphQLObjectType, get_argument_values
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields
from graphql.pyutils import AwaitableOrValue
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.limits import check_rows, count_rows
from graph.settings import Settings


class SerialExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, with root fields one after another and their rows counted first.

    Root fields share one session, on which no two statements may ever run at once.
    """

    def __init__(self, *args: Any, settings: Settings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,  # noqa: ARG002, FBT001 (the signature is graphql-core's)
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        check_rows(self._calls(root_type, grouped_field_set), self._settings)
        return super().execute_root_grouped_field_set(
            root_type,
            root_value,
            grouped_field_set,
            serially=True,
            position_context=position_context,
        )

    def rows(self, root_type: GraphQLObjectType) -> int:
        """The most rows that the operation returns."""
        collected = collect_fields(
            self.schema, self.fragments, self.variable_values, root_type, self.operation
        )
        return count_rows(self._calls(root_type, collected.grouped_field_set))

    def _calls(
        self, root_type: GraphQLObjectType, grouped_field_set: GroupedFieldSet
    ) -> list[tuple[GraphQLField, dict[str, Any]]]:
        """The root fields with their arguments."""
        calls: list[tuple[GraphQLField, dict[str, Any]]] = []
        for details in grouped_field_set.values():
            node = details[0].node
            field = self.schema.get_field(root_type, node.name.value)
            if field is not None:
                try:
                    arguments = get_argument_values(field, node, self.variable_values)
                except GraphQLError:
                    continue  # raised again, at its field, when that is executed
                calls.append((field, arguments))
        return calls
