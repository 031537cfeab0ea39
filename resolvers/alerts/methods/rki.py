"""RKI: the mean of the reference weeks, by an interval of the Poisson where it is small."""

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

__all__ = ["Rki", "detect"]

_SMALL = 20
_INTERVALS = """
3.285 5.323 6.686 8.102 9.598 11.177 12.817 13.765 14.921 16.768
17.633 19.05 20.335 21.364 22.945 23.762 25.4 26.306 27.735 28.966
30.017
"""
_POISSON = np.array([float(word) for word in _INTERVALS.split()])
"""Upper ends of 95 % intervals of a Poisson mean for 0 … 20 cases (Crow and Gardner 1959)."""


@dataclass(frozen=True, slots=True)
class Rki:
    """`years` back with ±`half_width` steps each, and the `half_width` steps of this year where
    `this_year`; `frequency` steps a year."""

    years: int = 2
    half_width: int = 4
    this_year: bool = False
    frequency: int = 52


def detect(counts: Counts, times: Times, settings: Rki) -> Detection:
    """Mean + 2 sd above 20 cases, else the end of the Poisson interval at the mean rounded down."""
    offsets = years_before(settings.years, settings.half_width, settings.frequency)
    if settings.this_year:
        offsets = np.concatenate([np.arange(-settings.half_width, 0), offsets])
    values = reference(counts, times, offsets)
    mean = values.mean(axis=2)
    spread = values.std(axis=2, ddof=1)
    enough = np.isfinite(mean)
    whole = np.clip(np.floor(np.where(enough, mean, 0)), 0, _SMALL).astype(int)
    bound = np.where(mean > _SMALL, mean + 2 * spread, _POISSON[whole])
    observed = counts[:, times].astype(float)
    return alarming(observed, mean, bound, enough)
