"""Strawberry's schema as this service executes it."""

from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import ExecutionContext

from graph.engine.executor import SerialExecutor


class Schema(strawberry.Schema):
    """A schema whose root fields run one after another, wherever it is executed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"execution_context_class": SerialExecutor, **options})

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: the service logs errors, without the query that Strawberry would show."""

    def _extend_introspection(self) -> None:
        # Strawberry's own resolver of `isOneOf` fails on lists and on types that are not null.
        described: Any = self._schema.type_map["__Type"]
        described.fields["isOneOf"].resolve = _is_one_of


def _is_one_of(type_: Any, _info: Any) -> bool | None:
    """Whether an input object takes exactly one of its fields; None for other types."""
    if not isinstance(type_, GraphQLInputObjectType):
        return None
    is_one_of: bool = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of
    return is_one_of
