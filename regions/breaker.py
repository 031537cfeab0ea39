"""A circuit breaker: a region that failed again and again is left alone for a while."""

from __future__ import annotations

__all__ = ["Breaker"]


class Breaker:
    """Opens after `failures` in a row, for `seconds`; then one question may try. Times are
    monotonic.
    """

    __slots__ = ("_failed", "_failures", "_opened", "_seconds")

    def __init__(self, failures: int, seconds: float) -> None:
        self._failures, self._seconds = failures, seconds
        self._failed = 0
        self._opened = 0.0

    def allows(self, now: float) -> bool:
        """Whether the region may be asked now. After the pause only one question may, as a
        trial.
        """
        if self._failed < self._failures:
            return True
        if now - self._opened < self._seconds:
            return False
        self._opened = now  # this question is the trial; the next one only after another pause
        return True

    @property
    def open(self) -> bool:
        """Whether it keeps questions out (trials aside)."""
        return self._failed >= self._failures

    def succeeded(self) -> None:
        """The region answered."""
        self._failed = 0

    def failed(self, now: float) -> None:
        """The region did not answer."""
        self._failed += 1
        if self._failed >= self._failures:
            self._opened = now
