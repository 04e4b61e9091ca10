"""Server-sent events, as in the protocol of graphql-sse, "distinct connections mode".

https://github.com/enisdenk/graphql-sse/blob/master/PROTOCOL.md
"""

from random import uniform

from graph.http.response import EVENT_STREAM

RETRY_SECONDS = (0.5, 3.0)
"""Bounds of the random time after which clients reconnect, so that not all do so at once."""

CONTENT_TYPE = EVENT_STREAM + b"; charset=utf-8"

OPENING = b":\n\n"
"""A comment: browsers and proxies then pass on the headers."""

HEARTBEAT = b":\n\n"

COMPLETION = b"event: complete\ndata:\n\n"
"""The end of the results. `EventSource` passes on no event without `data`."""


def event(body: bytes, event_id: str | None) -> bytes:
    """Return the event of a result.

    Args:
        body: the result as JSON, in one line.
        event_id: sent back as `Last-Event-ID` when a client reconnects.
    """
    id_ = b"" if event_id is None else b"id: %b\n" % event_id.encode()
    return b"%bevent: next\ndata: %b\n\n" % (id_, body)


def interruption() -> bytes:
    """Return the last bytes of a stream that the service ends: its client is to reconnect."""
    return b"retry: %d\n\n" % (uniform(*RETRY_SECONDS) * 1000)  # noqa: S311 (it need not be secret)
