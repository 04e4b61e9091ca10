"""Batches: several operations in one request, as Apollo's `BatchHttpLink` sends them.

Each operation is a transaction of its own, executed after the one before it, so a later one sees
what an earlier one wrote, and is executed even when an earlier one failed.
"""

import asyncio
from collections.abc import Iterable, Sequence

from graph.engine.cost import SKIPPED_PER_FIELD
from graph.engine.errors import graphql_error
from graph.engine.limits import (
    check_variables,
    count_tokens,
    too_complex,
)
from graph.engine.service import NULL, Call, Result, Service, not_executed
from graph.errors import PublicError, ShuttingDownError


async def execute_batch(service: Service, batch: Sequence[Call | Result]) -> list[Result]:
    """The results, in order; those that are given instead of an operation stand as they are.

    When the operations together are over a limit, none is executed and each result says so. When
    the task is cancelled, those that were executed keep their results, and the others are refused.
    """
    try:
        _check(service, [entry for entry in batch if isinstance(entry, Call)])
    except PublicError as error:
        return [not_executed(error) for _ in batch]
    results = []
    room = service.limits.answer_bytes
    for entry in batch:
        if isinstance(entry, Call):
            result = await _result(service, entry, room)
            room -= len(result.data)
        else:
            result = entry
        results.append(result)
    return results


async def _result(service: Service, call: Call, room: int) -> Result:
    task = asyncio.current_task()
    try:
        await asyncio.sleep(0)  # between two operations other requests have their turn
        if task is None or not task.cancelling():
            return await service.execute(call, room)
    except asyncio.CancelledError:
        pass  # it was rolled back
    return Result(NULL, [graphql_error(ShuttingDownError())])


def check_tokens(queries: Iterable[str], limit: int) -> None:
    """Hold the texts of a batch to the limit of one, before any of them is parsed.

    Raises:
        PublicError: they have more tokens.
    """
    left = limit
    for query in queries:
        left -= count_tokens(query, left)
        if left < 0:
            raise too_complex(f"The batch has more than {limit} tokens, the maximum.")


FIELDS = f"fields, each {SKIPPED_PER_FIELD} rows before an offset counted as one"


def _check(service: Service, calls: Sequence[Call]) -> None:
    """Hold a batch to the limits that add up: objects, aliases, rows and fields, but not depth.

    Raises:
        PublicError: the operations have more of one than a single operation may.
    """
    check_variables([call.variables for call in calls])
    limits = service.limits
    sizes = [service.size(call) for call in calls]
    for what, total, limit in (
        ("aliases", sum(call.operation.aliases for call in calls), limits.aliases),
        ("rows", sum(size.rows for size in sizes), limits.rows),
        (FIELDS, sum(size.fields for size in sizes), limits.cost),
    ):
        if total > limit:
            raise too_complex(f"The batch has {total} {what}; at most {limit} are allowed.")
