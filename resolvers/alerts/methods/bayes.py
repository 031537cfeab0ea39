"""Bayes: a negative binomial prediction from the same weeks of other years (Höhle 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resolvers.alerts.methods.detection import (
    Counts,
    Detection,
    Times,
    alarming,
    reference,
    years_before,
)
from resolvers.alerts.methods.distributions import nbinom_quantile

__all__ = ["Bayes", "detect"]


@dataclass(frozen=True, slots=True)
class Bayes:
    """`years` back with ±`half_width` steps each, and the `half_width` steps of this year where
    `this_year`; `alpha` one-sided; `frequency` steps a year."""

    years: int = 0
    half_width: int = 6
    this_year: bool = True
    alpha: float = 0.05
    frequency: int = 52


def detect(counts: Counts, times: Times, settings: Bayes) -> Detection:
    """The (1 - alpha) quantile of what the next count is under a Jeffreys prior: size Σ + 1/2,
    probability n / (n + 1)."""
    offsets = years_before(settings.years, settings.half_width, settings.frequency)
    if settings.this_year:
        offsets = np.concatenate([np.arange(-settings.half_width, 0), offsets])
    values = reference(counts, times, offsets)
    n = np.isfinite(values).sum(axis=2)
    total = np.nansum(values, axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = nbinom_quantile(1 - settings.alpha, total + 0.5, n / (n + 1))
        expected = (total + 0.5) / n
    observed = counts[:, times].astype(float)
    enough = times >= settings.years * settings.frequency + settings.half_width
    return alarming(observed, expected, bound, enough[None, :] & (n > 0))
