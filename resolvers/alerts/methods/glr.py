"""GLR: the generalised likelihood ratio of a rise, Poisson or negative binomial (Höhle and Paul
2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times

__all__ = ["Glr", "cases_to_alarm", "detect"]

_NEWTON = 60
_CLOSE = 1e-12


@dataclass(frozen=True, slots=True)
class Glr:
    """Alarms where the statistic reaches `limit`, and begins anew behind an alarm. Looks back at
    most `window` steps (None: to the last alarm), at least `shortest`.

    R's solver of the negative binomial runs away where far more came than was expected, and takes
    that beginning for no rise at all: it misses the clearest outbreaks. `r_compat` does the same,
    for comparisons.
    """

    limit: float = 5.0
    window: int | None = None
    shortest: int = 1
    r_compat: bool = False


def detect(
    counts: Counts, times: Times, settings: Glr, mean: Floats, dispersion: Floats | float = 0.0
) -> Detection:
    """`mean` (series, times) when nothing is unusual; the variance is mean + dispersion · mean².

    `times` must be consecutive. `bound` is the statistic's limit, `score` the statistic.
    """
    if np.all(np.asarray(dispersion) == 0):
        return _poisson(counts, times, settings, mean)
    observed = np.asarray(counts, dtype=float)[:, times]
    alpha = np.broadcast_to(np.asarray(dispersion, dtype=float), (observed.shape[0],))
    score = np.zeros(observed.shape)
    alarm = np.zeros(observed.shape, dtype=bool)
    begin = np.zeros(observed.shape[0], dtype=np.intp)
    for i in range(observed.shape[1]):
        for row in range(observed.shape[0]):
            first = int(begin[row])
            if settings.window is not None:
                first = max(first, i - settings.window)
            x, m = observed[row, first : i + 1], mean[row, first : i + 1]
            score[row, i] = _statistic(x, m, float(alpha[row]), settings)
            if score[row, i] >= settings.limit:
                alarm[row, i], begin[row] = True, i + 1
    bound = np.full(observed.shape, settings.limit)
    return Detection(observed, mean, bound, alarm, score, np.isfinite(observed))


def _poisson(counts: Counts, times: Times, settings: Glr, mean: Floats) -> Detection:
    """All series at once."""
    observed = counts[:, times].astype(float)
    score = np.zeros(observed.shape)
    alarm = np.zeros(observed.shape, dtype=bool)
    some = np.flatnonzero((observed > 0).any(axis=1))  # without a case nothing rises
    there = np.isfinite(observed[some])
    x = np.where(there, observed[some], 0)
    m = np.where(there, np.broadcast_to(mean, observed.shape)[some], 0)
    begin = np.zeros(len(some), dtype=np.intp)
    for i in range(len(times)):
        first = 0 if settings.window is None else max(0, i - settings.window)
        sums = np.cumsum(x[:, first : i + 1][:, ::-1], axis=1)
        means = np.cumsum(m[:, first : i + 1][:, ::-1], axis=1)
        starts = np.arange(i, first - 1, -1)
        possible = (starts >= begin[:, None]) & (starts <= i + 1 - settings.shortest)
        risen = (sums > means) & (means > 0) & possible
        ratios = np.zeros(sums.shape)
        sums, means = sums[risen], means[risen]
        ratios[risen] = sums * np.log(sums / means) - (sums - means)
        ratio = ratios.max(axis=1, initial=0.0)
        score[some, i] = ratio
        reached = ratio >= settings.limit
        alarm[some, i], begin[reached] = reached, i + 1
    bound = np.full(observed.shape, settings.limit)
    return Detection(observed, mean, bound, alarm, score, np.isfinite(observed))


def cases_to_alarm(
    counts: Counts, times: Times, settings: Glr, mean: Floats, alarm: NDArray[np.bool_]
) -> Floats:
    """The count at which each place would alarm, Poisson, given the alarms before: a number that
    need not be whole; shape (series, times)."""
    observed = np.asarray(counts, dtype=float)[:, times]
    found = np.zeros(observed.shape)
    begin = np.zeros(observed.shape[0], dtype=np.intp)
    for i in range(observed.shape[1]):
        for row in range(observed.shape[0]):
            first = int(begin[row])
            x, m = observed[row, first : i + 1].copy(), mean[row, first : i + 1]
            found[row, i] = _cases(x, m, settings)
            if alarm[row, i]:
                begin[row] = i + 1
    return found


def _cases(x: Floats, mean: Floats, settings: Glr) -> float:
    low, high = -1, 1
    while True:
        x[-1] = high
        if _statistic(x, mean, 0.0, settings) >= settings.limit:
            break
        low, high = high, high * 2
    while high - low > 1:
        x[-1] = middle = (low + high) // 2
        if _statistic(x, mean, 0.0, settings) >= settings.limit:
            high = middle
        else:
            low = middle
    return float(high)


def _statistic(x: Floats, mean: Floats, alpha: float, settings: Glr) -> float:
    """The largest log likelihood ratio over all beginnings of a rise that has not ended."""
    shortest = settings.shortest
    if len(x) < shortest:
        return 0.0
    if alpha and settings.r_compat:
        return _as_r_does(x, mean, alpha, len(x) - shortest + 1)
    sums, means = np.cumsum(x[::-1])[::-1], np.cumsum(mean[::-1])[::-1]
    n = len(x) - shortest + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.maximum(np.log(sums[:n] / means[:n]), 0)
    if alpha == 0:
        ratio = kappa * sums[:n] - (np.exp(kappa) - 1) * means[:n]
    else:
        ratio = _negative_binomial(x, mean, alpha, kappa, n)
    return float(np.max(ratio, where=np.isfinite(ratio), initial=0.0))


def _negative_binomial(x: Floats, mean: Floats, alpha: float, kappa: Floats, n: int) -> Floats:
    inside: NDArray[np.bool_] = np.arange(len(x))[None, :] >= np.arange(n)[:, None]
    for _ in range(_NEWTON):
        grown = alpha * mean[None, :] * np.exp(kappa)[:, None]
        share = grown / (1 + grown)
        slope = np.where(inside, x - (x + 1 / alpha) * share, 0).sum(axis=1)
        bend = np.where(inside, (x + 1 / alpha) * share * (1 - share), 0).sum(axis=1)
        step = slope / bend
        new = np.clip(kappa + np.clip(step, -1, 1), 0, None)
        if np.max(np.abs(new - kappa)) < _CLOSE:
            kappa = new
            break
        kappa = new
    ratio = kappa[:, None] * x + (x + 1 / alpha) * (
        np.log1p(alpha * mean) - np.log1p(alpha * mean * np.exp(kappa)[:, None])
    )
    result: Floats = np.where(inside, ratio, 0).sum(axis=1)
    return result


def _as_r_does(x: Floats, mean: Floats, alpha: float, n: int) -> float:
    """The statistic with undamped steps, each beginning's from the solution of the one before."""
    best, kappa = 0.0, 0.5
    with np.errstate(all="ignore"):
        for k in range(n):
            y, m = x[k:], mean[k:]
            old, new, steps = np.float64(0.4), np.float64(kappa), 0
            while new > -18 and abs(new - old) > 1e-6 and steps < 1000:
                steps, old = steps + 1, new
                grown = np.exp(old)
                over = 1 + alpha * grown * m
                score = ((y - grown * m) / over).sum()
                fisher = grown * (m * (alpha * y + 1) / over**2).sum()
                new = old + score / fisher
            kappa = float(new) if new > 0 else 0.0
            ratio = kappa * y + (y + 1 / alpha) * np.log(
                (1 + alpha * m) / (1 + alpha * m * np.exp(kappa))
            )
            total = float(ratio.sum())
            if total > best:
                best = total
    return best
