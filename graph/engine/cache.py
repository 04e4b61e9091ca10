"""A cache that no single value, and nothing that is never used again, can empty."""

from collections.abc import Callable
from typing import TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class Cache(LRUCache[str, V]):
    """The values used last, as many as their sizes allow.

    Args:
        size: of all values together, at most.
        largest: the size up to which a value is kept at all.
        getsizeof: the size of a value.
    """

    def __init__(self, size: int, largest: int, getsizeof: Callable[[V], int]) -> None:
        super().__init__(size, getsizeof)
        self._largest = largest

    def keep(self, key: str, value: V) -> None:
        """Keep a value for its next use, or count one again that has grown."""
        if self.getsizeof(value) <= self._largest:
            self[key] = value
        else:
            self.pop(key, None)
