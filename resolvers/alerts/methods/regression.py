"""The regression of the Farrington methods: log-linear quasi-Poisson models of many rows at once.

Rows are independent models over one design: an intercept for each group of reference times and, if
wanted, a common slope over time. The normal equations of such a model are an arrow, solved in
closed form, so a step costs a few passes over the rows and no matrix is ever made.

Steps begin at counts + 0.1 and end at a relative change of the deviance below 1e-8, and the working
weights kept are those the last step began with, as R's glm.fit does: that is what the reference
results were made with, and a solver that goes on to the exact optimum differs from them by 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Floats

__all__ = ["Design", "Fit", "fit"]

_STEPS = 25
_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Design:
    """`time` (n) of the reference values, counted from the time judged; `member` (n, groups) says
    with ones which group each is of; the time judged is of the last group."""

    time: Floats
    member: Floats
    trend: bool

    def without_trend(self) -> Design:
        """The same without a slope."""
        return Design(self.time, self.member, False)

    @property
    def columns(self) -> int:
        """How many coefficients a model has."""
        return int(self.member.shape[1]) + self.trend


@dataclass(slots=True)
class Fit:
    """A fitted model a row. `spread` of the prediction and `slope_spread` of the slope are squared
    standard errors at dispersion 1; `working` the weights they come from."""

    mean: Floats  # (rows, n)
    working: Floats  # (rows, n)
    prior: Floats  # (rows, n)
    predicted: Floats  # log of the mean at the time judged
    spread: Floats
    slope: Floats
    slope_spread: Floats
    leverage: Floats  # (rows, n)
    converged: NDArray[np.bool_]
    freedom: Floats  # degrees of freedom left


def fit(y: Floats, design: Design, prior: Floats) -> Fit:
    """Fits a model to each row of `y` (rows, n) with prior weights (0 leaves a value out)."""
    rows = y.shape[0]
    mu = y + 0.1
    eta = np.log(mu)
    old = np.full(rows, np.inf)
    going = np.ones(rows, dtype=bool)
    levels = np.zeros((rows, design.member.shape[1]))
    slope = np.zeros(rows)
    working = prior * mu
    sums = _Sums(working, design)
    with np.errstate(all="ignore"):
        log_y = np.log(np.where(y > 0, y, 1.0))
        for _ in range(_STEPS):
            live = slice(None) if going.all() else np.flatnonzero(going)
            w = prior[live] * mu[live]
            z = eta[live] + (y[live] - mu[live]) / mu[live]
            part = _Sums(w, design)
            levels[live], slope[live] = part.solve(w * z)
            working[live] = w
            sums.put(live, part)
            at = levels[live] @ design.member.T
            if design.trend:
                at += slope[live][:, None] * design.time
            eta[live], mu[live] = at, np.exp(at)
            deviance = _deviance(y[live], log_y[live], at, mu[live], prior[live])
            done = np.abs(deviance - old[live]) / (np.abs(deviance) + 0.1) < _TOLERANCE
            old[live] = deviance
            going[live] = ~done & np.isfinite(deviance)
            if not going.any():
                break
        converged = ~going & np.isfinite(old)
        freedom = (prior > 0).sum(axis=1) - float(design.columns)
        spread, slope_spread, leverage = sums.inverse(working)
    return Fit(
        mu, working, prior, levels[:, -1], spread, slope, slope_spread, leverage, converged, freedom
    )


def _deviance(y: Floats, log_y: Floats, eta: Floats, mu: Floats, prior: Floats) -> Floats:
    parts = y * (log_y - eta) - (y - mu)
    result: Floats = 2 * (prior * parts).sum(axis=1)
    return result


class _Sums:
    """The sums that the normal equations are made of, (rows, groups) or (rows)."""

    __slots__ = ("design", "s", "st", "stt")

    def __init__(self, w: Floats, design: Design) -> None:
        self.design = design
        self.s = w @ design.member
        if design.trend:
            self.st = w @ (design.member * design.time[:, None])
            self.stt = w @ design.time**2
        else:
            self.st = np.zeros_like(self.s)
            self.stt = np.zeros(len(w))

    def put(self, rows: slice | NDArray[np.intp], part: _Sums) -> None:
        self.s[rows], self.st[rows], self.stt[rows] = part.s, part.st, part.stt

    def solve(self, wz: Floats) -> tuple[Floats, Floats]:
        sz = wz @ self.design.member
        slope = np.zeros(len(wz))
        if self.design.trend:
            stz = wz @ self.design.time
            rest = self.stt - (self.st**2 / self.s).sum(axis=1)
            slope = (stz - (self.st * sz / self.s).sum(axis=1)) / rest
        return (sz - slope[:, None] * self.st) / self.s, slope

    def inverse(self, working: Floats) -> tuple[Floats, Floats, Floats]:
        """Squared errors of the prediction and of the slope, and the leverage of each value."""
        member, time = self.design.member, self.design.time
        each = (1 / self.s) @ member.T
        if not self.design.trend:
            return 1 / self.s[:, -1], np.full(len(self.s), np.nan), working * each
        centre = self.st / self.s
        rest = self.stt - (self.st * centre).sum(axis=1)
        off = time[None, :] - centre @ member.T
        leverage = working * (each + off**2 / rest[:, None])
        return 1 / self.s[:, -1] + centre[:, -1] ** 2 / rest, 1 / rest, leverage
