"""What a day's rules find in counts, by what must hold whatever the counts are."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.errors import AlertRuleInvalid
from resolvers.alerts.counts import counts_of
from resolvers.alerts.detecting import detect_day, watched_on
from resolvers.alerts.judging import SERIES_METHODS, judge
from resolvers.alerts.parameters import PARAMETERS, checked
from resolvers.alerts.slots import Found
from schema.alerts import DetectionMethod as Method
from tests.resolvers.alerts.nights import DAY, book, days_before, rule

CODES = ("320102", "320104", "320105", "320106")
_SINCE = days_before(DAY, 7 * 366)
METHODS = sorted(SERIES_METHODS, key=lambda one: one.name)

Counts = dict[tuple[str, int], int]
"""Cases by county and days before `DAY`."""

_BACK = st.one_of(
    st.integers(0, 14),
    st.builds(lambda year, day: year * 365 + day, st.integers(1, 4), st.integers(-20, 20)),
)
COUNTS = st.dictionaries(st.tuples(st.sampled_from(CODES), _BACK), st.integers(0, 12), max_size=40)


def rows(counts: Counts, source: str = "CASES") -> list[tuple[Any, ...]]:
    return [
        ("measles", code, days_before(DAY, back), source, n, 0)
        for (code, back), n in counts.items()
        if n
    ]


def found(
    counts: Counts, method: Method = Method.MOVING_PERCENTILE, day: str = DAY, **given: Any
) -> list[Found]:
    watched = watched_on(book(rule("measles", method, parameters=given)), day, ("",))
    first = days_before(day, watched.history)
    there = [row for row in rows(counts) if first <= row[2] <= day]
    return detect_day(watched, counts_of(there, first, day, _SINCE, CODES))[0]


def places(signals: list[Found]) -> set[str]:
    return {one.code for one in signals}


@given(COUNTS, st.permutations(CODES))
@settings(max_examples=60)
@pytest.mark.parametrize("method", [Method.MOVING_PERCENTILE, Method.EARS_C2, Method.RKI])
def test_permuting_counties_permutes_signals(
    method: Method, counts: Counts, order: list[str]
) -> None:
    other = dict(zip(CODES, order, strict=True))
    moved = {(other[code], back): n for (code, back), n in counts.items()}
    plain, permuted = found(counts, method), found(moved, method)
    assert {other[one.code] for one in plain} == places(permuted)
    told = {(other[one.code], one.observed, one.expected, one.bound) for one in plain}
    assert told == {(one.code, one.observed, one.expected, one.bound) for one in permuted}


@given(COUNTS, st.sampled_from(CODES), st.integers(0, 6))
@settings(max_examples=100)
def test_one_more_case_removes_no_percentile_signal_of_that_day(
    counts: Counts, code: str, back: int
) -> None:
    more = counts | {(code, back): counts.get((code, back), 0) + 1}
    assert places(found(counts)) <= places(found(more))


@given(COUNTS)
@settings(max_examples=60)
def test_the_percentile_is_what_the_plan_says(counts: Counts) -> None:
    """By hand: sums of seven days, of five windows in each of three years, their median."""

    def total(code: str, end: str) -> int:
        days = {days_before(end, n) for n in range(7)}
        return sum(
            n for (at, back), n in counts.items() if at == code and days_before(DAY, back) in days
        )

    today = date.fromisoformat(DAY)
    expected = set()
    for code in CODES:
        sums = [
            total(code, days_before(today.replace(year=today.year - year).isoformat(), shift))
            for year in (1, 2, 3)
            for shift in (-14, -7, 0, 7, 14)
        ]
        now = total(code, DAY)
        if now > 0 and now >= sorted(sums)[7]:
            expected.add(code)
    assert places(found(counts)) == expected


@given(COUNTS)
@settings(max_examples=40)
def test_a_region_that_is_split_finds_the_same(counts: Counts) -> None:
    """Two stores with half of the counties each find together what one with all finds."""
    north = {key: n for key, n in counts.items() if key[0] in CODES[:2]}
    south = {key: n for key, n in counts.items() if key not in north}
    assert places(found(counts)) == places(found(north)) | places(found(south))


@given(COUNTS)
@settings(max_examples=40)
def test_where_rows_of_one_cell_are_in_parts_they_add_up(counts: Counts) -> None:
    """A county whose cells come from two stores, or under two codes, is one series."""
    first, last = days_before(DAY, 1500), DAY
    parts = rows({key: n - n // 2 for key, n in counts.items()}) + rows(
        {key: n // 2 for key, n in counts.items()}
    )
    one, other = (counts_of(there, first, last, _SINCE, CODES) for there in (rows(counts), parts))
    for disease in one.cases:
        np.testing.assert_array_equal(one.cases[disease], other.cases[disease])


@given(COUNTS, COUNTS)
@settings(max_examples=40)
def test_who_was_loaded_as_a_count_too_counts_once(counts: Counts, loaded: Counts) -> None:
    first, last = days_before(DAY, 1500), DAY
    larger = {key: max(counts.get(key, 0), loaded.get(key, 0)) for key in counts | loaded}
    both = [(*row[:5], row[4]) for row in rows(counts) + rows(loaded, "REPORTED")]
    one, other = (counts_of(there, first, last, _SINCE, CODES) for there in (rows(larger), both))
    for disease in one.cases:
        np.testing.assert_array_equal(one.cases[disease], np.nan_to_num(other.cases[disease]))
        np.testing.assert_array_equal(one.cases[disease], other.deaths[disease])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("day", ["2024-02-29", "2025-02-28", "2026-01-01", "2027-01-03"])
def test_any_day_of_any_year_is_judged(method: Method, day: str) -> None:
    """Leap days, the end of a year of 53 weeks (2026), the turn of the year: always an answer."""
    watched = watched_on(book(rule("measles", method)), day, ("",))
    first = days_before(day, watched.history + 40)
    values = {days_before(day, 3 * n): 2 for n in range(3 * 366)}
    there = [("measles", "320102", d, "CASES", n, 0) for d, n in values.items() if d >= first]
    there.append(("measles", "320102", day, "CASES", 500, 3))
    counted = counts_of(there, first, day, days_before(first, 1))
    detection = judge(
        method,
        watched.values[next(iter(watched.values))],
        counted.cases["measles"],
        counted.first,
        [counted.position(day)],
    )
    assert detection.enough.all()
    signal = next(iter(detect_day(watched, counted)[0]), None)
    if method is not Method.EARS_C3:  # of what exceeded on the two days before
        assert signal is not None
        assert signal.deaths == 3


@pytest.mark.parametrize("method", METHODS)
def test_nothing_and_very_much(method: Method) -> None:
    """All zeros never signal; a billion cases neither fail nor overflow."""
    assert found({}, method) == []
    values: Counts = {("320102", back): 10**9 for back in range(1000)}
    values |= {("320104", 0): 10**9}
    for one in found(values, method):
        assert np.isfinite(one.observed)
        assert one.cases <= 7 * 10**9


@pytest.mark.parametrize("method", METHODS)
def test_a_short_history_is_no_signal(method: Method) -> None:
    watched = watched_on(book(rule("measles", method)), DAY, ("",))
    there = [
        ("measles", "320102", days_before(DAY, n), "CASES", 1 + 50 * (n == 0), 0) for n in range(5)
    ]
    counted = counts_of(there, days_before(DAY, watched.history), DAY, days_before(DAY, 4))
    assert detect_day(watched, counted)[0] == []


@pytest.mark.parametrize("method", METHODS)
def test_what_is_judged_together_is_what_is_judged_alone(method: Method) -> None:
    """An answer never depends on which other days, or counties, were asked for."""
    random = np.random.default_rng(5)
    counts = random.poisson(0.6, (3, 7 * 366)).astype(float)
    counts[1, -9:] += 6
    values = checked(method, {})
    at = list(range(counts.shape[1] - 12, counts.shape[1]))
    together = judge(method, values, counts, 730_000, at)
    for row in range(3):
        for number, place in enumerate(at):
            alone = judge(method, values, counts[row : row + 1], 730_000, [place])
            for name in ("observed", "bound", "alarm", "enough"):
                np.testing.assert_allclose(
                    getattr(alone, name)[0, 0], getattr(together, name)[row, number], rtol=1e-9
                )


# Parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_defaults_and_both_ends_are_taken(method: Method) -> None:
    for one in PARAMETERS[method]:
        assert one.takes(one.default), one
        assert one.help
        if not one.choices and one.kind is not bool:
            assert one.takes(one.kind(one.low))
            assert one.takes(one.kind(one.high))


@pytest.mark.parametrize(
    ("method", "given_", "said"),
    [
        (Method.MOVING_PERCENTILE, {"percentile": 101}, "from 0 to 100"),
        (Method.MOVING_PERCENTILE, {"percentile": "50"}, "a number"),
        (Method.MOVING_PERCENTILE, {"years": 2.5}, "whole number"),
        (Method.MOVING_PERCENTILE, {"years": True}, "whole number"),
        (Method.MOVING_PERCENTILE, {"years": None}, "whole number"),
        (Method.MOVING_PERCENTILE, {"reach": 1}, "true or false"),
        (Method.MOVING_PERCENTILE, {"percentil": 50}, "percentile"),
        (Method.SINGLE_CASE, {"years": 3}, "takes none"),
        (Method.CUSUM, {"transform": "log"}, "one of standard"),
        (Method.SPACE_TIME_PERMUTATION, {"radius": 2_000}, "from 0 to 1000"),
        (Method.SPACE_TIME_PERMUTATION, {"years": 3}, "study"),
    ],
)
def test_what_means_nothing_is_refused(method: Method, given_: Any, said: str) -> None:
    with pytest.raises(AlertRuleInvalid) as error:
        checked(method, given_, rule="r-1")
    assert error.value.code == "ALERT_RULE_INVALID"
    assert "r-1" in error.value.message
    assert said in error.value.hint
