"""Services with other schemas on the test's database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from strawberry.schema.config import StrawberryConfig

from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.settings import Settings
from tests.support.client import Client
from tests.support.hero_api import app_of
from tests.support.served_app import serving

Serve = Callable[..., Client]

SETTINGS = {
    "allowed_hosts",
    "cors_origins",
    "max_answer_bytes",
    "max_body_bytes",
    "max_caller_subscriptions",
    "max_cost",
    "max_rows",
    "max_subscriptions",
    "read_only",
    "request_timeout",
    "tokens",
}
"""Options that are settings of the service, not of the schema."""

SORTED: dict[str, Any] = (
    {"sort_schema": True} if "sort_schema" in StrawberryConfig.__dataclass_fields__ else {}
)
"""An option that old releases of Strawberry lack."""

resolved: list[str] = []
"""Names of the resolvers and hooks that ran, in order."""


@contextmanager
def serving_schemas(configure: Callable[..., Settings]) -> Iterator[Serve]:
    """Serves a schema with these options, on the test's database."""
    with ExitStack() as stack:

        def start(query: type = Query, mutation: type = Mutation, **options: Any) -> Client:
            given = {key: options.pop(key) for key in SETTINGS & options.keys()}
            config = StrawberryConfig(info_class=Info, **SORTED)
            schema = Schema(query=query, mutation=mutation, config=config, **options)
            settings = configure(**given)
            app = app_of(schema, settings)
            client = Client(stack.enter_context(serving(app, settings)))
            stack.callback(client.http.close)
            return client

        yield start
