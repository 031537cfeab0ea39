"""OutbreakP: a constant level against one that never falls (Frisén et al. 2009)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times

__all__ = ["OutbreakP", "detect"]


@dataclass(frozen=True, slots=True)
class OutbreakP:
    """Alarms where the likelihood ratio exceeds `limit`; bounds are sought up to `most` cases."""

    limit: float = 100.0
    most: int = 100_000


def detect(counts: Counts, times: Times, settings: OutbreakP) -> Detection:
    """`bound` is the smallest count that alarms, NaN where none up to `most` does; `score` the
    ratio."""
    series = np.asarray(counts, dtype=float)
    shape = (series.shape[0], len(times))
    bound, score = np.full(shape, np.nan), np.full(shape, np.nan)
    for row in range(shape[0]):
        for i, time in enumerate(times):
            past = series[row, :time]
            score[row, i] = _ratio(past, series[row, time])
            bound[row, i] = _bound(past, int(series[row, time]), score[row, i], settings)
    alarm = score > settings.limit
    observed = series[:, times]
    expected = np.cumsum(series, axis=1)[:, times] / (times + 1)
    return Detection(observed, expected, bound, alarm, score, np.isfinite(score))


def _ratio(past: Floats, now: float) -> float:
    """The ratio, multiplied up in order: beyond the range of floats it is what they say."""
    x = np.append(past, now)
    mean = _mean(x)
    level = _rising(x)
    with np.errstate(all="ignore"):
        share = np.where((level == 0) & (mean == 0), 1.0, level / mean)
        return float(np.multiply.accumulate(share**x)[-1])


def _mean(x: Floats) -> float:
    mean = 0.0
    for i, value in enumerate(x, start=1):
        mean += (value - mean) / i
    return mean


def _rising(x: Floats) -> Floats:
    """The closest sequence that never falls: pooled adjacent violators."""
    means: list[float] = []
    sums: list[float] = []
    sizes: list[int] = []
    for value in x:
        total, size, mean = float(value), 1, float(value)
        while means and mean <= means[-1]:
            means.pop()
            total += sums.pop()
            size += sizes.pop()
            mean = total / size
        means.append(mean)
        sums.append(total)
        sizes.append(size)
    return np.repeat(means, sizes)


def _bound(past: Floats, now: int, score: float, settings: OutbreakP) -> float:
    if len(past) == 0 or np.isnan(score):
        return np.nan
    limit = settings.limit
    if score > limit:  # down to the last that still alarms
        low, high = -1, now
        while high - low > 1:
            middle = (low + high) // 2
            if _ratio(past, middle) > limit:
                high = middle
            else:
                low = middle
        return float(high) if high > 0 else np.nan
    step, low = 1, now
    while low < settings.most:
        high = min(low + step, settings.most)
        found = _ratio(past, high)
        if np.isnan(found) or found > limit:
            while high - low > 1:
                middle = (low + high) // 2
                between = _ratio(past, middle)
                if np.isnan(between) or between > limit:
                    high = middle
                else:
                    low = middle
            return float(high) if _ratio(past, high) > limit else np.nan
        low, step = high, step * 2
    return np.nan
