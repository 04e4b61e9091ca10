"""The representation of an answer: media type, compression, ETag."""

import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

JSON = b"application/json"
GRAPHQL_JSON = b"application/graphql-response+json"
HTML = b"text/html"

QVALUE = re.compile(rb"0(\.[0-9]*)?|1(\.0*)?")
"""A weight (RFC 9110, section 12.4.2), of any number of digits."""

MAX_RANGES = 50
"""Members of an `Accept…` header that are read; browsers send about ten."""

COMPRESSED_FROM = 1_000
"""Minimum bytes to compress: a body that fits into one packet gains nothing."""

COMPRESSED_ASIDE_FROM = 200_000
"""Minimum bytes to compress on another thread, off the loop."""

COMPRESSION_LEVEL = 2
"""A page of 100 heroes shrinks to a fifth in 40 µs; zlib's default takes twice as long."""


def weights(header: bytes) -> dict[bytes, float]:
    """What a header of the family `Accept…` lists, in lower case, with the weight of each.

    Parameters other than the weight are passed over, a weight that is none counts as 0.
    """
    listed = {}
    for member in header.lower().split(b",", MAX_RANGES)[:MAX_RANGES]:
        name, _, parameters = member.partition(b";")
        if name := name.strip():
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
    """The media type that a header `Accept` prefers (RFC 9110, section 12.5.1).

    Of several at the same weight, one that is named goes before one that a wildcard covers.
    Clients are to name `application/graphql-response+json`; who does not is a legacy client, and
    gets JSON when it takes that (GraphQL over HTTP, "Accept").

    Args:
        accept: the header; empty where there is none.
        page: whether a page for browsers can be had, too.

    Returns:
        None when it takes none of them.
    """
    listed = weights(accept)
    if not listed:
        return JSON
    offers = [GRAPHQL_JSON, JSON] if GRAPHQL_JSON in listed else [JSON, GRAPHQL_JSON]
    if page:
        offers.append(HTML)
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


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether an `Accept-Encoding` header accepts gzip (RFC 9110, section 12.5.3)."""
    listed = weights(accept_encoding)
    return listed.get(b"gzip", listed.get(b"*", 0.0)) > 0


def gzip(body: bytes) -> bytes:
    """The body in the coding `gzip`.

    An answer holds nothing that a third party's page could make a browser send along (no cookie
    is ever used, and a bearer token is not sent by itself), so its length gives nothing away
    (https://breachattack.com).
    """
    return zlib.compress(body, COMPRESSION_LEVEL, wbits=31)


def entity_tag(media_type: bytes, body: bytes) -> bytes:
    """The opaque tag of this representation, to be sent as a weak one.

    Weak, as it is the same for every coding of the body (RFC 9110, section 8.8.3).
    """
    return b'"%b"' % blake2b(media_type + body, digest_size=12).hexdigest().encode()


def is_unchanged(if_none_match: bytes, tag: bytes) -> bool:
    """Whether a header `If-None-Match` has this opaque tag, or `*` for any.

    Tags are compared as weak ones (RFC 9110, section 13.1.2).
    """
    return tag in if_none_match or if_none_match.strip() == b"*"
