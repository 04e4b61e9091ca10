"""JSON encoding of answers."""

import json
from typing import Any

import orjson

SLICE = 20
"""Number of items of a long list that are encoded at a time."""


def encode(value: Any) -> bytes:
    """Encode as JSON; a lone surrogate, which UTF-8 cannot represent, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


class Items(list[Any]):
    """A list in an answer, of which `encode_within` encodes some items at a time."""


def encode_within(value: Any, room: int) -> bytes | None:
    """Encode as JSON; return None, and encode only a part, if it has more than `room` bytes."""
    if _has_longer_texts(value, room):
        return None
    slices = _Slices(room)
    try:
        text = orjson.dumps(value, slices, orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:
        if slices.left < 0:
            return None
        text = encode(value)  # a lone surrogate
    return text if len(text) <= room else None


def _has_longer_texts(value: Any, room: int) -> bool:
    """Whether the texts of a value, outside of `Items`, have more than `room` characters."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        for each in part.values() if isinstance(part, dict) else part or ():
            kind = type(each)
            if kind is str:
                room -= len(each)
            elif kind is dict or kind is list:
                waiting.append(each)
        if room < 0:
            return True
    return False


class _Slices:
    """Hook of orjson that encodes `Items`, until there is no room left."""

    __slots__ = ("left",)

    def __init__(self, room: int) -> None:
        self.left = room

    def __call__(self, value: Any) -> orjson.Fragment:
        if not isinstance(value, Items):  # of another subclass, of `str` for example
            return orjson.Fragment(orjson.dumps(value))
        texts = []
        for start in range(0, len(value), SLICE):
            text = orjson.dumps(value[start : start + SLICE])
            self.left -= len(text)
            if self.left < 0:
                raise OverflowError
            texts.append(text[1:-1])
        return orjson.Fragment(b"[%b]" % b",".join(texts))
