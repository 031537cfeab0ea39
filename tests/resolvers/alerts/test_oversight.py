"""The figures by which signals are overseen, and the times that they are of (E12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.alerts.oversight import (
    SignalFacts,
    false_figures,
    figures,
    ground_figures,
    grouped,
    open_now,
)
from resolvers.alerts.report_periods import Span, before, curve_of, span_of

AT = "2026-03-10T00:00:00Z"
SENT = SignalFacts(
    code="320102",
    disease="measles",
    day="2026-03-01",
    kind="STATISTICAL",
    method="MOVING_PERCENTILE",
    state="SENT",
    sent_at="2026-03-02T00:00:00Z",
    answered_at=None,
    absorbed=False,
)
FALSE = replace(SENT, state="EXCLUDED", answered_at="2026-03-02T01:30:00Z", verified=("PHONE",))
OUTBREAK = replace(
    SENT,
    state="CONCLUDED",
    answered_at="2026-03-02T05:00:00Z",
    event=7,
    event_state="CONCLUDED",
    conclusion="OUTBREAK",
    grounds=("place", "time"),
)


def test_the_four_figures_of_the_plan() -> None:
    repeat = replace(SENT, absorbed=True)
    early = replace(FALSE, sent_at=None)  # answered before it was sent
    found = figures([SENT, repeat, FALSE, OUTBREAK, OUTBREAK, early], 10, 14, AT)
    assert (found.signals, found.absorbed) == (5, 1)
    assert found.per_county_week == 0.25  # 5 in 10 counties of two weeks
    assert (found.answered, found.answered_rate) == (4, 0.8)
    assert found.hours_to_answer == 3.25  # of 0, 1.5, 5 and 5
    assert (found.suspected, found.suspected_events) == (2, 1)
    assert (found.confirmed, found.confirmed_events, found.confirmed_rate) == (2, 1, 0.4)
    assert found.excluded == 2


def test_what_is_not_late_yet_is_no_part_of_a_rate_in_time() -> None:
    fresh = replace(SENT, sent_at="2026-03-09T23:00:00Z")
    waiting = replace(SENT, state="DETECTED", sent_at=None)
    found = figures([fresh, waiting, FALSE], 1, 7, AT)
    assert (found.within_two_hours, found.within_two_hours_rate) == (1, 1.0)
    found = figures([fresh, waiting, FALSE, OUTBREAK, SENT], 1, 7, AT)
    assert (found.within_two_hours, found.within_two_hours_rate) == (1, 0.333333)
    assert (found.within_day, found.within_day_rate) == (2, 0.666667)
    exact = replace(SENT, answered_at="2026-03-02T02:00:00Z")
    assert figures([exact], 1, 7, AT).within_two_hours == 1


def test_nothing_has_no_rates() -> None:
    found = figures([], 0, 7, AT)
    assert (found.signals, found.per_county_week, found.hours_to_answer) == (0, None, None)
    assert (found.answered_rate, found.within_day_rate, found.suspected_rate) == (None,) * 3


def test_what_was_false_and_how_it_was_found() -> None:
    inside = replace(OUTBREAK, event=8, conclusion="EXCLUDED")
    watched = replace(OUTBREAK, event=9, conclusion="CONTINUED_WATCH")
    both = replace(FALSE, verified=("DATA_ANALYSIS", "PHONE"))
    every = [SENT, FALSE, both, OUTBREAK, inside, watched, replace(FALSE, absorbed=True)]
    found = false_figures(every)
    assert (found.signals, found.by_card, found.by_investigation) == (3, 2, 1)
    assert found.rate == 0.75  # of four that are decided
    assert (found.data_analysis, found.phone, found.other) == (1, 2, 0)
    place = ground_figures(every, "place")
    assert (place.suspected, place.confirmed, place.excluded) == (3, 1, 1)
    assert ground_figures(every, "rare").suspected == 0


def test_what_waits_now() -> None:
    single = replace(SENT, kind="SINGLE_CASE", sent_at="2026-03-09T21:00:00Z")
    investigated = replace(
        OUTBREAK,
        state="INVESTIGATING",
        event_state="INVESTIGATING",
        conclusion=None,
        form_due="2026-03-09T00:00:00Z",
    )
    found = open_now(
        [
            SENT,
            single,
            replace(SENT, absorbed=True),
            FALSE,
            investigated,
            replace(investigated, code="320104"),  # of the same event
            replace(investigated, event=8, form_due=AT),
            replace(investigated, event=9, state="SUSPECTED", event_state="SUSPECTED"),
            replace(OUTBREAK, event=10, conclusion="CONTINUED_WATCH"),
        ],
        AT,
    )
    assert (found.unanswered, found.single_case_late, found.late) == (2, 1, 1)
    assert (found.suspected_events, found.investigated_events, found.forms_late) == (1, 2, 1)
    assert found.watched_events == 1


def test_groups_are_in_the_order_of_their_signals() -> None:
    some = [replace(SENT, disease=name) for name in ("b", "c", "c", "a")]
    some += [replace(SENT, disease="b", absorbed=True)] * 3
    assert list(grouped(some, lambda one: one.disease)) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("period", "first", "last", "steps"),
    [
        ("DAY", "2026-02-28", "2026-02-28", 28),
        ("WEEK", "2026-02-23", "2026-03-01", 7),
        ("MONTH", "2026-02-01", "2026-02-28", 28),
        ("YEAR", "2026-01-01", "2026-12-31", 53),
    ],
)
def test_times_of_reports(period: str, first: str, last: str, steps: int) -> None:
    span = span_of(period, date(2026, 2, 28))
    assert (span.first.isoformat(), span.last.isoformat()) == (first, last)
    assert len(curve_of(period, span)) == steps
    assert span_of("MONTH", date(2024, 2, 1)).days == 29
    assert span_of("MONTH", date(2026, 12, 31)).last == date(2026, 12, 31)


@given(st.sampled_from(["DAY", "WEEK", "MONTH", "YEAR"]), st.dates(date(1900, 1, 1)))
def test_times_follow_each_other_without_a_gap(period: str, day: date) -> None:
    try:
        span = span_of(period, day)
        steps = curve_of(period, span)
    except OverflowError:  # the last year of the calendar
        assert day.year == 9999
        return
    assert span.holds(day.isoformat())
    earlier = before(period, span)
    assert earlier.last + timedelta(days=1) == span.first
    assert steps[-1].last == span.last
    for one, following in pairwise(steps):
        assert following.first == one.last + timedelta(days=1)
    if period != "DAY":
        assert steps[0].first == span.first
    assert Span(day, day).every() == [day]
