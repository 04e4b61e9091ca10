"""Fallbacks: operations, fields and values that leave the fast path, and how often they do."""

from collections import Counter

from graph.errors import MAX_NAME_LENGTH, logger

MAX_COUNTS = 1_000
"""Operation names are the clients': beyond this many counts, they are counted together."""

OTHERS = "(other operations)"


class Fallback(Exception):  # noqa: N818 (not an error: graphql-core takes over)
    """The fast path does not support an operation, field or value; the message says why.

    graphql-core must handle it.
    """


class Fallbacks:
    """Counts what graphql-core executes, by operation name and reason; logs it at debug level.

    A reason has no value of a request, so there are only as many as the schema has fields.
    """

    def __init__(self) -> None:
        self.counts = Counter[tuple[str, str]]()

    def add(self, operation: str | None, what: str, why: str | Exception) -> None:
        """Count one fallback.

        Args:
            operation: the operation's name.
            what: what graphql-core executes.
            why: the reason; an exception other than `Fallback` is a fault, logged with its frames.
        """
        is_fault = isinstance(why, Exception) and not isinstance(why, Fallback)
        reason = f"{what}: {type(why).__name__ if is_fault else why}"
        key = ((operation or "")[:MAX_NAME_LENGTH], reason)
        if key not in self.counts and len(self.counts) >= MAX_COUNTS:
            key = (OTHERS, reason)
        self.counts[key] += 1
        message = "graphql-core executes a part of operation %s (%d times): %s"
        fault = why if is_fault and isinstance(why, Exception) else None
        logger.debug(message, key[0] or "without a name", self.counts[key], reason, exc_info=fault)
