"""Batches: several operations in one request, as Apollo's `BatchHttpLink` sends them.

Each operation is a transaction of its own, executed after the one before it, so a later one sees
what an earlier one wrote, and is executed even when an earlier one failed.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from graph.document import Operation
from graph.errors import PublicError
from graph.execution import Result, Service
from graph.limits import too_complex
from graph.settings import Settings


class Call(NamedTuple):
    """An operation with the values of its variables."""

    operation: Operation
    variables: dict[str, Any]


async def execute_batch(
    service: Service, batch: Sequence[Call | Result], settings: Settings
) -> list[Result]:
    """The results, in order; those that are given instead of an operation stand as they are.

    When the operations together are over a limit, none is executed and each result says so.
    """
    try:
        _check(service, [entry for entry in batch if isinstance(entry, Call)], settings)
    except PublicError as error:
        return [Result(None, [error], executed=False) for _ in batch]
    return [await service.execute(*entry) if isinstance(entry, Call) else entry for entry in batch]


def _check(service: Service, calls: Sequence[Call], settings: Settings) -> None:
    """Hold a batch to the limits that add up: tokens, aliases and rows, but not depth.

    Raises:
        PublicError: the operations have more of one than a single operation may.
    """
    for what, total, limit in (
        ("tokens", sum(call.operation.measured.tokens for call in calls), settings.max_tokens),
        ("aliases", sum(call.operation.measured.aliases for call in calls), settings.max_aliases),
        ("rows", sum(service.rows(*call) for call in calls), settings.max_rows),
    ):
        if total > limit:
            raise too_complex(f"The batch has {total} {what}; at most {limit} are allowed.")
