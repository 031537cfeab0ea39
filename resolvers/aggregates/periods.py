"""Periods of days, by their names: months, weeks, and the stretches that both are made of.

A stretch is what of a week (Monday to Sunday) lies in one month. It is named by its first day.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from enum import IntEnum
from functools import lru_cache

__all__ = [
    "FIRST",
    "LAST",
    "Span",
    "coarsest",
    "month_of",
    "months_within",
    "stretch_of",
    "stretches_within",
    "week_of",
]

FIRST, LAST = "0001-01-01", "9999-12-31"
"""The first and the last of all days."""

_WEEK = timedelta(6)


class Span(IntEnum):
    """Periods that days are told by, the longest first."""

    MONTHS = 0
    STRETCHES = 1
    DAYS = 2


def month_of(day: str) -> str:
    """The first day of its month."""
    return f"{day[:7]}-01"


@lru_cache(20_000)
def week_of(day: str) -> str:
    """The Monday of its week."""
    found = date.fromisoformat(day)
    return date.fromordinal(max(1, found.toordinal() - found.weekday())).isoformat()


def stretch_of(day: str) -> str:
    """The first day of its stretch."""
    return max(week_of(day), month_of(day))


def months_within(day: str, first: str, last: str) -> bool:
    """Whether all of a day's month lies from `first` to `last`, both included."""
    return first <= month_of(day) and _month_end(day[:7]) <= last


def stretches_within(day: str, first: str, last: str) -> bool:
    """Whether all of a day's stretch lies from `first` to `last`, both included."""
    return first <= stretch_of(day) and min(_sunday(week_of(day)), _month_end(day[:7])) <= last


def coarsest(first: str, last: str) -> Span:
    """The longest periods of which none is cut by the days from `first` to `last`."""
    after = (
        last
        if last == LAST
        else date.fromordinal(date.fromisoformat(last).toordinal() + 1).isoformat()
    )
    ends = [day for day in (first, after) if day not in (FIRST, LAST)]
    if all(day == month_of(day) for day in ends):
        return Span.MONTHS
    return Span.STRETCHES if all(day == stretch_of(day) for day in ends) else Span.DAYS


@lru_cache(2_000)
def _month_end(month: str) -> str:
    return f"{month}-{monthrange(int(month[:4]), int(month[5:]))[1]:02}"


@lru_cache(8_000)
def _sunday(monday: str) -> str:
    if monday > "9999-12-25":
        return LAST
    return (date.fromisoformat(monday) + _WEEK).isoformat()
