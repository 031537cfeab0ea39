"""Reporting delays: the triangle, the share that is known, what is to come, and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.alerts.methods import ears, single_case
from resolvers.alerts.methods.delays import (
    Triangle,
    as_known,
    corrected,
    delays_of,
    nowcast,
    triangle_of,
)
from resolvers.alerts.methods.ears import Ears
from resolvers.alerts.methods.single_case import SingleCase

_LONGEST = 10
_SHARES = np.array([0.1, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05, 0.03, 0.02, 0.01, 0.01])


def _simulated(seed: int, days: int = 120, level: float = 30.0, series: int = 1) -> Triangle:
    random = np.random.default_rng(seed)
    totals = random.poisson(level, size=(series, days))
    return Triangle(random.multinomial(totals, _SHARES))


def test_a_triangle_by_hand() -> None:
    event = np.array([0, 0, 1, 1, 2, 2, 5, 1, -1])
    report = np.array([0, 2, 1, 4, 2, 3, 5, 0, 3])
    of = np.array([0, 0, 0, 0, 1, 1, 0, 0, 0])
    triangle = triangle_of(event, report, days=4, longest=2, series=of, count=2)
    assert triangle.left_out == 4  # a delay of 3, day 5, a report before its event, day -1
    assert triangle.longest == 2
    assert triangle.cases[0].tolist() == [[1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert triangle.cases[1].tolist() == [[0, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert triangle.known(0).tolist() == [[1], [0]]
    assert triangle.known(1).tolist() == [[1, 1], [0, 0]]
    assert triangle.known(2).tolist() == [[2, 1, 0], [0, 0, 1]]
    assert triangle.known(3).tolist() == [[2, 1, 0, 0], [0, 0, 2, 0]]


@given(st.integers(0, 10_000), st.integers(0, 39))
def test_what_is_known_only_grows_and_is_all_in_the_end(seed: int, day: int) -> None:
    triangle = _simulated(seed, days=40, series=2)
    known, later = triangle.known(day), triangle.known(39)
    assert known.shape == (2, day + 1)
    assert (known <= later[:, : day + 1]).all()
    np.testing.assert_array_equal(
        later[:, : 40 - _LONGEST], triangle.cases.sum(axis=2)[:, : 40 - _LONGEST]
    )
    np.testing.assert_array_equal(known, triangle.before(day).cases.sum(axis=2))
    np.testing.assert_array_equal(known, triangle.before(day).known(day))


def test_shares_of_complete_days_are_the_shares_counted() -> None:
    cases = np.zeros((1, 30, 3), dtype=np.int64)
    cases[0, :20] = [5, 3, 2]
    found = delays_of(Triangle(cases), today=29)
    assert found.share == pytest.approx([0.5, 0.8, 1.0])
    assert found.variance[-1] == 0
    # of 200 cases half are reported at once: the variance of log F is (1 - F)/(n F)
    assert found.variance[0] == pytest.approx(0.5 / (200 * 0.5))


def test_shares_are_right_while_reports_are_missing() -> None:
    """Counting what has been reported alone takes long delays for rare: of 24 days
    ten are not complete."""
    days = 24
    shares, naive = [], []
    for seed in range(60):
        triangle = _simulated(seed, days=days, level=80)
        shares.append(delays_of(triangle, days - 1).share)
        seen = triangle.before(days - 1).cases.sum(axis=(0, 1))
        naive.append(np.cumsum(seen) / seen.sum())
    truth = np.cumsum(_SHARES)
    assert np.abs(np.mean(shares, axis=0) - truth).max() < 0.005
    assert np.abs(np.mean(naive, axis=0) - truth).max() > 0.03


def test_recent_delays_alone() -> None:
    cases = np.zeros((1, 60, 3), dtype=np.int64)
    cases[0, :30], cases[0, 30:] = [0, 0, 10], [10, 0, 0]
    triangle = Triangle(cases)
    assert delays_of(triangle, 59).share[0] == pytest.approx(0.5, abs=0.02)
    assert delays_of(triangle, 59, latest=20).share[0] == pytest.approx(1.0)


@pytest.mark.parametrize("level", [2.0, 30.0])
def test_the_interval_holds_what_comes(level: float) -> None:
    """Of 95 % intervals, of the last ten days, at least 93 % hold the number of the end; and the
    mean is right on the average."""
    inside, days, mean, truth = 0, 0, 0.0, 0.0
    for seed in range(150):
        triangle = _simulated(seed, days=80, level=level)
        today = 69
        found = nowcast(triangle.known(today), delays_of(triangle, today))
        final = triangle.cases.sum(axis=2)[:, : today + 1]
        late = slice(today + 1 - _LONGEST, today + 1)
        inside += int(((found.low <= final) & (final <= found.high))[:, late].sum())
        days += _LONGEST
        mean += found.mean[:, late].sum()
        truth += final[:, late].sum()
        np.testing.assert_array_equal(found.mean[:, : today - _LONGEST], final[:, : today - 10])
        assert (found.low <= found.mean).all()
        assert (found.high >= np.floor(found.mean)).all()
    assert inside / days >= 0.93
    assert mean / truth == pytest.approx(1, abs=0.1 if level > 10 else 0.4)


def test_few_cases_behind_the_delays_widen_the_interval() -> None:
    cases, known = np.zeros((1, 60, 3), dtype=np.int64), np.full((1, 60), 12)
    cases[0, :50:10] = [5, 3, 2]
    few, many = (delays_of(Triangle(cases * factor), 59) for factor in (1, 1000))
    np.testing.assert_allclose(few.share, many.share)
    wide, narrow = (nowcast(known, one) for one in (few, many))
    np.testing.assert_allclose(wide.mean, narrow.mean)
    assert (wide.high - wide.low)[0, -1] > (narrow.high - narrow.low)[0, -1] > 0


def test_nothing_reported_is_nothing_known() -> None:
    triangle = Triangle(np.zeros((1, 20, 4), dtype=np.int64))
    assert np.isnan(delays_of(triangle, 19).share).all()
    assert np.isnan(corrected(triangle, 19)).all()


def test_methods_judge_by_what_was_known() -> None:
    """Of an outbreak of the last days the reports come late: by the numbers of the end it is seen
    that day, by those known it is not, by the corrected ones it is."""
    triangle = _simulated(3, days=80, level=20)
    outbreak = np.round(90 * _SHARES).astype(np.int64)
    triangle.cases[0, 70] += outbreak
    times = np.array([70])
    settings = Ears("C2", alpha=0.01)
    final = ears.detect(triangle.cases.sum(axis=2), times, settings)
    known = as_known(triangle, times, lambda y, t: ears.detect(y, t, settings))
    better = as_known(triangle, times, lambda y, t: ears.detect(y, t, settings), corrected)
    assert final.alarm[0, 0]
    assert not known.alarm[0, 0]
    assert better.alarm[0, 0]
    later = Triangle(triangle.cases.copy())
    later.cases[0, 60, _LONGEST] += 500  # reported on day 70
    later.cases[0, 71:] += 500
    again = as_known(later, times, lambda y, t: single_case.detect(y, t, SingleCase()))
    first = as_known(triangle, times, lambda y, t: single_case.detect(y, t, SingleCase()))
    np.testing.assert_array_equal(again.observed, first.observed)


def test_a_single_case_is_a_signal() -> None:
    counts = np.array([[0.0, 1.0, 3.0, np.nan]])
    found = single_case.detect(counts, np.arange(4), SingleCase())
    assert found.alarm.tolist() == [[False, True, True, False]]
    assert found.enough.tolist() == [[True, True, True, False]]
    assert found.bound[0, :3].tolist() == [1, 1, 1]
    assert found.score[0, :3].tolist() == [0, 1, 3]
    found = single_case.detect(counts, np.arange(4), SingleCase(least=3))
    assert found.alarm.tolist() == [[False, False, True, False]]
