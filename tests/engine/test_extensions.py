"""Hooks of Strawberry's schema extensions run, also around failures."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from strawberry.extensions import SchemaExtension

from graph.settings import Settings
from tests.support.client import Client
from tests.support.response_shape import labelled
from tests.support.served_schemas import Serve, resolved, serving_schemas


@pytest.fixture
def serve_schema(configure: Callable[..., Settings]) -> Iterator[Serve]:
    """Serves a schema with these options, and clears the record of calls."""
    resolved.clear()
    with serving_schemas(configure) as serve:
        yield serve


class Hooks(SchemaExtension):
    async def on_operation(self) -> AsyncIterator[None]:
        resolved.append("on_operation")
        yield
        resolved.append("operation over")

    def on_parse(self) -> Iterator[None]:
        yield
        resolved.append("on_parse")

    def on_validate(self) -> Iterator[None]:
        yield
        resolved.append("on_validate")

    async def on_execute(self) -> AsyncIterator[None]:
        yield
        resolved.append("on_execute")

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if root is None:
            resolved.append(f"resolve {info.field_name}")
        return _next(root, info, *args, **kwargs)

    async def get_results(self) -> dict[str, Any]:
        return {"hooks": self.execution_context.operation_name}


def test_the_hooks_of_a_schema_extension_run(serve_schema: Serve) -> None:
    api = serve_schema(extensions=[Hooks])
    query = 'mutation A { createHero(input: {name: "A", secretName: "B"}) { name } }'
    body = labelled_with_extensions(api, query)
    assert body == {"data": {"createHero": {"name": "A"}}, "extensions": {"hooks": "A"}}
    hooks = ["on_operation", "on_parse", "on_validate", "resolve createHero", "on_execute"]
    assert resolved == [*hooks, "operation over"]
    assert [hero["name"] for hero in api.heroes()] == ["A"]
    resolved.clear()
    labelled(api.post({"query": "{ nothing }"}))
    assert resolved == ["on_operation", "on_parse", "on_validate", "operation over"]


class Spoils(SchemaExtension):
    def on_execute(self) -> Iterator[None]:
        yield
        raise ValueError("spoiled")


def test_an_extension_that_fails_undoes_the_operation(serve_schema: Serve) -> None:
    api = serve_schema(extensions=[Spoils])
    query = 'mutation { createHero(input: {name: "A", secretName: "B"}) { name } }'
    assert api.codes(query) == ["INTERNAL_SERVER_ERROR"]
    assert serve_schema().heroes() == []


def labelled_with_extensions(api: Client, query: str) -> dict[str, Any]:
    body = api.post({"query": query}).json()
    assert isinstance(body, dict)
    return body
