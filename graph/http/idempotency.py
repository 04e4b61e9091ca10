"""Idempotency keys: a client sends a mutation again under the same key.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re

from graph.errors import BadRequestError

HEADER = b"idempotency-key"

MAX_LENGTH = 255
"""Maximum characters of a key; a UUID has 36."""

QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A quoted string (RFC 9651, section 3.3.3)."""

BARE = re.compile(r"[!#-+\--:<-~]+")
"""An unquoted key, which many clients send: visible characters without list syntax."""

KEY = re.compile(rf"[ -~]{{1,{MAX_LENGTH}}}")


def from_header(value: bytes) -> str:
    """Return the key in an `Idempotency-Key` header.

    Raises:
        BadRequestError: it is not a valid key.
    """
    text = value.decode("latin-1").strip()
    if quoted := QUOTED.fullmatch(text):
        return checked(re.sub(r"\\(.)", r"\1", quoted[1]))
    return checked(text if BARE.fullmatch(text) else None)


def checked(key: object) -> str:
    """Return a key, if it is valid.

    Raises:
        BadRequestError: it is not.
    """
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise BadRequestError(
            f"An idempotency key must be a string of 1 to {MAX_LENGTH} printable ASCII characters."
        )
    return key
