"""A client of server-sent events."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from tests.support.client import Client


class Event(NamedTuple):
    """One event: its fields, as texts."""

    event: str | None
    data: str | None
    id: str | None = None
    retry: str | None = None

    @property
    def result(self) -> Any:
        """The result that it has."""
        assert self.event == "next"
        assert self.data is not None
        return json.loads(self.data)


def next_(**result: Any) -> Event:
    """The event of a result."""
    return Event("next", json.dumps(result, separators=(",", ":")))


COMPLETE = Event("complete", "")


class EventStream:
    """A response with events.

    Args:
        response: an open response.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._parts = self._parsed()

    def _parsed(self) -> Iterator[Event | None]:
        """Yield the events; None for a comment."""
        fields: dict[str, str] = {}
        for line in self.response.iter_lines():
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            elif line:
                yield None
            elif fields:
                known = (fields.get(name) for name in ("event", "data", "id", "retry"))
                yield Event(*known)
                fields = {}

    def __iter__(self) -> Iterator[Event]:
        """The events that are still to come, until the response ends."""
        return (part for part in self._parts if part is not None)

    def next(self) -> Event:
        """The next event."""
        return next(iter(self))

    def wait_for_comments(self, count: int) -> None:
        """Wait for comments, before any event."""
        for _ in range(count):
            assert next(self._parts) is None


@contextmanager
def subscribed(
    api: Client,
    query: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    variables: Any = None,
) -> Iterator[EventStream]:
    """The response to a subscription, which is closed at the end of the block.

    Args:
        api: the service.
        query: the operation.
        method: `GET` or `POST`.
        headers: headers; `Accept` is that of a client of event streams, unless it is here.
        variables: the operation's variables.
    """
    all_headers = {"accept": "text/event-stream", **(headers or {})}
    body = {"query": query, "variables": variables}
    in_url = {"query": query, "variables": json.dumps(variables)}
    with (
        api.http.stream("GET", "/graphql", headers=all_headers, params=in_url)
        if method == "GET"
        else api.http.stream("POST", "/graphql", headers=all_headers, json=body)
    ) as response:
        yield EventStream(response)
