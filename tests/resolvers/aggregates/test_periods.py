"""Periods of days: every stretch lies in one week and one month, and they cover all days once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.aggregates.periods import (
    FIRST,
    LAST,
    Span,
    coarsest,
    month_of,
    months_within,
    stretch_of,
    stretches_within,
    week_of,
)

DAYS = st.dates().map(date.isoformat)


@given(DAYS)
def test_a_stretch_is_what_a_week_has_in_a_month(day: str) -> None:
    first = stretch_of(day)
    assert first <= day
    assert (month_of(first), week_of(first)) == (month_of(day), week_of(day))
    before = date.fromisoformat(first).toordinal() - 1
    if before:
        other = date.fromordinal(before).isoformat()
        assert (month_of(other), week_of(other)) != (month_of(day), week_of(day))


@given(DAYS, DAYS, DAYS)
def test_what_is_within_is_so_with_all_its_days(day: str, first: str, last: str) -> None:
    at = date.fromisoformat(day).toordinal()
    near = [
        date.fromordinal(n).isoformat() for n in range(max(1, at - 31), min(3_652_059, at + 31) + 1)
    ]
    month = [one for one in near if month_of(one) == month_of(day)]
    stretch = [one for one in near if stretch_of(one) == stretch_of(day)]
    assert months_within(day, first, last) is all(first <= one <= last for one in month)
    assert stretches_within(day, first, last) is all(first <= one <= last for one in stretch)
    assert months_within(day, FIRST, LAST)


@pytest.mark.parametrize(
    ("first", "last", "span"),
    [
        (FIRST, LAST, Span.MONTHS),
        ("2026-05-01", "2026-06-30", Span.MONTHS),
        ("2026-04-27", "2026-05-03", Span.STRETCHES),
        ("2026-05-01", "2026-05-10", Span.STRETCHES),
        ("2026-05-02", LAST, Span.DAYS),
        (FIRST, "2026-05-02", Span.DAYS),
    ],
)
def test_the_longest_periods_that_are_not_cut(first: str, last: str, span: Span) -> None:
    assert coarsest(first, last) is span


@pytest.mark.parametrize(
    ("day", "week", "stretch"),
    [
        ("2026-05-03", "2026-04-27", "2026-05-01"),
        ("2026-04-30", "2026-04-27", "2026-04-27"),
        ("2026-05-04", "2026-05-04", "2026-05-04"),
        ("2026-01-01", "2025-12-29", "2026-01-01"),
        ("9999-12-31", "9999-12-27", "9999-12-27"),
    ],
)
def test_weeks_begin_on_monday(day: str, week: str, stretch: str) -> None:
    assert (week_of(day), stretch_of(day)) == (week, stretch)


def test_a_week_at_the_turn_of_a_month_is_within_by_its_stretch_alone() -> None:
    assert stretches_within("2026-04-28", "2026-04-27", "2026-04-30")
    assert not months_within("2026-04-28", "2026-04-02", "2026-04-30")
    assert date.fromisoformat("2026-05-03") - timedelta(6) == date.fromisoformat("2026-04-27")
