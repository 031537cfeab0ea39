"""GLR by days: what the manual says, by hand, and what holds whatever the counts are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.alerts.methods import Counts, Detection
from resolvers.alerts.methods.daily_glr import DailyGlr, detect, history

SETTINGS = DailyGlr(years=1, half_width=3, recent=14, window=4)
DAYS = history(SETTINGS) + 20
TIMES = np.arange(DAYS - 20, DAYS)


def counts(seed: int, series: int = 5) -> Counts:
    random = np.random.default_rng(seed)
    return random.poisson(random.uniform(0.02, 4, (series, 1)), (series, DAYS)).astype(float)


def same(one: Detection, other: Detection) -> None:
    for name in ("observed", "expected", "bound", "score", "alarm", "enough"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def by_hand(y: list[float], at: int, given: DailyGlr) -> tuple[float, float, float]:
    """Observed, expected and score of one day of one series."""

    def usual(day: int) -> float:
        back = [day - round(365.25 * year) for year in range(1, given.years + 1)]
        around = [y[d + n] for d in back for n in range(-given.half_width, given.half_width + 1)]
        return (sum(around) + 0.5) / len(around)

    def mean(day: int) -> float:
        lately = range(day - 6 - given.recent, day - 6)
        level = (sum(y[d] for d in lately) + given.prior) / (
            sum(usual(d) for d in lately) + given.prior
        )
        alike = sum(y[day - 7 * week] for week in range(1, 53))
        whole = sum(y[day - 6 - 364 : day - 6]) / 7
        return usual(day) * level * (alike + given.prior) / (whole + given.prior)

    best = (0.0, 0.0, -1.0)
    for width in range(1, given.window + 1):
        days = range(at - width + 1, at + 1)
        seen, expected = sum(y[d] for d in days), sum(mean(d) for d in days)
        score = seen * math.log(seen / expected) - (seen - expected) if seen > expected else 0.0
        score /= 1 + 7 * given.dispersion * expected / width
        best = max(best, (seen, expected, score), key=lambda one: one[2])
    return best


@pytest.mark.parametrize("given", [SETTINGS, replace(SETTINGS, dispersion=0.0, prior=1.0)])
def test_it_is_what_the_manual_says(given: DailyGlr) -> None:
    series = counts(1)
    found = detect(series, TIMES, given)
    assert found.enough.all()
    for row in range(len(series)):
        for i, at in enumerate(TIMES):
            observed, expected, score = by_hand(list(series[row]), int(at), given)
            assert found.observed[row, i] == observed
            assert found.expected[row, i] == pytest.approx(expected, rel=1e-9)
            assert found.score[row, i] == pytest.approx(score, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_an_alarm_is_a_case_today_and_the_bound_reached(limit: float) -> None:
    series = counts(2, 60)
    found = detect(series, TIMES, replace(SETTINGS, limit=limit))
    np.testing.assert_array_equal(
        found.alarm, (series[:, TIMES] > 0) & (found.observed >= found.bound)
    )
    assert found.alarm.any()
    assert not found.alarm.all()
    assert (found.bound > found.expected).all()


def test_a_day_is_judged_by_itself_and_never_by_what_came_later() -> None:
    series = counts(3)
    together = detect(series, TIMES, SETTINGS)
    for i, at in enumerate(TIMES):
        alone = detect(series[:, : at + 1], np.array([at]), SETTINGS)
        same(alone, Detection(*(getattr(together, n)[:, [i]] for n in Detection.__slots__)))
    some = TIMES[[0, 3, 17]]
    same(
        detect(series, some, SETTINGS),
        Detection(*(getattr(together, n)[:, [0, 3, 17]] for n in Detection.__slots__)),
    )


@given(st.integers(0, 40), st.integers(0, 4), st.integers(0, 19), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_one_more_case_today_removes_no_alarm(seed: int, row: int, day: int, more: int) -> None:
    series = counts(seed)
    at = TIMES[[day]]
    before = detect(series, at, SETTINGS).alarm
    series[row, at] += more
    after = detect(series, at, SETTINGS).alarm
    assert not (before & ~after).any()


def test_nothing_but_zeros_and_counts_of_millions() -> None:
    zeros = detect(np.zeros((1, DAYS)), TIMES, SETTINGS)
    assert zeros.enough.all()
    assert not zeros.alarm.any()
    many = np.full((1, DAYS), 5e6)
    assert not detect(many, TIMES, SETTINGS).alarm.any()
    many[0, -1] *= 10
    found = detect(many, TIMES, SETTINGS)
    assert list(found.alarm[0].nonzero()[0]) == [19]
    assert np.isfinite(found.bound).all()


def test_too_short_a_history_and_a_missing_day_are_answers_of_their_own() -> None:
    series = counts(4)
    series[:, -1] = 500
    enough = history(SETTINGS)
    assert detect(series[:, -enough - 1 :], np.array([enough]), SETTINGS).alarm.all()
    short = detect(series[:, -enough:], np.array([enough - 1]), SETTINGS)
    series[2, DAYS - 3] = np.nan  # within the window of the last day
    missing = detect(series, TIMES[-1:], SETTINGS)
    assert list(missing.enough[:, 0]) == [True, True, False, True, True]
    for found, rows in ((short, slice(None)), (missing, slice(2, 3))):
        assert not found.enough[rows].any()
        assert not found.alarm[rows].any()
        assert np.isnan(found.bound[rows]).all()
        assert (found.observed[rows] == 500).all()
