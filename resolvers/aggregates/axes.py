"""Axes of the space that records are counted in, and where an interval of one is cut.

Positions on an axis are whole numbers. Where an interval is cut depends on the interval alone,
never on the records: at the coarsest boundary in it (a year before a month, a province before a
city), the one nearest to its middle. `rank` says how coarse that boundary is, the coarsest first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import NamedTuple, Protocol

__all__ = ["Axis", "Cut", "DayAxis", "PlaceAxis", "PlainAxis"]


class Cut(NamedTuple):
    """Where an interval is cut, and how coarse the boundary is."""

    rank: int
    at: int


class Axis(Protocol):
    """One axis; `first` and `end` bound every position on it."""

    first: int
    end: int

    def cut(self, low: int, high: int) -> Cut | None:
        """Where the interval from `low` up to `high` (not included) is cut; None for a single
        position.
        """


class PlainAxis:
    """Values without an order that means anything: diseases, classifications."""

    def __init__(self, size: int, rank: int) -> None:
        self.first, self.end, self._rank = 0, size, rank

    def cut(self, low: int, high: int) -> Cut | None:
        """In the middle."""
        return Cut(self._rank, (low + high) // 2) if high - low > 1 else None


class PlaceAxis:
    """GB/T 2260 codes as numbers: provinces, then cities, then counties."""

    _STEPS = ((10_000, 10), (100, 30), (1, 50))

    def __init__(self) -> None:
        self.first, self.end = 0, 1_000_000

    def cut(self, low: int, high: int) -> Cut | None:
        """At the boundary of a province, else of a city, else of a county."""
        for step, rank in self._STEPS:
            first, last = low // step + 1, (high - 1) // step
            if first <= last:
                middle = (low + high) // 2 // step
                return Cut(rank, min(max(middle, first), last) * step)
        return None


class DayAxis:
    """Days as ordinals: years, then months, then weeks (Monday first), then days."""

    def __init__(self) -> None:
        self.first, self.end = date(1900, 1, 1).toordinal(), date(2200, 1, 1).toordinal()

    def cut(self, low: int, high: int) -> Cut | None:
        """At the first day of a year, else of a month, else of a week, else of any day."""
        if high - low < 2:
            return None
        for rank, boundaries in ((20, _years()), (40, _months())):
            if (at := _nearest(boundaries, low, high)) is not None:
                return Cut(rank, at)
        monday = low + 1 + -low % 7  # the first behind `low`: day 1 is a Monday
        if monday < high:
            last = monday + (high - 1 - monday) // 7 * 7
            middle = (low + high) // 2
            nearest = monday + max(0, round((middle - monday) / 7)) * 7
            return Cut(70, min(nearest, last))
        return Cut(80, (low + high) // 2)


def _nearest(boundaries: Sequence[int], low: int, high: int) -> int | None:
    """Of the boundaries inside of an interval the one nearest to its middle."""
    first, end = bisect_right(boundaries, low), bisect_left(boundaries, high)
    if first >= end:
        return None
    middle = (low + high) // 2
    place = min(max(bisect_left(boundaries, middle), first), end - 1)
    if place > first and middle - boundaries[place - 1] < boundaries[place] - middle:
        place -= 1
    return boundaries[place]


@cache
def _years() -> tuple[int, ...]:
    return tuple(date(year, 1, 1).toordinal() for year in range(1900, 2201))


@cache
def _months() -> tuple[int, ...]:
    return tuple(
        date(year, month, 1).toordinal() for year in range(1900, 2201) for month in range(1, 13)
    )
