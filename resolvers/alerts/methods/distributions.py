"""Quantiles and tails of distributions, by SciPy, which is imported at the first call: a gateway
that has no night to compute yet starts a second sooner.
"""

from __future__ import annotations

from typing import Any

__all__ = ["nbinom_quantile", "normal_quantile", "poisson_quantile", "student_tail"]


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

    return poisson.ppf(p, mean)


def nbinom_quantile(p: float, size: Any, probability: Any) -> Any:
    """The same of a negative binomial distribution: failures before `size` successes."""
    from scipy.stats import nbinom

    return nbinom.ppf(p, size, probability)
