"""GLR by days: the cases of the last one to seven days against what is usual of these days.

Usual is the mean of the days around the same day in earlier years, at the level this year has had
lately, and by the days of the week. The likelihood ratio of a rise is divided by the variance for
its mean, as for a quasi-Poisson model, so cases that come in families count less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times, window_sums

__all__ = ["DailyGlr", "detect", "history"]

_WEEK = 7
_YEAR = 365.25
_WEEKS = 52  # of which the days of the week are taken
_HALF_A_CASE = 0.5  # in all days that usual is the mean of: cases can be anywhere
_NEWTON = 40


@dataclass(frozen=True, slots=True)
class DailyGlr:
    """Alarms on a day with a case, where the log likelihood ratio of a rise over its last `window`
    days or fewer reaches `limit`.

    `years` back with ±`half_width` days each; this year's level by `recent` days up to a week ago.
    `prior` cases hold that level, and the days of the week, to what is usual everywhere: a county
    with few cases tells little. `dispersion` δ: the count of a week has variance μ + δ μ².
    """

    limit: float = 4.0
    window: int = 7
    dispersion: float = 0.25
    years: int = 3
    half_width: int = 28
    recent: int = 28
    prior: float = 5.0


def history(settings: DailyGlr) -> int:
    """How many days before the one judged are looked at."""
    this_year = settings.window - 1 + _WEEK + settings.recent - 1
    return this_year + round(settings.years * _YEAR) + settings.half_width


def detect(counts: Counts, times: Times, settings: DailyGlr) -> Detection:
    """Of each time its strongest window: the cases in it, what was expected, and from how many
    cases on it alarms; `score` is the log likelihood ratio."""
    series = np.asarray(counts, dtype=float)
    days = np.arange(int(times[0]) - settings.window + 1, int(times[-1]) + 1, dtype=np.intp)
    mean = _usual(series, days, settings)
    at = times - days[0]
    shape = (len(series), len(times))
    observed, expected = np.zeros(shape), np.zeros(shape)
    spread, score = np.ones(shape), np.full(shape, -1.0)
    cases = window_sums(series, days, 1)
    for width in range(1, settings.window + 1):
        seen, usual = (window_sums(x, at, width) for x in (cases, mean))
        wide = 1 + settings.dispersion * _WEEK * usual / width
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (seen * np.log(np.where(seen > 0, seen / usual, 1)) - (seen - usual)) / wide
        ratio = np.where(seen > usual, ratio, np.where(np.isnan(seen + usual), np.nan, 0.0))
        better = ~(ratio <= score)  # a missing day is missing in all longer windows, too
        for into, value in ((observed, seen), (expected, usual), (spread, wide), (score, ratio)):
            into[better] = value[better]
    enough = np.isfinite(score)
    today = cases[:, at]
    with np.errstate(invalid="ignore"):
        alarm = enough & (today > 0) & (score >= settings.limit)
    bound = _reaching(settings.limit * spread, expected)
    blank = np.where(enough, bound, np.nan)
    return Detection(np.where(enough, observed, today), expected, blank, alarm, score, enough)


def _usual(series: Floats, days: NDArray[np.intp], settings: DailyGlr) -> Floats:
    """What is expected of each day, (series, days); NaN where the history does not suffice."""
    begin = int(days[0]) - _WEEK - settings.recent + 1
    every = np.arange(begin, int(days[-1]) + 1, dtype=np.intp)
    width = 2 * settings.half_width + 1
    sums = np.full((len(series), len(every)), _HALF_A_CASE)
    for year in range(1, settings.years + 1):
        sums += window_sums(series, every - round(year * _YEAR) + settings.half_width, width)
    over = settings.years * width
    lately = window_sums(series, days - _WEEK, settings.recent)
    before = window_sums(sums, days - _WEEK - begin, settings.recent) / over
    level = (lately + settings.prior) / (before + settings.prior)
    whole = window_sums(series, days - _WEEK, _WEEKS * _WEEK) / _WEEK
    alike = _same_day_of_the_week(series, days)
    found: Floats = (
        sums[:, days - begin] / over * level * (alike + settings.prior) / (whole + settings.prior)
    )
    return found


def _same_day_of_the_week(series: Floats, days: NDArray[np.intp]) -> Floats:
    """The cases of 52 days of the same day of the week, the last a week ago."""
    found = np.zeros((len(series), len(days)))
    for week in range(1, _WEEKS + 1):
        found += window_sums(series, days - week * _WEEK, 1)
    return found


def _reaching(wanted: Floats, mean: Floats) -> Floats:
    """The cases y > μ with y log(y/μ) - (y - μ) as wanted, by Newton's steps from above."""
    with np.errstate(divide="ignore", invalid="ignore"):
        target = wanted / mean
        x = np.e + target
        for _ in range(_NEWTON):
            x = x - (x * np.log(x) - x + 1 - target) / np.log(x)
        found: Floats = x * mean
    return found
