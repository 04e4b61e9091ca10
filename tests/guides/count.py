"""Counts the statements of each query in the arguments, and what graphql-core completed.

Prints a JSON list with, for each query: the body of its answer, the number of statements, and the
keys of the fields that graphql-core completed. Run by `python -c` with this file's text, so that
`graph` is the copy in the working directory.
"""

import asyncio
import json
import sys
from typing import Any

import httpx

from graph.app import create_app
from graph.database.base import Session
from graph.engine.schema import SerialExecutor
from graph.settings import Settings

statements: list[str] = []
completed: set[str] = set()
fetch: Any = Session.fetch
complete: Any = SerialExecutor.complete_value


async def counted_fetch(self: Any, statement: Any, **parameters: object) -> Any:
    """Record the statement, and run it."""
    statements.append(str(statement.clause))
    return await fetch(self, statement, **parameters)


def noted_complete(self: Any, type_: Any, details: Any, info: Any, *args: Any) -> Any:
    """Record the field, and complete it."""
    completed.add(str(info.path.key))
    return complete(self, type_, details, info, *args)


async def count() -> list[Any]:
    """For each query: body, number of statements, completed keys."""
    app = create_app(Settings())
    found = []
    transport = httpx.ASGITransport(app)
    async with (
        app.fastapi.router.lifespan_context(app.fastapi),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        for query in sys.argv[1:]:
            statements.clear()
            completed.clear()
            response = await client.post("/graphql", json={"query": query})
            found.append([response.json(), len(statements), sorted(completed)])
    return found


Session.fetch = counted_fetch  # type: ignore[method-assign] # (to count)
SerialExecutor.complete_value = noted_complete  # type: ignore[assignment,method-assign] # (to note)
print(json.dumps(asyncio.run(count())))  # noqa: T201 (its answer)
