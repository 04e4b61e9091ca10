"""graphql-core's executor as this service runs it, where no plan does."""

import asyncio
from typing import Any

from graphql import GraphQLObjectType, Undefined
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class SerialExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, with root fields one after another.

    They share one session, on which no two statements may ever run at once. Between two of them
    other requests have their turn.
    """

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,  # noqa: ARG002, FBT001 (the signature is graphql-core's)
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        async def execute() -> dict[str, Any]:
            data: dict[str, Any] = {}
            for name, details in grouped_field_set.items():
                if data:
                    await asyncio.sleep(0)
                path = Path(None, name, root_type.name)
                value = self.execute_field(root_type, root_value, details, path, position_context)
                if value is not Undefined:
                    data[name] = await value if self.is_awaitable(value) else value
            return data

        return execute()
