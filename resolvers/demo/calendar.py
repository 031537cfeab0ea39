"""Days and moments as the stores write them, made once and looked up by the million."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

__all__ = ["Calendar"]

_OLDEST = 101 * 366
_AHEAD = 60
_OFFICE_HOURS = 36_000  # 00:00 to 10:00 UTC is 08:00 to 18:00 in China
_MOMENTS = 4_096


class Calendar:
    """Days by their ordinal, from a century before `until` to two months after.

    `last` is the last day of the records: the day before `until`.
    """

    def __init__(self, until: date) -> None:
        self.until = until.toordinal()
        self.last = self.until - 1
        self._first = self.until - _OLDEST
        days = [until + timedelta(days=n - _OLDEST) for n in range(_OLDEST + _AHEAD)]
        self._iso = [day.isoformat() for day in days]
        today = (until.month, until.day)
        self._ages = [
            max(0, until.year - day.year - ((day.month, day.day) > today)) for day in days
        ]
        random = Random(_MOMENTS)
        seconds = (random.randrange(_OFFICE_HOURS) for _ in range(_MOMENTS))
        self._moments = [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in seconds]

    def day(self, ordinal: int) -> str:
        """`2026-11-22`."""
        return self._iso[ordinal - self._first]

    def age(self, birth: int) -> int:
        """Whole years from a birth day to `until`."""
        return self._ages[birth - self._first]

    def moment(self, random: Random, ordinal: int) -> str:
        """A moment of that day in office hours, `2026-11-22T03:14:00Z`; never after `last`."""
        moment = self._moments[int(random.random() * _MOMENTS)]
        return self._iso[min(ordinal, self.last) - self._first] + moment
