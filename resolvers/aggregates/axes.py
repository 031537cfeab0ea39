"""Axes of the space that records are counted in, and where an interval of one may be cut.

Positions on an axis are whole numbers. Where an interval may be cut depends on the interval alone,
never on the records: at coarse boundaries in it before finer ones (years before months, provinces
before cities), those nearest to its middle first. `rank` says how coarse they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple, Protocol

__all__ = ["Axis", "Cuts", "DayAxis", "PlaceAxis", "PlainAxis"]

_MOST = 64  # cuts of an interval that are tried


class Cuts(NamedTuple):
    """Where an interval may be cut, in the order of trying, and how coarse these boundaries are."""

    rank: int
    at: tuple[int, ...]


class Axis(Protocol):
    """One axis; `first` and `end` bound every position on it."""

    first: int
    end: int

    def cuts(self, low: int, high: int) -> list[Cuts]:
        """Where the interval from `low` up to `high` (not included) may be cut, the coarsest
        boundaries first; nowhere for a single position.
        """


class PlainAxis:
    """Values without an order that means anything: diseases, classifications."""

    def __init__(self, size: int, rank: int) -> None:
        self.first, self.end, self._rank = 0, size, rank

    def cuts(self, low: int, high: int) -> list[Cuts]:
        """Anywhere."""
        return _cuts([(self._rank, range(low + 1, high))], low, high)


class PlaceAxis:
    """GB/T 2260 codes as numbers: provinces, then cities, then counties."""

    _STEPS = ((10_000, 10), (100, 30), (1, 50))

    def __init__(self) -> None:
        self.first, self.end = 0, 1_000_000

    def cuts(self, low: int, high: int) -> list[Cuts]:
        """At boundaries of provinces, of cities, of counties."""
        steps = [(rank, range((low // step + 1) * step, high, step)) for step, rank in self._STEPS]
        return _cuts(steps, low, high)


class DayAxis:
    """Days as ordinals: years, then months, then weeks (Monday first), then days."""

    def __init__(self) -> None:
        self.first, self.end = date(1900, 1, 1).toordinal(), date(2200, 1, 1).toordinal()

    def cuts(self, low: int, high: int) -> list[Cuts]:
        """At first days of years, of months, of weeks, at any day."""
        spans: list[tuple[int, Sequence[int]]] = [
            (20, _between(_years(), low, high)),
            (40, _between(_months(), low, high)),
            (70, range(low + 1 + -low % 7, high, 7)),  # day 1 is a Monday
            (80, range(low + 1, high)),
        ]
        return _cuts(spans, low, high)


def _cuts(levels: Sequence[tuple[int, Sequence[int]]], low: int, high: int) -> list[Cuts]:
    """Of each level the boundaries nearest to the middle of an interval, outward from it."""
    middle = (low + high) // 2
    return [
        Cuts(rank, tuple(_outward(boundaries, middle))) for rank, boundaries in levels if boundaries
    ]


def _outward(boundaries: Sequence[int], middle: int) -> Iterator[int]:
    above = bisect_left(boundaries, middle)
    below = above - 1
    for _ in range(min(len(boundaries), _MOST)):
        if above >= len(boundaries) or (
            below >= 0 and middle - boundaries[below] < boundaries[above] - middle
        ):
            yield boundaries[below]
            below -= 1
        else:
            yield boundaries[above]
            above += 1


def _between(boundaries: Sequence[int], low: int, high: int) -> Sequence[int]:
    return boundaries[bisect_right(boundaries, low) : bisect_left(boundaries, high)]


@cache
def _years() -> tuple[int, ...]:
    return tuple(date(year, 1, 1).toordinal() for year in range(1900, 2201))


@cache
def _months() -> tuple[int, ...]:
    return tuple(
        date(year, month, 1).toordinal() for year in range(1900, 2201) for month in range(1, 13)
    )
