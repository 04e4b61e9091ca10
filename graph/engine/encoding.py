"""JSON encoding of answers."""

import json
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """Encode as JSON; a lone surrogate, which UTF-8 cannot represent, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()
