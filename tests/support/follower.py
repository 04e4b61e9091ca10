"""A client that follows the changes of heroes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.client import Client
from tests.support.event_stream import EventStream, subscribed

FOLLOW = """
subscription Follow($after: String, $where: HeroFilter) {
  heroChanges(after: $after, where: $where) {
    cursor caughtUp
    changes { operation id old { id name age secretName } new { id name age secretName } }
  }
}
"""

CURSOR = "{ heroChangesCursor }"


class Follower:
    """One subscription, and what it has told.

    Args:
        stream: its events.
    """

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream
        self.cursor = ""
        self.id: str | None = None
        self.caught_up = False

    def result(self) -> Any:
        """The next result, with `data` or `errors`."""
        event = self._stream.next()
        self.id = event.id
        return event.result

    def event(self) -> list[Any]:
        """The changes of the next event."""
        result = self.result()
        assert "errors" not in result, result
        event = result["data"]["heroChanges"]
        self.cursor, self.caught_up = event["cursor"], event["caughtUp"]
        changes: list[Any] = event["changes"]
        assert len(changes) <= 100
        return changes

    def changes(self, count: int) -> list[Any]:
        """This many changes, as they come."""
        found: list[Any] = []
        while len(found) < count:
            found += self.event()
        assert len(found) == count
        return found

    def rest(self) -> list[Any]:
        """All changes, until nothing more has happened."""
        found = self.event()
        while not self.caught_up:
            found += self.event()
        return found

    def codes(self) -> list[str]:
        """The codes of the errors of the next result."""
        return [error["extensions"]["code"] for error in self.result()["errors"]]


@contextmanager
def following(
    api: Client, after: str | None = None, where: Any = None, **options: Any
) -> Iterator[Follower]:
    """Follow the changes after a cursor; the subscription ends with the block."""
    variables = {"after": after, "where": where}
    with subscribed(api, FOLLOW, variables=variables, **options) as stream:
        yield Follower(stream)


def cursor_of(api: Client) -> str:
    """The position in the changes of now."""
    cursor: str = api.data(CURSOR)["heroChangesCursor"]
    return cursor


def told(changes: list[Any]) -> list[tuple[str, str | None, str | None]]:
    """The operations, with the name before and after."""
    return [
        (each["operation"], *[row and row["name"] for row in (each["old"], each["new"])])
        for each in changes
    ]


def apply(changes: list[Any], heroes: dict[str, Any]) -> None:
    """Keep a copy of the table, by id."""
    for change in changes:
        if change["new"] is None:
            heroes.pop(change["id"], None)
        else:
            heroes[change["id"]] = change["new"]
