"""Bounds of a prediction from a quasi-Poisson model."""

from __future__ import annotations

from enum import Enum

import numpy as np

from resolvers.alerts.methods.detection import Floats
from resolvers.alerts.methods.distributions import (
    nbinom_quantile,
    normal_quantile,
    poisson_quantile,
)

__all__ = ["Threshold", "bound_of"]


class Threshold(Enum):
    """DELTA: a power of the count taken as normal. NB_PLUGIN: the quantile of a negative binomial
    at the predicted mean. MUAN: the same at the upper limit of the mean."""

    DELTA = "delta"
    NB_PLUGIN = "nbPlugin"
    MUAN = "muan"


def bound_of(
    threshold: Threshold, eta: Floats, spread: Floats, phi: Floats, tail: float, power: float
) -> Floats:
    """The upper bound from the logarithm of the mean, its standard error and the dispersion."""
    z = normal_quantile(1 - tail)
    if threshold is Threshold.DELTA:
        mean = np.exp(eta)
        tau = phi + mean * spread**2  # the error of the mean is its logarithm's times the mean
        deviation = power * np.sqrt(mean ** (2 * power - 1) * tau)
        high = (mean**power + z * deviation) ** (1 / power)
        low = (mean**power - z * deviation) ** (1 / power)
        return np.fmax(high, low)
    mean = np.exp(eta + (z * spread if threshold is Threshold.MUAN else 0))
    finite = np.isfinite(mean)
    mean = np.where(finite, mean, 1.0)
    over = phi > 1
    size = mean / np.where(over, phi - 1, 1.0)
    bound = np.where(
        over,
        nbinom_quantile(1 - tail, size, 1 / np.where(over, phi, 2.0)),
        poisson_quantile(1 - tail, mean),
    )
    return np.where(finite, bound, np.nan)
