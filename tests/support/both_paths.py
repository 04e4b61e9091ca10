"""A schema that is served twice: with compiled operations, and by graphql-core alone."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from strawberry.schema.config import StrawberryConfig

from graph.engine import errors
from graph.engine.context import Info
from graph.engine.schema import Schema, SerialExecutor
from graph.errors import logger
from graph.settings import Settings
from tests.support.client import Client
from tests.support.hero_api import app_of
from tests.support.served_app import serving

ran: list[Any] = []
"""Records of the resolvers, in order."""


class Both:
    """Clients of both paths, each with its own table."""

    def __init__(self, fast: Client, plain: Client) -> None:
        self.fast = fast
        self.plain = plain

    def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer; its bytes and the records of resolvers must be the same on both paths."""
        answers, notes = [], []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(errors, "uuid4", lambda: UUID(int=7))
            patch.setattr(logger, "disabled", True)  # tracebacks take long
            for client in (self.fast, self.plain) * 2:  # compiled, then reused
                ran.clear()
                answers.append(client.post({"query": query, "variables": variables}).text)
                notes.append(repr(ran))
        assert answers == answers[1:] + answers[:1]
        assert notes == notes[1:] + notes[:1]
        answer: dict[str, Any] = json.loads(answers[0])
        return answer


@contextmanager
def both_paths(query: type, directory: Path) -> Iterator[Both]:
    """Serve a schema with this root type on both paths."""
    with ExitStack() as stack:
        clients = []
        for fast in (True, False):
            schema = Schema(query, config=StrawberryConfig(info_class=Info))
            url = f"sqlite:///{directory / str(fast)}.db"
            app = app_of(schema, Settings(database_url=url), fast_execution=fast)
            clients.append(Client(stack.enter_context(serving(app))))
            stack.callback(clients[-1].http.close)
        yield Both(*clients)


def forbid_graphql_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail each operation that the fast path leaves to graphql-core."""

    def complete(*_: object) -> None:
        raise AssertionError("graphql-core completed it")

    monkeypatch.setattr(SerialExecutor, "complete_value", complete)
