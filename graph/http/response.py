"""The representation of an answer: media type, compression, ETag."""

import re
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

from graph.engine.calls import Result
from graph.engine.encoding import encode
from graph.observe.logs import record_errors

JSON = b"application/json"
GRAPHQL_JSON = b"application/graphql-response+json"
HTML = b"text/html"
EVENT_STREAM = b"text/event-stream"
MULTIPART = b"multipart/mixed;subscriptionspec=1.0"
"""Apollo's parts; other `multipart/mixed` is for incremental delivery."""

STREAMS = (EVENT_STREAM, MULTIPART)
"""Media types of several results."""

SUBSCRIPTION_SPEC = re.compile(rb";\s*subscriptionspec=(1\.0|\"1\.0\")\s*(;|$)")
"""The parameter of `MULTIPART`."""

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Headers of a response, by lower-case name."""

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
"""Headers of every response."""

SECURITY = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
"""The same as text."""

QVALUE = re.compile(rb"0(\.[0-9]*)?|1(\.0*)?")
"""A weight (RFC 9110, section 12.4.2), of any number of digits."""

MAX_RANGES = 50
"""Maximum members of an `Accept…` header that are read; browsers send about ten."""

COMPRESSED_FROM = 1_000
"""Minimum bytes to compress: a body that fits into one packet gains nothing."""

COMPRESSED_ASIDE_FROM = 200_000
"""Minimum bytes to compress on another thread, off the loop."""

COMPRESSION_LEVEL = 2
"""A page of 100 heroes shrinks to a fifth in 40 µs; zlib's default takes twice as long."""


def weights(header: bytes) -> dict[bytes, float]:
    """Return the members of an `Accept…` header, in lower case, with their weights.

    Other parameters are ignored, but that of `MULTIPART`; an invalid weight counts as 0.
    """
    listed = {}
    for member in header.lower().split(b",", MAX_RANGES)[:MAX_RANGES]:
        name, _, parameters = member.partition(b";")
        if name := name.strip():
            if name == b"multipart/mixed" and SUBSCRIPTION_SPEC.search(b";" + parameters):
                name = MULTIPART
            listed[name] = _weight(parameters) if parameters else 1.0
    return listed


def _weight(parameters: bytes) -> float:
    for parameter in parameters.split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name == b"q":
            return float(value) if QVALUE.fullmatch(value) else 0.0
    return 1.0


@lru_cache(maxsize=64)  # a client sends the same header each time
def negotiate(accept: bytes, *, page: bool = False) -> bytes | None:
    """Return the media type that an `Accept` header prefers (RFC 9110, section 12.5.1).

    This is that of a query or mutation; a subscription is always a stream.

    At equal weights, a type that is named comes before one that a wildcard matches. A client that
    does not name `application/graphql-response+json` is a legacy client, and gets JSON if it
    accepts that (GraphQL over HTTP, "Accept").

    Args:
        accept: the header; empty if there is none.
        page: whether GraphiQL's page is offered, too.

    Returns:
        The media type; None if the client accepts none.
    """
    listed = weights(accept)
    if not listed:
        return JSON
    offers = [GRAPHQL_JSON, JSON] if GRAPHQL_JSON in listed else [JSON, GRAPHQL_JSON]
    if page:
        offers.append(HTML)
    return _best([*offers, *STREAMS], listed)


@lru_cache(maxsize=64)  # as above
def negotiate_stream(accept: bytes) -> bytes | None:
    """Return the media type of a subscription's results, as `negotiate` does."""
    return _best(STREAMS, weights(accept) or {b"*/*": 1.0})


def _best(offers: Sequence[bytes], listed: Mapping[bytes, float]) -> bytes | None:
    best = max(offers, key=lambda offer: _rank(offer, listed))
    weight, _ = _rank(best, listed)
    return best if weight else None


def _rank(media_type: bytes, listed: Mapping[bytes, float]) -> tuple[float, int]:
    """Return the weight of a media type by its most specific range, and how specific that is."""
    family = media_type.partition(b"/")[0] + b"/*"
    for exactness, media_range in ((2, media_type), (1, family), (0, b"*/*")):
        if media_range in listed:
            return listed[media_range], exactness
    return 0.0, 0


def result_body(result: Result) -> bytes:
    """Return the answer to one operation, as a JSON object, and record its errors."""
    parts = [b'"data":%b' % result.data] if result.executed else []
    if result.errors:
        record_errors(result.errors)
        parts.append(b'"errors":%b' % encode([error.formatted for error in result.errors]))
    if result.extensions:
        parts.append(b'"extensions":%b' % result.extensions)
    return b"{%b}" % b",".join(parts)


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether an `Accept-Encoding` header accepts gzip (RFC 9110, section 12.5.3)."""
    listed = weights(accept_encoding)
    return listed.get(b"gzip", listed.get(b"*", 0.0)) > 0


def gzip(body: bytes) -> bytes:
    """Compress a body.

    Its length tells other sites nothing (https://breachattack.com): their pages cannot make a
    browser send the token, and there are no cookies.
    """
    return zlib.compress(body, COMPRESSION_LEVEL, wbits=31)


def entity_tag(media_type: bytes, body: bytes) -> bytes:
    """Return the opaque tag of a body, to be sent as a weak one.

    It is weak because it is the same with and without compression (RFC 9110, section 8.8.3).
    """
    return b'"%b"' % blake2b(media_type + body, digest_size=12).hexdigest().encode()


def is_unchanged(if_none_match: bytes, tag: bytes) -> bool:
    """Whether an `If-None-Match` header contains this tag, or is `*`.

    The comparison is weak (RFC 9110, section 13.1.2).
    """
    return tag in if_none_match or if_none_match.strip() == b"*"
