"""Which steps of the past the Farrington methods take, and into which seasonal group each falls."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.regression import Design

__all__ = ["Calendar", "Past", "blocks_of"]

Past = tuple[int, ...]
"""How many steps before the time judged its place lies one year before, two years before, …"""

_WEEK = 7


class Calendar:
    """The days on which steps begin, where a year is not a fixed number of them (53 weeks)."""

    def __init__(self, days: NDArray[np.intp]) -> None:
        """`days` are ordinals as of `datetime.date.toordinal`, one a step, ascending."""
        self.days = days
        self._place = {int(day): i for i, day in enumerate(days)}
        gaps = np.diff(days)
        self.weekly = bool(len(gaps)) and bool((gaps == _WEEK).all())

    def past(self, time: int, years: int) -> Past:
        """The places of up to `years` years before; fewer where the steps do not reach so far.

        The same day of the year before; of weeks the nearest day that is the same of the week.
        """
        today = date.fromordinal(int(self.days[time]))
        found: list[int] = []
        for year in range(1, years + 1):
            day = _years_before(today, year)
            if self.weekly:
                ahead = (today.weekday() - day.weekday()) % _WEEK
                shift = ahead if ahead <= _WEEK // 2 else ahead - _WEEK
                place = self._place.get(day.toordinal() + shift)
            else:
                place = self._place.get(day.toordinal())
            if place is None:
                break
            found.append(time - place)
        return tuple(found)

    def spacing(self, time: int, offsets: NDArray[np.intp]) -> NDArray[np.float64]:
        """How far before `time` the steps at `offsets` lie, in units of the first step's length."""
        unit = float(self.days[1] - self.days[0])
        return np.asarray((self.days[time + offsets] - self.days[time]) / unit, dtype=float)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 3, 1)


@cache
def blocks_of(
    past: Past,
    half_width: int,
    periods: int,
    not_included: int,
    trend: bool,
    r_compat: bool = False,
) -> tuple[NDArray[np.intp], Design]:
    """Offsets (n) from the time judged, ascending, and the design over them.

    The windows ±`half_width` around the places of the years before are the last group. With more
    than one period the steps between the windows are parted into `periods` - 1 groups, the earlier
    the longer where they do not part evenly; steps newer than `not_included` are left out.

    Raises ValueError where a year has fewer steps than that takes. R then goes on, down to some
    few: of a group without a step it makes a range that runs backwards, over its two neighbours.
    `r_compat` does the same, for comparisons.
    """
    group: dict[int, int] = dict.fromkeys(range(-half_width, 1), periods)
    newer = 0
    for steps in past:
        centre = -steps
        group |= dict.fromkeys(range(centre - half_width, centre + half_width + 1), periods)
        between = newer - centre - 2 * half_width - 1
        newer = centre
        if periods == 1:
            continue
        if between < (periods - 2 * half_width - 1 if r_compat else periods - 1):
            raise ValueError(
                f"{between} steps between two windows are too few for {periods} periods"
            )
        length, rest = divmod(between, periods - 1)
        start = centre + half_width + 1
        for number in range(1, periods):
            size = length + (number <= rest)
            places = range(start, start + size) if size else range(start, start - 2, -1)
            group |= dict.fromkeys(places, number)
            start += size
    offsets = np.array(sorted(o for o in group if o < -not_included), dtype=np.intp)
    numbers = np.array([group[int(o)] for o in offsets])
    groups = np.unique(numbers)  # of a short past some have no steps at all
    member = (numbers[:, None] == groups[None, :]).astype(float)
    return offsets, Design(offsets.astype(float), member, trend)
