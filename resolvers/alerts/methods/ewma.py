"""EWMA: an exponentially weighted mean with its exact variance (Roberts 1959; Lucas 1990)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resolvers.alerts.methods.detection import Counts, Detection, Times

__all__ = ["Ewma", "detect"]


@dataclass(frozen=True, slots=True)
class Ewma:
    """`weight` of the newest count; the limit stands `width` standard deviations above the mean of
    the first `training` steps."""

    weight: float = 0.2
    width: float = 2.5
    training: int = 104


def detect(counts: Counts, times: Times, settings: Ewma) -> Detection:
    """`observed` is the weighted mean, begun anew behind the training at its mean; `score` how many
    standard deviations it stands above."""
    series = np.asarray(counts, dtype=float)
    past = series[:, : settings.training]
    mean, spread = past.mean(axis=1), past.std(axis=1, ddof=1)
    shape = (series.shape[0], len(times))
    smoothed, bound = np.full(shape, np.nan), np.full(shape, np.nan)
    score = np.full(shape, np.nan)
    value, place = mean.copy(), {int(time): i for i, time in enumerate(times)}
    fade = 1 - settings.weight
    for step, at in enumerate(range(settings.training, series.shape[1]), start=1):
        present = np.isfinite(series[:, at])
        value = np.where(present, settings.weight * series[:, at] + fade * value, value)
        if (i := place.get(at)) is not None:
            sigma = spread * np.sqrt(
                settings.weight / (2 - settings.weight) * (1 - fade ** (2 * step))
            )
            smoothed[:, i], bound[:, i] = value, mean + settings.width * sigma
            with np.errstate(divide="ignore", invalid="ignore"):
                score[:, i] = (value - mean) / sigma
    enough = np.isfinite(bound)
    with np.errstate(invalid="ignore"):
        alarm = enough & (smoothed > bound)
    expected = np.broadcast_to(mean[:, None], shape)
    return Detection(smoothed, expected, bound, alarm, score, enough)
