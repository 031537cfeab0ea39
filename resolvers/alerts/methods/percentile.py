"""The moving percentile: the plan's own method (PLAN; requirements E1).

The sum of a window that ends today, against a percentile of the sums of the corresponding windows
of earlier years and some steps before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times, window_sums

__all__ = ["MovingPercentile", "detect", "detect_daily", "quantile"]


@dataclass(frozen=True, slots=True)
class MovingPercentile:
    """`years` back, `windows` of them each year, `shift` steps apart around the same place;
    `percentile` by R's quantile `kind` (1 to 9); `reach` alarms at ≥, else only at >; a count of
    zero never alarms. `width` steps are added up; `frequency` steps a year."""

    years: int = 3
    windows: int = 5
    shift: int = 1
    percentile: float = 50.0
    kind: int = 7
    reach: bool = True
    width: int = 1
    frequency: int = 52


def detect(counts: Counts, times: Times, settings: MovingPercentile) -> Detection:
    """By steps of equal number a year (weeks, months)."""
    side = (np.arange(settings.windows) - settings.windows // 2) * settings.shift
    offsets = np.concatenate(
        [side - year * settings.frequency for year in range(1, settings.years + 1)]
    )
    return _judge(counts, times, times[:, None] + offsets[None, :], settings)


def detect_daily(
    counts: Counts,
    times: Times,
    settings: MovingPercentile,
    days_before: Callable[[int, int], int],
) -> Detection:
    """By calendar days: `days_before(time, years)` is the position of the same day so many years
    before (of 29 February the 28th)."""
    side = (np.arange(settings.windows) - settings.windows // 2) * settings.shift
    at = np.array(
        [
            [
                days_before(int(time), year) + s
                for year in range(1, settings.years + 1)
                for s in side
            ]
            for time in times
        ],
        dtype=np.intp,
    ).reshape(len(times), settings.years * settings.windows)
    return _judge(counts, times, at, settings)


def _judge(
    counts: Counts, times: Times, at: NDArray[np.intp], settings: MovingPercentile
) -> Detection:
    values = window_sums(counts, at, settings.width)
    observed = window_sums(counts, times, settings.width)
    bound = quantile(values, settings.percentile / 100, settings.kind)
    enough = np.isfinite(bound) & np.isfinite(observed)
    with np.errstate(invalid="ignore", divide="ignore"):
        over = observed >= bound if settings.reach else observed > bound
        score = observed / bound
    expected = np.where(enough, values.mean(axis=2), np.nan)
    return Detection(observed, expected, bound, enough & over & (observed > 0), score, enough)


_SAME = {5: 0.5, 6: 0.0, 7: 1.0, 8: 1 / 3, 9: 3 / 8}


def quantile(values: Floats, p: float, kind: int = 7) -> Floats:
    """The quantile over the last axis as Hyndman and Fan number it; NaN where a value is missing.

    Raises ValueError for another kind than 1 to 9.
    """
    ordered = np.sort(values, axis=-1)  # NaN comes last
    n = ordered.shape[-1]
    missing = np.isnan(ordered[..., -1])
    if kind in (1, 2, 3):
        place = n * p - (0.5 if kind == 3 else 0.0)
        j = int(np.floor(place + 4 * np.finfo(float).eps))
        exact = abs(place - j) < 4 * np.finfo(float).eps * max(1.0, abs(place))
        if kind == 1:
            weight = 0.0 if exact else 1.0
        elif kind == 2:
            weight = 0.5 if exact else 1.0
        else:
            weight = 0.0 if exact and j % 2 == 0 else 1.0
    elif kind == 4 or kind in _SAME:
        a, b = (0.0, 1.0) if kind == 4 else (_SAME[kind], _SAME[kind])
        place = a + p * (n + 1 - a - b)
        fuzz = 4 * np.finfo(float).eps
        j = int(np.floor(place + fuzz))
        weight = place - j
        if abs(weight) < fuzz:
            weight = 0.0
    else:
        raise ValueError(f"quantile type {kind}: expected 1 to 9")
    low = ordered[..., min(max(j - 1, 0), n - 1)]
    high = ordered[..., min(max(j, 0), n - 1)]
    result: Floats = np.where(missing, np.nan, (1 - weight) * low + weight * high)
    return result
