"""Farrington 1996 and Farrington Flexible (Noufaily et al. 2013).

Both fit a quasi-Poisson model to the same weeks of earlier years, give less weight to past
outbreaks by Anscombe residuals, keep a trend where it is plausible, and compare with a bound of the
prediction. The original is two-sided in alpha, Flexible one-sided.

R's `farringtonFlexible` puts its prior weights in the place of the working weights before it takes
standard errors, so they come from Σ ω ((y - μ)/μ)² / df and not from the dispersion. `r_compat`
does the same, for comparisons; the default is the textbook's. (Its bounds are wider for rare
diseases, narrower for common ones.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.blocks import Calendar, Past, blocks_of
from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times, reference
from resolvers.alerts.methods.distributions import student_tail
from resolvers.alerts.methods.regression import Design, Fit, fit
from resolvers.alerts.methods.thresholds import Threshold, bound_of

__all__ = ["Farrington", "detect"]

_ROWS = 128  # models fitted at once: as many as stay in the cache of a core


@dataclass(frozen=True, slots=True)
class Farrington:
    """Settings of both methods; the defaults are those of the improved one, as Noufaily advises.

    Up to `years` back with ±`half_width` steps each; the rest of the year in `periods` - 1 groups;
    the newest `not_included` steps left out; `limit` cases within `limit_steps` or no bound at all;
    `trend_alpha` the p-value up to which a trend is kept (1 keeps any), `weights` the Anscombe
    residual from which a value counts less (None: all count alike).
    """

    years: int = 5
    half_width: int = 3
    periods: int = 10
    not_included: int = 26
    weights: float | None = 2.58
    trend: bool = True
    trend_alpha: float = 1.0
    limit: tuple[int, int] = (5, 4)
    alpha: float = 0.005
    threshold: Threshold = Threshold.MUAN
    power: float = 2 / 3
    frequency: int = 52
    original: bool = False
    r_compat: bool = False

    @property
    def tail(self) -> float:
        """The one-sided error of the bound."""
        return self.alpha / 2 if self.original else self.alpha


def detect(
    counts: Counts, times: Times, settings: Farrington, calendar: Calendar | None = None
) -> Detection:
    """Bounds of each series at each time, by as many of the years as the series then has.

    `calendar` says on which days the steps begin; without one a year has `frequency` of them.
    Where fewer than `limit` cases came lately there is no bound and no alarm (`enough` False).
    """
    series = np.asarray(counts, dtype=float)
    shape = (series.shape[0], len(times))
    expected, bound = np.full(shape, np.nan), np.full(shape, np.nan)
    lately = reference(series, times, np.arange(1 - settings.limit[1], 1))
    enough = np.nansum(lately, axis=2) >= settings.limit[0]
    observed = series[:, times]
    usable = enough & np.isfinite(observed)
    for (past, _), at in _alike(times, settings, calendar).items():
        rows, columns = np.nonzero(usable[:, at])
        columns = at[columns]
        offsets, design = blocks_of(
            past,
            settings.half_width,
            settings.periods,
            settings.not_included,
            settings.trend,
            settings.r_compat,
        )
        if calendar is not None and not calendar.weekly and not settings.original:
            design = replace(design, time=calendar.spacing(int(times[at[0]]), offsets))
        for start in range(0, len(rows), _ROWS):
            pick = (rows[start : start + _ROWS], columns[start : start + _ROWS])
            places = times[pick[1]][:, None] + offsets[None, :]
            y = series[pick[0][:, None], places]
            expected[pick], bound[pick] = _judge(y, design, len(past), settings)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (observed - expected) / (bound - expected)
        enough &= np.isfinite(bound)
        alarm = enough & (observed > bound)
    return Detection(observed, expected, bound, alarm, score, enough)


def _alike(
    times: Times, settings: Farrington, calendar: Calendar | None
) -> dict[tuple[Past, int], NDArray[np.intp]]:
    """Positions in `times` by the places of the years before, one model's design for each; of steps
    of unequal length each time has its own."""
    found: dict[tuple[Past, int], list[int]] = {}
    for i, time in enumerate(times):
        if calendar is None:
            years = min((int(time) - settings.half_width) // settings.frequency, settings.years)
            past = tuple(year * settings.frequency for year in range(1, years + 1))
        else:
            past = calendar.past(int(time), settings.years)
            while past and past[-1] + settings.half_width > time:
                past = past[:-1]
        if past:
            steady = calendar is None or calendar.weekly or settings.original
            own = -1 if steady else int(time)
            found.setdefault((past, own), []).append(i)
    return {key: np.array(at) for key, at in found.items()}


def _judge(y: Floats, design: Design, years: int, settings: Farrington) -> tuple[Floats, Floats]:
    """What was expected, and the bound, of each row of reference values."""
    prior = np.isfinite(y).astype(float)
    y = np.nan_to_num(y)
    model, phi, scale = _model(y, prior, design, years, settings)
    with np.errstate(all="ignore"):
        eta, spread = model.predicted, np.sqrt(model.spread * scale)
        upper = bound_of(settings.threshold, eta, spread, phi, settings.tail, settings.power)
        mean = np.exp(eta)
    failed = ~model.converged
    return np.where(failed, np.nan, mean), np.where(failed, np.nan, upper)


def _model(
    y: Floats, prior: Floats, design: Design, years: int, settings: Farrington
) -> tuple[Fit, Floats, Floats]:
    """The final model of each row, its dispersion and the scale of its errors."""
    plain = design.without_trend()
    if not design.trend:
        return _weighted(y, prior, plain, settings)
    model, phi, scale = _weighted(y, prior, design, settings)
    with np.errstate(all="ignore"):
        statistic = model.slope / np.sqrt(model.slope_spread * _scale(y, model, settings))
        p = 2 * student_tail(model.freedom, -np.abs(statistic))
        largest = np.where(prior > 0, y, -np.inf).max(axis=1)
        keep = (years >= 3) & (p < settings.trend_alpha) & (np.exp(model.predicted) <= largest)
        keep &= model.converged
    drop = ~keep
    if drop.any():
        other, other_phi, other_scale = _weighted(y[drop], prior[drop], plain, settings)
        for name in ("predicted", "spread", "converged"):
            getattr(model, name)[drop] = getattr(other, name)
        phi[drop], scale[drop] = other_phi, other_scale
    return model, phi, scale


def _weighted(
    y: Floats, prior: Floats, design: Design, settings: Farrington
) -> tuple[Fit, Floats, Floats]:
    """The model with past outbreaks weighted down, its dispersion (≥ 1), its errors' scale."""
    model = fit(y, design, prior)
    converged = model.converged  # of the first; the weighted one is taken as it comes
    phi = np.maximum(_dispersion(y, model), 1)
    if settings.weights is not None:
        with np.errstate(all="ignore"):
            residual = 1.5 * (y ** (2 / 3) * model.mean ** (-1 / 6) - np.sqrt(model.mean))
            residual /= np.sqrt(phi[:, None] * (1 - model.leverage))
            large = residual > settings.weights
            weight = np.where(large, residual**-2.0, 1.0)
        n = (prior > 0).sum(axis=1)
        gamma = n / np.where(prior > 0, weight, 0).sum(axis=1)
        model = fit(y, design, prior * gamma[:, None] * weight)
        model.converged = converged
        phi = np.maximum(_dispersion(y, model), 1)
    scale = phi.copy() if settings.original else _scale(y, model, settings)
    return model, phi, scale


def _dispersion(y: Floats, model: Fit) -> Floats:
    """Σ w ((y - μ)/μ)² / df over the working weights of the last step."""
    with np.errstate(all="ignore"):
        parts = model.working * ((y - model.mean) / model.mean) ** 2
        result: Floats = np.where(model.prior > 0, parts, 0).sum(axis=1) / model.freedom
    return result


def _scale(y: Floats, model: Fit, settings: Farrington) -> Floats:
    """By what squared standard errors at dispersion 1 are multiplied."""
    if settings.r_compat and not settings.original and settings.weights is not None:
        with np.errstate(all="ignore"):
            parts = model.prior * ((y - model.mean) / model.mean) ** 2
            result: Floats = np.where(model.prior > 0, parts, 0).sum(axis=1) / model.freedom
        return result
    return _dispersion(y, model)
