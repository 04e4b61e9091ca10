"""How an answer is represented: its media type, its bytes, their coding and their tag."""

import zlib
from collections.abc import Iterable
from hashlib import blake2b

JSON = b"application/json"
GRAPHQL_JSON = b"application/graphql-response+json"

COMPRESSED_FROM = 1_000
"""Bytes of a body from which it is compressed: one that fits into a packet gains nothing."""

COMPRESSION_LEVEL = 2
"""A page of 100 heroes shrinks to a fifth in 40 µs; zlib's default takes twice as long."""


def negotiate(accept: bytes) -> bytes:
    """The media type of the answer, of the two that there are.

    JSON for whoever names neither, as the specification has it for legacy clients.
    """
    accept = accept.lower()
    if GRAPHQL_JSON not in accept:
        return JSON
    quality = _qualities(accept)
    wanted = quality.get(GRAPHQL_JSON, 0.0)
    fallback = quality.get(b"application/*", quality.get(b"*/*", 0.0))
    return GRAPHQL_JSON if wanted and wanted >= quality.get(JSON, fallback) else JSON


def is_json(content_type: bytes) -> bool:
    """Whether a body of this content type is JSON in UTF-8."""
    if content_type == JSON:
        return True
    media_type, *parameters = content_type.lower().split(b";")
    pairs = [parameter.partition(b"=") for parameter in parameters]
    charsets = {value.strip(b' "') for name, _, value in pairs if name.strip() == b"charset"}
    return media_type.strip() == JSON and charsets <= {b"utf-8"}


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether a header `Accept-Encoding` asks for gzip (RFC 9110, section 12.5.3)."""
    quality = _qualities(accept_encoding.lower())
    return quality.get(b"gzip", quality.get(b"*", 0.0)) > 0


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


def _qualities(header: bytes) -> dict[bytes, float]:
    """What a header of the family `Accept`, in lower case, lists, with the weight of each."""
    ranges = [entry.split(b";") for entry in header.split(b",")]
    return {name.strip(): _quality(parameters) for name, *parameters in ranges}


def _quality(parameters: Iterable[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition(b"=")
        if name == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
