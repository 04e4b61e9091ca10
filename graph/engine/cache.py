"""LRU cache weighted by size; rejects oversized values."""

from collections.abc import Callable
from typing import TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class Cache(LRUCache[str, V]):
    """LRU cache whose values have a bounded total size.

    Args:
        size: maximum size of all values together.
        largest: maximum size of a value that is cached.
        getsizeof: computes the size of a value.
    """

    def __init__(self, size: int, largest: int, getsizeof: Callable[[V], int]) -> None:
        super().__init__(size, getsizeof)
        self._largest = largest

    def keep(self, key: str, value: V) -> None:
        """Cache a value, or update the size of a value that has grown."""
        if self.getsizeof(value) <= self._largest:
            self[key] = value
        else:
            self.pop(key, None)
