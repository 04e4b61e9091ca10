"""JSON text of what an answer holds."""

import json
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """JSON text; a lone surrogate, which UTF-8 has no bytes for, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()
