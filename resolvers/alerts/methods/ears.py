"""EARS C1, C2 and C3: a short moving baseline (Hutwagner et al. 2003; Fricker et al. 2008)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resolvers.alerts.methods.detection import (
    Counts,
    Detection,
    Floats,
    Times,
    alarming,
    reference,
)
from resolvers.alerts.methods.distributions import normal_quantile

__all__ = ["Ears", "detect"]

_GAP = 2  # steps between the baseline of C2 and the day judged
_LAGS = 2  # days before that C3 adds


@dataclass(frozen=True, slots=True)
class Ears:
    """`method` C1, C2 or C3; `baseline` steps; the standard deviation is at least `min_sigma`;
    `alpha` one-sided (.001 for C1 and C2, .025 for C3 unless given)."""

    method: str = "C1"
    baseline: int = 7
    min_sigma: float = 0.0
    alpha: float | None = None

    @property
    def lag(self) -> int:
        """Steps of history the method needs."""
        gap = {"C1": 0, "C2": _GAP, "C3": _GAP + _LAGS}[self.method]
        return self.baseline + gap


def detect(counts: Counts, times: Times, settings: Ears) -> Detection:
    """The bound mean + z·sd of the baseline; C3's falls by what C2 exceeded on the two days before.

    C3's bound moves along with the count itself, as in R: it tells of the days before, not of this.
    Where C3's baseline does not vary and `min_sigma` is 0 its bound is undefined: not enough.
    """
    alpha = settings.alpha or (0.025 if settings.method == "C3" else 0.001)
    z = normal_quantile(1 - alpha)
    observed = counts[:, times].astype(float)
    enough = np.broadcast_to(times >= settings.lag, observed.shape)
    mean, sigma = _baseline(counts, times, settings, 0 if settings.method == "C1" else _GAP)
    if settings.method != "C3":
        return alarming(observed, mean, mean + z * sigma, enough & np.isfinite(mean))
    excess = np.zeros_like(observed)
    for lag in range(1, _LAGS + 1):
        earlier = times - lag
        before, spread = _baseline(counts, earlier, settings, _GAP)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = (counts[:, np.maximum(earlier, 0)] - before) / spread
        excess += np.maximum(statistic - 1, 0)
    with np.errstate(invalid="ignore"):
        bound = np.maximum(observed + sigma * (z - excess), 0)
    return alarming(observed, mean, bound, enough & np.isfinite(bound))


def _baseline(counts: Counts, times: Times, settings: Ears, gap: int) -> tuple[Floats, Floats]:
    offsets = np.arange(-settings.baseline - gap, -gap)
    values = reference(counts, times, offsets)
    return values.mean(axis=2), np.maximum(values.std(axis=2, ddof=1), settings.min_sigma)
