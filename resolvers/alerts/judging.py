"""Methods over daily counts: what each says of many series at some days.

Counts are by days of report, shape (series, days), NaN where a day is missing. Methods of weeks
look at weeks that end on the day judged, so that each day has an answer of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods import Counts, Detection, Times
from resolvers.alerts.methods import bayes as bayes_method
from resolvers.alerts.methods import cusum as cusum_method
from resolvers.alerts.methods import daily_glr as glr_method
from resolvers.alerts.methods import ears as ears_method
from resolvers.alerts.methods import ewma as ewma_method
from resolvers.alerts.methods import farrington as farrington_method
from resolvers.alerts.methods import historical as historical_method
from resolvers.alerts.methods import outbreak_p as outbreak_p_method
from resolvers.alerts.methods import percentile as percentile_method
from resolvers.alerts.methods import rki as rki_method
from resolvers.alerts.methods.blocks import Calendar
from resolvers.alerts.methods.thresholds import Threshold
from schema.alerts import DetectionMethod as Method

__all__ = ["SERIES_METHODS", "history_days", "judge"]

Values = Mapping[str, Any]

_WEEK = 7
_YEAR_OF_WEEKS = 52
_LONGEST_YEAR = 366


def judge(
    method: Method, values: Values, counts: Counts, first: int, at: Sequence[int]
) -> Detection:
    """What a method says at the days of the positions `at`, ascending; `first` is the ordinal of
    the first day (`date.toordinal`), `values` are every parameter (`parameters.checked`).
    """
    times = np.asarray(at, dtype=np.intp)
    if method is Method.MOVING_PERCENTILE:
        return _percentile(values, counts, first, times)
    if method is Method.GLR:
        return glr_method.detect(counts, times, glr_method.DailyGlr(**values))
    run = _STEPPED[method]
    if values.get("step", "WEEK") == "DAY":
        days = np.arange(first, first + counts.shape[1], dtype=np.intp)
        return _by_steps(run, values, np.asarray(counts, dtype=float), days, times)
    return _by_weeks(run, values, counts, first, times)


def history_days(method: Method, values: Values) -> int:
    """How many days before the one judged the method looks at."""
    length = 1 if values.get("step", "WEEK") == "DAY" else _WEEK
    if method is Method.MOVING_PERCENTILE:
        side = values["windows"] // 2 * values["shift"]
        days: int = values["years"] * _LONGEST_YEAR + side + values["width"]
        return days
    if method is Method.GLR:
        return glr_method.history(glr_method.DailyGlr(**values))
    steps = values.get("training", 0) + values.get("run", 0) + values.get("baseline", 0) + 5
    if "years" in values:
        beside = max(
            values.get("width", 0), values.get("half_width", 0), 4 * values.get("months", 0)
        )
        steps = values["years"] * (_YEAR_OF_WEEKS + 1) + beside + 5
    return int(steps * length)


def _percentile(values: Values, counts: Counts, first: int, times: Times) -> Detection:
    def days_before(time: int, years: int) -> int:
        return _years_before(date.fromordinal(first + time), years).toordinal() - first

    settings = percentile_method.MovingPercentile(**values)
    return percentile_method.detect_daily(counts, times, settings, days_before)


def _years_before(day: date, years: int) -> date:
    if day.year <= years:
        return date.min
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - years)


Stepped = Callable[[Values, Counts, NDArray[np.intp], Times], Detection]
"""A method over steps: parameters, counts, the days on which steps begin, positions judged."""


def _by_weeks(run: Stepped, values: Values, counts: Counts, first: int, times: Times) -> Detection:
    """Over weeks that end on the day judged: the days that end weeks of one set are judged at
    once."""
    parts: dict[int, NDArray[np.intp]] = {
        phase: np.nonzero((times + 1) % _WEEK == phase)[0] for phase in range(_WEEK)
    }
    series = np.asarray(counts, dtype=float)
    shape = (series.shape[0], len(times))
    made = {field.name: np.full(shape, np.nan) for field in fields(Detection)}
    alarm, enough = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for phase, which in parts.items():
        weeks = (series.shape[1] - phase) // _WEEK
        if not len(which) or not weeks:
            continue
        whole = series[:, phase : phase + weeks * _WEEK].reshape(shape[0], weeks, _WEEK)
        sums = whole.sum(axis=2)
        begin = first + phase + _WEEK * np.arange(weeks, dtype=np.intp)
        places = (times[which] + 1 - phase) // _WEEK - 1
        known = places >= 0
        found = _by_steps(run, values, sums, begin, places[known].astype(np.intp))
        into = which[known]
        for name in ("observed", "expected", "bound", "score"):
            made[name][:, into] = getattr(found, name)
        alarm[:, into], enough[:, into] = found.alarm, found.enough
    return Detection(
        made["observed"], made["expected"], made["bound"], alarm, made["score"], enough
    )


def _by_steps(
    run: Stepped, values: Values, counts: Counts, begin: NDArray[np.intp], times: Times
) -> Detection:
    """What a method says; where nothing was observed it never alarms [D]."""
    found = run(values, counts, begin, times)
    with np.errstate(invalid="ignore"):
        something = np.asarray(counts, dtype=float)[:, times] > 0
    return Detection(
        found.observed,
        found.expected,
        found.bound,
        found.alarm & found.enough & something,
        found.score,
        found.enough,
    )


def _ears(name: str) -> Stepped:
    def run(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
        settings = ears_method.Ears(name, values["baseline"], values["min_sigma"], values["alpha"])
        return ears_method.detect(counts, times, settings)

    return run


def _historical(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
    settings = historical_method.HistoricalLimits(
        values["years"], values["months"], values["alpha"], _YEAR_OF_WEEKS
    )
    return historical_method.detect(counts, times, settings)


def _rki(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
    settings = rki_method.Rki(values["years"], values["width"], values["this_year"], _YEAR_OF_WEEKS)
    return rki_method.detect(counts, times, settings)


def _bayes(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
    settings = bayes_method.Bayes(
        values["years"], values["width"], values["this_year"], values["alpha"], _YEAR_OF_WEEKS
    )
    return bayes_method.detect(counts, times, settings)


def _farrington(values: Values, counts: Counts, begin: NDArray[np.intp], times: Times) -> Detection:
    flexible = "periods" in values
    settings = farrington_method.Farrington(
        years=values["years"],
        half_width=values["half_width"],
        periods=values["periods"] if flexible else 1,
        not_included=values["not_included"],
        weights=values["weights"],
        trend=values["trend"],
        trend_alpha=values["trend_alpha"],
        limit=(values["limit_cases"], values["limit_weeks"]),
        alpha=values["alpha"],
        threshold=Threshold(values["threshold"]) if flexible else Threshold.DELTA,
        power=values["power"],
        frequency=_YEAR_OF_WEEKS,
        original=not flexible,
    )
    return farrington_method.detect(counts, times, settings, Calendar(begin))


def _run(
    values: Values, counts: Counts, times: Times, one: Callable[[Counts, int], Detection]
) -> Detection:
    """Methods with a memory: for each time judged they run anew over `run` steps that end there,
    so that an answer never depends on which other days were asked for. `one` is given counts and
    how many of their steps are training.
    """
    series = np.asarray(counts, dtype=float)
    shape = (series.shape[0], len(times))
    made = [np.full(shape, np.nan) for _ in range(4)]
    alarm, enough = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for i, time in enumerate(times):
        training, steps = values.get("training", 0), values["run"]
        start = int(time) + 1 - steps - training
        if start < 0:
            made[0][:, i] = series[:, time]
            continue
        made[0][:, i] = series[:, time]
        part = series[:, start : int(time) + 1]
        whole = np.nonzero(np.isfinite(part).all(axis=1))[0]
        if not len(whole):
            continue
        found = one(part[whole], training)
        for into, told in zip(
            made, (found.observed, found.expected, found.bound, found.score), strict=True
        ):
            into[whole, i] = told[:, -1]
        alarm[whole, i], enough[whole, i] = found.alarm[:, -1], found.enough[:, -1]
    return Detection(made[0], made[1], made[2], alarm, made[3], enough)


def _cusum(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
    settings = cusum_method.Cusum(
        values["k"],
        values["limit"],
        cusum_method.Transform(values["transform"]),
        values["seasonal"],
        values["dispersion"],
        365 if values["step"] == "DAY" else _YEAR_OF_WEEKS,
    )

    def one(part: Counts, training: int) -> Detection:
        judged = np.arange(training, part.shape[1], dtype=np.intp)
        return cusum_method.detect(part, judged, settings)

    return _run(values, counts, times, one)


def _ewma(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
    def one(part: Counts, training: int) -> Detection:
        settings = ewma_method.Ewma(values["weight"], values["sigmas"], training)
        return ewma_method.detect(part, np.array([part.shape[1] - 1], dtype=np.intp), settings)

    return _run(values, counts, times, one)


def _outbreak_p(values: Values, counts: Counts, _: NDArray[np.intp], times: Times) -> Detection:
    settings = outbreak_p_method.OutbreakP(values["limit"])

    def one(part: Counts, _: int) -> Detection:
        last = np.array([part.shape[1] - 1], dtype=np.intp)
        found = outbreak_p_method.detect(np.nan_to_num(part), last, settings)
        return replace(found, enough=~np.isnan(found.score))  # beyond all numbers is an answer

    return _run(values, counts, times, one)


_STEPPED: Mapping[Method, Stepped] = {
    Method.EARS_C1: _ears("C1"),
    Method.EARS_C2: _ears("C2"),
    Method.EARS_C3: _ears("C3"),
    Method.HISTORICAL_LIMITS: _historical,
    Method.RKI: _rki,
    Method.BAYES: _bayes,
    Method.CUSUM: _cusum,
    Method.EWMA: _ewma,
    Method.FARRINGTON: _farrington,
    Method.FARRINGTON_FLEXIBLE: _farrington,
    Method.OUTBREAK_P: _outbreak_p,
}

SERIES_METHODS = frozenset({Method.MOVING_PERCENTILE, Method.GLR, *_STEPPED})
"""Methods that look at the counts of each county by itself."""
