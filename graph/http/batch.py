"""Batches: several operations in one request, as Apollo's `BatchHttpLink` sends them.

Each operation is a transaction of its own, executed after the previous one, whose writes it sees.
It is executed even if an earlier one failed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from graph.engine.calls import NULL, Call, Result, not_executed
from graph.engine.cost import SKIPPED_PER_FIELD
from graph.engine.errors import graphql_error
from graph.engine.limits import check_variables, too_complex
from graph.engine.service import Service
from graph.errors import PublicError, ShuttingDownError
from graph.http.errors import CLIENT_GONE, HTTPError, InvalidDocumentError

FIELDS = f"fields, each {SKIPPED_PER_FIELD} rows before an offset counted as one"


async def execute_batch(
    service: Service,
    entries: Sequence[Any],
    call_of: Callable[[Any], Awaitable[Call]],
    take: Callable[[int], None],
) -> list[Result]:
    """Execute the operations of a batch, and return their results in order.

    An invalid entry fails alone. If the operations together exceed a limit, none is executed, and
    each result says so. In a shutdown, the operations that are left are not executed.

    Args:
        service: executes the operations.
        entries: the JSON values of the batch.
        call_of: returns the operation of an entry; may raise a `PublicError`, or
            `InvalidDocumentError`.
        take: counts the bytes of an answer; may raise a `PublicError`, which is then the result of
            the operations that are left.

    Raises:
        HTTPError: an entry is a subscription.
    """
    results = [Result(NULL, [graphql_error(ShuttingDownError())])] * len(entries)
    calls: dict[int, Call] = {}
    tokens, most = 0, service.limits.tokens
    try:
        for place, entry in enumerate(entries):
            await asyncio.sleep(0)  # other requests have their turn between two documents
            try:
                calls[place] = await call_of(entry)
                tokens += calls[place].operation.document.token_count
            except InvalidDocumentError as error:
                results[place] = not_executed(*error.errors)
                tokens += error.tokens
            except PublicError as error:
                results[place] = not_executed(error)
            if tokens > most:
                raise too_complex(f"The batch has more than {most} tokens, the maximum.")
        _check_totals(service, calls.values())
    except PublicError as error:
        return [not_executed(error)] * len(entries)
    if any(call.operation.subscribes for call in calls.values()):
        raise HTTPError(400, "A batch takes no subscriptions: send each in a request of its own.")
    room = service.limits.answer_bytes
    task = asyncio.current_task()
    refusal: PublicError | None = None
    try:
        for place, call in calls.items():
            await asyncio.sleep(0)  # other requests have their turn between two operations
            if task is not None and task.cancelling():
                break
            if refusal is not None:
                results[place] = not_executed(refusal)
                continue
            results[place] = await service.execute(call, room)
            size = len(results[place].data)
            room -= size
            try:
                take(2 * size)  # with its copy in the body
            except PublicError as error:
                refusal = error
    except asyncio.CancelledError as cancelled:  # the operation was rolled back
        if CLIENT_GONE in cancelled.args:
            raise
    return results


def _check_totals(service: Service, calls: Collection[Call]) -> None:
    """Check the totals of objects in variables, aliases, rows and fields.

    Raises:
        PublicError: the operations have more of one than a single operation may have.
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
