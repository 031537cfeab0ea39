"""Single case: of some diseases one case is a signal (PLAN; requirements E3, E4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resolvers.alerts.methods.detection import Counts, Detection, Times

__all__ = ["SingleCase", "detect"]


@dataclass(frozen=True, slots=True)
class SingleCase:
    """Alarms at `least` cases of a step."""

    least: int = 1


def detect(counts: Counts, times: Times, settings: SingleCase) -> Detection:
    """`bound` is the number that alarms, `score` how many times it was reached; no case is
    expected. There is enough history wherever there is a count."""
    observed = np.asarray(counts)[:, times].astype(float)
    enough = np.isfinite(observed)
    bound = np.where(enough, float(settings.least), np.nan)
    with np.errstate(invalid="ignore"):
        alarm = enough & (observed >= settings.least)
    expected = np.where(enough, 0.0, np.nan)
    return Detection(observed, expected, bound, alarm, observed / settings.least, enough)
