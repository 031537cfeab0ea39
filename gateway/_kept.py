"""What is kept because it was dear to make, up to a total weight."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Kept"]

Key = TypeVar("Key")
Value = TypeVar("Value")
Other = TypeVar("Other")


class Kept(Generic[Key, Value]):
    """Values by key, each of a weight, together at most `most`; the least recently used go first.

    Weights are bytes or characters of what a client sent: however hostile, it cannot fill memory.
    """

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key, default: Other) -> Value | Other:
        """The value of a key."""
        found = self._kept.get(key)
        if found is None:
            return default
        self._kept.move_to_end(key)
        return found[0]

    def keep(self, key: Key, value: Value, weight: int) -> None:
        """Keeps a value, and lets go of others where it is too much."""
        before = self._kept.pop(key, None)
        self._weight += weight - (before[1] if before else 0)
        self._kept[key] = (value, weight)
        while self._weight > self._most:
            self._weight -= self._kept.popitem(last=False)[1][1]
