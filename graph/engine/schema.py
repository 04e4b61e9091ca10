"""Strawberry's schema, with serial root fields."""

from typing import Any

from graphql import GraphQLError
from strawberry.types import ExecutionContext

from graph.engine.definitions import StrawberrySchema
from graph.engine.executor import SerialExecutor


class Schema(StrawberrySchema):
    """A schema whose root fields always run one after another."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"execution_context_class": SerialExecutor, **options})

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Do nothing: the service logs errors, without the query text that Strawberry would log."""
