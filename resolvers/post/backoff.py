"""Patience with whoever fails: twice as long after each failure in a row, but never for good."""

from __future__ import annotations

__all__ = ["Backoff"]


class Backoff:
    """Waits `first` seconds after a failure, doubled with each in a row, at most `most`. Times are
    monotonic.
    """

    __slots__ = ("_failed", "_first", "_most", "_until")

    def __init__(self, first: float, most: float) -> None:
        self._first, self._most = first, most
        self._failed = 0
        self._until = 0.0

    def allows(self, now: float) -> bool:
        """Whether it may be tried now."""
        return now >= self._until

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failed > 0

    def failed(self, now: float) -> None:
        """It failed once more."""
        # The exponent is bounded: a region may be away for weeks.
        self._until = now + min(self._first * 2 ** min(self._failed, 30), self._most)
        self._failed += 1

    def succeeded(self) -> None:
        """It went well, or somebody mended it: it may be tried at once."""
        self._failed, self._until = 0, 0.0
