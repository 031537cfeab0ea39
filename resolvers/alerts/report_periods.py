"""Days, weeks, months and years that reports are of, and the steps of their curves. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["Span", "before", "curve_of", "span_of"]

_ONE = timedelta(days=1)
_WEEK = timedelta(days=7)
_FOUR_WEEKS = 28


@dataclass(frozen=True, slots=True)
class Span:
    """From one day to another, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def begun(self, today: date) -> int:
        """How many of its days have begun; all, where it lies ahead."""
        passed = (min(self.last, today) - self.first).days + 1
        return passed if passed > 0 else self.days

    def every(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=number) for number in range(self.days)]

    def holds(self, day: str) -> bool:
        """Whether a day lies in it."""
        return self.first.isoformat() <= day <= self.last.isoformat()


def span_of(period: str, day: date) -> Span:
    """The day, week (from Monday), month or year a day lies in. Raises OverflowError at either end
    of the calendar.
    """
    match period:
        case "WEEK":
            first = day - timedelta(days=day.weekday())
            return Span(first, first + _WEEK - _ONE)
        case "MONTH":
            return Span(day.replace(day=1), _next_month(day) - _ONE)
        case "YEAR":
            return Span(date(day.year, 1, 1), date(day.year, 12, 31))
        case _:
            return Span(day, day)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def before(period: str, span: Span) -> Span:
    """The one before it of the same kind. Raises OverflowError."""
    return span_of(period, span.first - _ONE)


def curve_of(period: str, span: Span) -> list[Span]:
    """The steps of its curve: days; of a year the weeks that have a day in it, of a day the four
    weeks up to it. Raises OverflowError.
    """
    if period == "YEAR":
        return list(_weeks(span))
    first = span.last - timedelta(days=_FOUR_WEEKS - 1) if period == "DAY" else span.first
    return [Span(day, day) for day in Span(first, span.last).every()]


def _weeks(span: Span) -> Iterator[Span]:
    """The weeks of a year, the first and the last cut at its ends."""
    first = span.first
    while first <= span.last:
        last = min(span_of("WEEK", first).last, span.last)
        yield Span(first, last)
        if last == span.last:
            return
        first = last + _ONE
