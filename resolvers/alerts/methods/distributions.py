"""Quantiles and tails of distributions, by SciPy, which is imported at the first call: a gateway
that has no night to compute yet starts a second sooner.

From means of 10¹⁵ on SciPy's quantiles of counts do not return, or end the process: a model that
runs away on a series of hardly a case gets there. Beyond `_LARGE` they are approximated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["nbinom_quantile", "normal_quantile", "poisson_quantile", "student_tail"]

_LARGE = 1e9  # of a mean; from here on the approximations are good to a millionth
_EVEN = 1e6  # of a size: below, a negative binomial of a large mean is a gamma


def normal_quantile(p: float) -> float:
    """The value below which a share `p` of the standard normal distribution lies."""
    from scipy.special import ndtri

    return float(ndtri(p))


def student_tail(freedom: Any, t: Any) -> Any:
    """The share of Student's distribution with `freedom` degrees of freedom below `t`."""
    from scipy.special import stdtr

    return stdtr(freedom, t)


def poisson_quantile(p: float, mean: Any) -> Any:
    """The least count at or below which a share `p` of a Poisson distribution lies."""
    from scipy.stats import poisson

    mean = np.asarray(mean, dtype=float)
    large = mean > _LARGE
    skewed = _skewed(p, mean, np.sqrt(mean), 1 / np.sqrt(np.where(large, mean, 1.0)))
    return np.where(large, skewed, poisson.ppf(p, np.where(large, 1.0, mean)))


def nbinom_quantile(p: float, size: Any, probability: Any) -> Any:
    """The same of a negative binomial distribution: failures before `size` successes."""
    from scipy.special import gammaincinv
    from scipy.stats import nbinom

    size, probability = np.broadcast_arrays(
        np.asarray(size, dtype=float), np.asarray(probability, dtype=float)
    )
    with np.errstate(all="ignore"):
        mean = size * (1 - probability) / probability
        large = mean > _LARGE
        skew = (2 - probability) / np.sqrt(size * (1 - probability))
        even = _skewed(p, mean, np.sqrt(mean) / np.sqrt(probability), skew)
        uneven = gammaincinv(np.where(large, size, 1.0), p) * (mean / size)
    found = np.where(size > _EVEN, even, uneven)
    usual = nbinom.ppf(p, np.where(large, 1.0, size), np.where(large, 0.5, probability))
    return np.where(large, found, usual)


def _skewed(p: float, mean: Any, spread: Any, skew: Any) -> Any:
    """The quantile of something nearly normal (Cornish and Fisher 1938)."""
    z = normal_quantile(p)
    return mean + spread * (z + skew * (z**2 - 1) / 6)
