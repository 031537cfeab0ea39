"""Historical limits: four steps against the four-step sums of other years (Stroup et al. 1989)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resolvers.alerts.methods.detection import Counts, Detection, Times, alarming, window_sums
from resolvers.alerts.methods.distributions import normal_quantile

__all__ = ["HistoricalLimits", "detect"]

_SUM = 4  # steps added up: a month of weeks


@dataclass(frozen=True, slots=True)
class HistoricalLimits:
    """`years` back, each with the sum of the same four steps and of `months` before and after;
    `alpha` two-sided; `frequency` steps a year."""

    years: int = 5
    months: int = 1
    alpha: float = 0.025
    frequency: int = 52


def detect(counts: Counts, times: Times, settings: HistoricalLimits) -> Detection:
    """The bound mean + z(1 - alpha/2) · sd · √(1 + 1/n) of the n sums; `observed` is the sum."""
    centres = np.arange(-settings.months, settings.months + 1) * _SUM
    ends = np.concatenate(
        [centres - year * settings.frequency for year in range(settings.years, 0, -1)]
    )
    values = window_sums(counts, times[:, None] + ends[None, :], _SUM)
    n = values.shape[2]
    mean = values.mean(axis=2)
    spread = values.std(axis=2, ddof=1)
    bound = mean + normal_quantile(1 - settings.alpha / 2) * spread * np.sqrt(1 + 1 / n)
    return alarming(window_sums(counts, times, _SUM), mean, bound, np.isfinite(mean))
