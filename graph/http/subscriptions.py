"""A limit on the number of subscriptions."""

from collections import Counter

from graph.errors import Code
from graph.http.errors import HTTPError
from graph.http.in_progress import RETRY_AFTER


class Subscriptions:
    """The subscriptions that are running, and limits on their number.

    Args:
        most: maximum number of all.
        most_of_caller: maximum number of one caller.
    """

    def __init__(self, most: int, most_of_caller: int) -> None:
        self._most = most
        self._most_of_caller = most_of_caller
        self._running = Counter[str]()

    def begin(self, caller: str) -> None:
        """Count a subscription of a caller until `end`.

        Raises:
            HTTPError: there are too many.
        """
        if self._running[caller] >= self._most_of_caller:
            raise _too_many(f"You have {self._most_of_caller} subscriptions, the maximum.")
        if self._running.total() >= self._most:
            raise _too_many("Too many subscriptions are running. Try again later.")
        self._running[caller] += 1

    def move(self, caller: str, to: str) -> None:
        """Count a subscription of a caller as that of another.

        Raises:
            HTTPError: that one has too many.
        """
        self.end(caller)
        try:
            self.begin(to)
        except HTTPError:
            self.begin(caller)
            raise

    def end(self, caller: str) -> None:
        """Count a subscription of a caller no longer."""
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]


def _too_many(message: str) -> HTTPError:
    return HTTPError(503, message, RETRY_AFTER, code=Code.SERVICE_UNAVAILABLE)
