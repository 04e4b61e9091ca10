"""How the results of a subscription are written, one at a time."""

from abc import ABC, abstractmethod
from random import uniform

from graph.http.response import EVENT_STREAM, MULTIPART

RETRY_SECONDS = (0.5, 3.0)
"""Bounds of the random time after which clients reconnect, so that not all do so at once."""


class Format(ABC):
    """How results are written."""

    content_type: bytes

    opening: bytes
    """The first bytes, so that browsers and proxies pass on the headers."""

    heartbeat: bytes
    """What clients ignore."""

    completion: bytes
    """The last bytes if there are no more results; a client that misses them reconnects."""

    @abstractmethod
    def event(self, body: bytes, event_id: str | None) -> bytes:
        """Return the bytes of a result.

        Args:
            body: the result as JSON, in one line.
            event_id: the id that a client sends when it reconnects.
        """

    @abstractmethod
    def interruption(self) -> bytes:
        """Return the last bytes of a stream that the service ends: its client is to reconnect."""


class EventStream(Format):
    """Server-sent events, as in the "distinct connections mode" of graphql-sse.

    https://github.com/enisdenk/graphql-sse/blob/master/PROTOCOL.md
    """

    content_type = EVENT_STREAM + b"; charset=utf-8"
    opening = heartbeat = b":\n\n"
    completion = b"event: complete\ndata:\n\n"  # `EventSource` passes on no event without `data`

    def event(self, body: bytes, event_id: str | None) -> bytes:
        id_ = b"" if event_id is None else b"id: %b\n" % event_id.encode()
        return b"%bevent: next\ndata: %b\n\n" % (id_, body)

    def interruption(self) -> bytes:
        retry = uniform(*RETRY_SECONDS)  # noqa: S311 (it need not be secret)
        return b"retry: %d\n\n" % (retry * 1000)


class Multipart(Format):
    """Apollo's multipart responses. Events have no ids in them.

    https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol

    Each part ends with the boundary of the next one: clients wait for it.
    """

    content_type = b"multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
    opening = b"\r\n--graphql"
    completion = b"--\r\n"

    def __init__(self) -> None:
        self.heartbeat = self._part(b"{}")

    def _part(self, body: bytes) -> bytes:
        return b"\r\nContent-Type: application/json\r\n\r\n%b\r\n--graphql" % body

    def event(self, body: bytes, event_id: str | None) -> bytes:  # noqa: ARG002 (as above)
        return self._part(b'{"payload":%b}' % body)

    def interruption(self) -> bytes:
        return b""


FORMATS: dict[bytes, Format] = {EVENT_STREAM: EventStream(), MULTIPART: Multipart()}
"""The formats by media type."""
