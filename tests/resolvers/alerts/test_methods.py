"""Detection methods: against reference results, and what holds whatever the counts are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.detect import compare, read_rows, read_sets
from resolvers.alerts.methods import (
    Counts,
    Detection,
    Times,
    bayes,
    cusum,
    distributions,
    ears,
    ewma,
    farrington,
    glr,
    historical,
    outbreak_p,
    percentile,
    rki,
    single_case,
)
from resolvers.alerts.methods.blocks import Calendar, blocks_of
from resolvers.alerts.methods.farrington import Farrington
from resolvers.alerts.methods.percentile import MovingPercentile
from resolvers.alerts.methods.thresholds import Threshold

ORACLES = Path(__file__).resolve().parents[4] / "shared" / "oracles"

WITH_ORACLES = pytest.mark.skipif(
    not ORACLES.is_dir(), reason="the reference results lie beside the project"
)

Method = Callable[[Counts, Times], Detection]

YEAR = 12  # steps: short years, so that five of them are quick

METHODS: dict[str, Method] = {
    "C1": lambda y, t: ears.detect(y, t, ears.Ears("C1")),
    "C2": lambda y, t: ears.detect(y, t, ears.Ears("C2", min_sigma=0.5)),
    "C3": lambda y, t: ears.detect(y, t, ears.Ears("C3", min_sigma=1)),
    "bayes": lambda y, t: bayes.detect(y, t, bayes.Bayes(2, 2, True, frequency=YEAR)),
    "historical": lambda y, t: historical.detect(
        y, t, historical.HistoricalLimits(3, frequency=YEAR)
    ),
    "rki": lambda y, t: rki.detect(y, t, rki.Rki(2, 2, True, YEAR)),
    "cusum": lambda y, t: cusum.detect(y, t, cusum.Cusum(frequency=YEAR)),
    "ewma": lambda y, t: ewma.detect(y, t, ewma.Ewma(training=24)),
    "percentile": lambda y, t: percentile.detect(y, t, MovingPercentile(frequency=YEAR)),
    "farrington": lambda y, t: farrington.detect(
        y,
        t,
        Farrington(
            periods=1,
            half_width=1,
            weights=1.0,
            alpha=0.05,
            frequency=YEAR,
            original=True,
            threshold=Threshold.DELTA,
            trend_alpha=0.05,
            not_included=1,
        ),
    ),
    "flexible": lambda y, t: farrington.detect(
        y, t, Farrington(periods=4, half_width=1, not_included=3, frequency=YEAR)
    ),
    "flexible, nbPlugin": lambda y, t: farrington.detect(
        y,
        t,
        Farrington(
            periods=4, half_width=1, not_included=3, frequency=YEAR, threshold=Threshold.NB_PLUGIN
        ),
    ),
    "glr": lambda y, t: glr.detect(y, t, glr.Glr(), np.full((len(y), len(t)), 1.5)),
    "glr, nb": lambda y, t: glr.detect(y, t, glr.Glr(), np.full((len(y), len(t)), 1.5), 0.2),
    "outbreakP": lambda y, t: outbreak_p.detect(y, t, outbreak_p.OutbreakP()),
    "single case": lambda y, t: single_case.detect(y, t, single_case.SingleCase()),
}

TIMES = np.arange(61, 72)
EVERY = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


def _counts(seed: int, series: int = 6) -> Counts:
    random = np.random.default_rng(seed)
    level = random.uniform(0.2, 30, size=(series, 1))
    season = 1 + 0.6 * np.sin(2 * np.pi * np.arange(72) / YEAR)
    return random.negative_binomial(4, 4 / (4 + level * season)).astype(float)


def _same(one: Detection, other: Detection) -> None:
    for name in ("observed", "expected", "bound", "score"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)
    np.testing.assert_array_equal(one.alarm, other.alarm)
    np.testing.assert_array_equal(one.enough, other.enough)


def _rows(found: Detection, rows: list[int]) -> Detection:
    return Detection(
        *(
            getattr(found, name)[rows]
            for name in ("observed", "expected", "bound", "alarm", "score", "enough")
        )
    )


@WITH_ORACLES
@pytest.mark.no_cover  # thousands of series through lines that the tests below run, too
def test_reference_results() -> None:
    files = list(compare(ORACLES))
    assert [one.name for one in files if not one.known] == []
    assert len(files) >= 16
    assert {one.name: one.worst for one in files if one.error > 1e-9} == {}
    assert {one.name for one in files if one.alarms or one.blanks} == set()


@WITH_ORACLES
def test_the_moving_percentile_by_weeks() -> None:
    series = dict(read_sets(ORACLES / "data"))
    rows = read_rows(ORACLES / "mpm" / "mpm_weekly.csv")
    assert len(rows) > 300
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["series"], row["years"]), []).append(row)
    for (name, years), part in groups.items():
        counts = series[name].counts[None, :]
        times = np.array([int(row["t"]) - 1 for row in part])
        for key in part[0]:
            if not key.startswith("p"):
                continue
            percent, _, kind = key[1:].partition("_t")
            settings = MovingPercentile(
                years=int(years), percentile=float(percent), kind=int(kind or 7)
            )
            found = percentile.detect(counts, times, settings)
            wanted = [float(row[key]) for row in part]
            np.testing.assert_allclose(found.bound[0], wanted, rtol=1e-9, err_msg=f"{name} {key}")
        for key, level, reach in (
            ("alarm_p50_ge", 50, True),
            ("alarm_p50_gt", 50, False),
            ("alarm_p80_ge", 80, True),
        ):
            settings = MovingPercentile(years=int(years), percentile=level, reach=reach)
            found = percentile.detect(counts, times, settings)
            assert list(found.alarm[0]) == [row[key] == "1" for row in part], (name, key)


@WITH_ORACLES
def test_the_moving_percentile_by_days() -> None:
    known = read_rows(ORACLES / "mpm" / "mpm_daily_series.csv")
    days = [date.fromisoformat(row["date"]) for row in known]
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in read_rows(ORACLES / "mpm" / "mpm_daily.csv"):
        groups.setdefault((row["series"], row["years"]), []).append(row)
    assert len(groups) > 3

    def before(time: int, years: int) -> int:
        day = days[time]
        leap = day.month == 2 and day.day == 29
        return (day.replace(year=day.year - years, day=28 if leap else day.day) - days[0]).days

    for (name, years), part in groups.items():
        counts = np.array([[float(row[name]) for row in known]])
        times = np.array([(date.fromisoformat(row["date"]) - days[0]).days for row in part])
        for percent in (50, 80, 90):
            settings = MovingPercentile(
                years=int(years), percentile=percent, shift=7, width=7, frequency=365
            )
            found = percentile.detect_daily(counts, times, settings, before)
            wanted = [float(row[f"p{percent}"]) for row in part]
            np.testing.assert_allclose(found.bound[0], wanted, rtol=1e-9)
            assert list(found.observed[0]) == [float(row["observed7"]) for row in part]
            if f"alarm_p{percent}_ge" in part[0]:
                alarms = [row[f"alarm_p{percent}_ge"] == "1" for row in part]
                assert list(found.alarm[0]) == alarms


@EVERY
def test_series_do_not_know_each_other(method: Method) -> None:
    counts = _counts(1)
    together = method(counts, TIMES)
    for row in range(len(counts)):
        _same(method(counts[[row]], TIMES), _rows(together, [row]))


@EVERY
def test_permuted_series_give_permuted_results(method: Method) -> None:
    counts, order = _counts(2), [3, 0, 5, 1, 4, 2]
    _same(method(counts[order], TIMES), _rows(method(counts, TIMES), order))


@EVERY
def test_what_came_later_changes_nothing(method: Method) -> None:
    counts = _counts(3)
    _same(method(counts, TIMES), method(counts[:, : TIMES[-1] + 1], TIMES))
    later = np.concatenate([counts, np.full((len(counts), 5), 900.0)], axis=1)
    _same(method(counts, TIMES), method(later, TIMES))


@EVERY
def test_an_alarm_has_enough_history_and_goes_beyond_its_bound(method: Method) -> None:
    found = method(_counts(4, 40), TIMES)
    assert found.alarm.any() or method in (METHODS["outbreakP"],)
    assert not (found.alarm & ~found.enough).any()


@EVERY
@pytest.mark.parametrize("value", [0.0, 1.0, 1e7])
def test_counts_that_never_change(method: Method, value: float) -> None:
    found = method(np.full((2, 72), value), TIMES)
    assert found.alarm.shape == (2, len(TIMES))
    if value == 0:
        assert not found.alarm.any()


_LATE = ("C3",)  # judges the days before by what the newest count stands beside


@pytest.mark.parametrize("name", [name for name in METHODS if name not in _LATE])
def test_an_outbreak_of_a_hundredfold_alarms(name: str) -> None:
    counts = _counts(5)
    counts[:, TIMES[-1]] = 100 * counts.max()
    found = METHODS[name](counts, TIMES)
    assert found.alarm[:, -1].any()


SHORT = {
    name: METHODS[name]
    for name in (
        "C1",
        "C2",
        "C3",
        "bayes",
        "historical",
        "rki",
        "ewma",
        "percentile",
        "farrington",
        "flexible",
    )
}


@pytest.mark.parametrize("method", SHORT.values(), ids=SHORT.keys())
def test_a_short_history_is_an_answer_of_its_own(method: Method) -> None:
    found = method(_counts(6)[:, :5], np.array([4]))
    assert not found.enough.any()
    assert not found.alarm.any()
    assert np.isnan(found.bound).all()


@given(st.integers(0, 10_000), st.integers(0, 5), st.integers(1, 40))
def test_one_more_case_never_removes_a_percentile_signal(seed: int, row: int, more: int) -> None:
    counts = _counts(seed)
    settings = MovingPercentile(frequency=YEAR)
    before = percentile.detect(counts, TIMES[-1:], settings)
    counts[row, TIMES[-1]] += more
    after = percentile.detect(counts, TIMES[-1:], settings)
    assert (after.alarm | ~before.alarm).all()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (1, "inverted_cdf"),
        (2, "averaged_inverted_cdf"),
        (3, "closest_observation"),
        (4, "interpolated_inverted_cdf"),
        (5, "hazen"),
        (6, "weibull"),
        (7, "linear"),
        (8, "median_unbiased"),
        (9, "normal_unbiased"),
    ],
)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=25), st.integers(1, 99))
def test_quantiles_of_every_kind(kind: int, method: str, values: list[int], percent: int) -> None:
    ours = percentile.quantile(np.array([values], dtype=float), percent / 100, kind)[0]
    theirs = np.percentile(np.array(values, dtype=float), percent, method=method)  # type: ignore[call-overload]  # the names are a Literal
    assert ours == pytest.approx(theirs)


def test_a_percentile_never_signals_at_zero_and_asks_for_what_is_set() -> None:
    counts = np.zeros((1, 72))
    settings = MovingPercentile(frequency=YEAR)
    assert not percentile.detect(counts, TIMES, settings).alarm.any()
    counts[0, 66] = 1
    assert percentile.detect(counts, np.array([66]), settings).alarm.all()
    counts[:] = 1
    assert percentile.detect(counts, TIMES, settings).alarm.all()
    assert not percentile.detect(counts, TIMES, replace(settings, reach=False)).alarm.any()


def test_a_year_of_53_weeks_moves_the_windows_to_the_same_season() -> None:
    first = np.datetime64("2016-01-04").astype(int) + 719_163  # a Monday, as an ordinal
    calendar = Calendar(np.arange(first, first + 7 * 320, 7))
    assert calendar.weekly
    pasts = {calendar.past(time, 5) for time in range(270, 320)}
    assert any(53 in np.diff((0, *past)) for past in pasts)  # 2020 has 53 weeks
    for past in pasts:
        assert all(abs(steps - round(year * 365.25 / 7)) <= 1 for year, steps in enumerate(past, 1))
    assert calendar.past(100, 5) == (52,)


def test_every_step_between_the_windows_has_one_group() -> None:
    offsets, design = blocks_of((52, 104, 157), 3, 10, 26, True)
    assert list(offsets) == list(range(-160, -26))
    assert (design.member.sum(axis=1) == 1).all()
    window = design.member[:, -1] == 1
    assert set(offsets[window]) >= {*range(-55, -48), *range(-107, -100), *range(-160, -153)}
    assert window.sum() == 21


def test_too_many_periods_for_a_year() -> None:
    with pytest.raises(ValueError, match="too few for 10 periods"):
        blocks_of((12, 24), 3, 10, 3, True)


def test_too_many_periods_for_a_year_as_r_takes_them() -> None:
    """R goes on where a group has no step; bounds by R 4.2.2, surveillance 1.20.3, of months."""
    months = (np.arange(1, 81) * 7 % 11 + 3.0)[None, :]
    settings = Farrington(threshold=Threshold.DELTA, frequency=12, r_compat=True)
    found = farrington.detect(months, np.array([78, 79]), settings)
    np.testing.assert_allclose(found.bound, [[15.567768849367, 17.925304018043]], rtol=1e-9)
    with pytest.raises(ValueError, match="too few for 10 periods"):
        farrington.detect(months, np.array([79]), replace(settings, r_compat=False))


def test_a_seasonal_mean_of_one_case_in_two_years() -> None:
    """Away from its one case the mean goes towards zero, and is still a number; as by R."""
    weeks = np.zeros((1, 160))
    weeks[0, [39, 149]] = 1, 2
    settings = cusum.Cusum(seasonal=True)
    found = cusum.detect(weeks, np.arange(104, 160), settings)
    bounds = [0.0020965739023, 3.51535583514, 0.00209657390534]
    np.testing.assert_allclose(found.bound[0, 38:41], bounds, atol=1e-6)
    assert np.isfinite(found.expected).all()
    assert list(found.alarm[0].nonzero()[0]) == list(range(45, 56))


@pytest.mark.parametrize("size", [0.5, 40.0, 0.9e6, 1.1e6, 1e8])
@pytest.mark.parametrize("mean", [1.01e9, 1e11, 1e13])
def test_quantiles_of_large_means_are_near_the_exact_ones(size: float, mean: float) -> None:
    from scipy import stats

    p = size / (size + mean)
    near = distributions.nbinom_quantile(0.995, np.array([size]), np.array([p]))
    np.testing.assert_allclose(near, stats.nbinom.ppf(0.995, size, p), rtol=2e-6)
    near = distributions.poisson_quantile(0.995, np.array([mean]))
    np.testing.assert_allclose(near, stats.poisson.ppf(0.995, mean), rtol=1e-9)


@pytest.mark.parametrize("mean", [1e15, 1e17, 1e30, 1e210, 1e300])
def test_quantiles_of_no_size_end_the_process(mean: float) -> None:
    """SciPy's do, or never return; the bound of a model that ran away is such a mean."""
    for probability in (0.5, 1e-9):
        size = mean * probability
        found = distributions.nbinom_quantile(0.995, np.array([size]), np.array([probability]))
        assert found[0] == pytest.approx(mean * (1 - probability), rel=0.2)
    assert distributions.poisson_quantile(0.995, np.array([mean]))[0] == pytest.approx(mean)


def test_textbook_and_compatible_errors_differ() -> None:
    """The difference of which R's version is known, and which the module names."""
    counts = _counts(7, 20)
    settings = Farrington(periods=4, half_width=1, not_included=3, frequency=YEAR)
    textbook = farrington.detect(counts, TIMES, settings)
    compatible = farrington.detect(counts, TIMES, replace(settings, r_compat=True))
    np.testing.assert_allclose(textbook.expected, compatible.expected)
    assert (textbook.bound != compatible.bound).any()
