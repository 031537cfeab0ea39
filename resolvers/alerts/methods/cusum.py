"""CUSUM: a cumulative sum of transformed counts (Rossi et al. 1999; Rogerson and Yamada 2004)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times
from resolvers.alerts.methods.harmonic import seasonal_poisson

__all__ = ["Cusum", "Transform", "detect"]


class Transform(Enum):
    """How a count is brought to something near a standard normal."""

    STANDARD = "standard"
    ROSSI = "rossi"
    ANSCOMBE = "anscombe"
    PEARSON_NB = "pearsonNB"


@dataclass(frozen=True, slots=True)
class Cusum:
    """Reference value `k`, decision limit `limit`; the in-control mean is that of the steps before
    the first judged, or a seasonal Poisson model of them where `seasonal`. `dispersion` α of
    PEARSON_NB: the variance is μ + α μ². `first_period` is the season of the series' first step.
    """

    k: float = 1.04
    limit: float = 2.26
    transform: Transform = Transform.ROSSI
    seasonal: bool = False
    dispersion: float = 0.1
    frequency: int = 52
    first_period: int = 1


def detect(counts: Counts, times: Times, settings: Cusum) -> Detection:
    """Alarms at ≥ the limit, and does not begin anew after an alarm; `score` is the sum.

    `times` must be consecutive: a sum knows no gaps. `bound` is the count at which it would alarm.
    """
    first = int(times[0])
    series = np.asarray(counts, dtype=float)
    shape = (series.shape[0], len(times))
    if first == 0:
        nothing = np.full(shape, np.nan)
        none = np.zeros(shape, dtype=bool)
        return Detection(series[:, times], nothing, nothing, none, nothing, none)
    if settings.seasonal:
        mean = seasonal_poisson(series[:, :first], times, settings.frequency, settings.first_period)
    else:
        mean = np.broadcast_to(np.nanmean(series[:, :first], axis=1)[:, None], shape)
    observed = series[:, times]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(mean > 0, _standardised(observed, mean, settings) - settings.k, 0)
        total, before = np.zeros(shape), np.zeros(shape)
        current = np.zeros(shape[0])
        for i in range(shape[1]):
            before[:, i] = current
            current = np.maximum(0, current + np.nan_to_num(steps[:, i], nan=0.0))
            total[:, i] = current
        bound = _bound(mean, settings.limit + settings.k - before, settings)
    enough = np.isfinite(observed) & (mean > 0)
    bound = np.where(np.isnan(bound), 0, np.maximum(bound, 0))
    alarm = enough & (total >= settings.limit)
    return Detection(observed, mean, bound, alarm, total, enough)


def _standardised(x: Floats, m: Floats, settings: Cusum) -> Any:
    if settings.transform is Transform.STANDARD:
        return (x - m) / np.sqrt(m)
    if settings.transform is Transform.ROSSI:
        return (x - 3 * m + 2 * np.sqrt(x * m)) / (2 * np.sqrt(m))
    if settings.transform is Transform.ANSCOMBE:
        return 1.5 * (x ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6)
    return (x - m) / np.sqrt(m + settings.dispersion * m**2)


def _bound(m: Floats, room: Floats, settings: Cusum) -> Any:
    """The count at which the transformed value reaches `room`."""
    root = np.sqrt(m)
    if settings.transform is Transform.STANDARD:
        return np.ceil(root * room + m)
    if settings.transform is Transform.ROSSI:
        return 2 * root * room + 5 * m - 2 * np.sqrt(4 * m**2 + 2 * m**1.5 * room)
    if settings.transform is Transform.ANSCOMBE:
        base = (2 / 3) * m ** (1 / 6) * room + m ** (2 / 3)
        return np.where(base < 0, 0, np.abs(base) ** 1.5)
    return np.sqrt(m + settings.dispersion * m**2) * room + m
