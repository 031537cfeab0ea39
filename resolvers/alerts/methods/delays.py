"""Reporting delays: what was known on a day, and how much is still to come.

A case is reported some days after its onset or diagnosis, so the newest days always look quiet. The
delays of what was reported say which share of a day's cases is known by now; what is still to come
follows, with an interval (Lawless 1994; Höhle and an der Heiden 2014).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times
from resolvers.alerts.methods.distributions import nbinom_quantile

__all__ = [
    "Delays",
    "Nowcast",
    "Triangle",
    "as_known",
    "corrected",
    "delays_of",
    "nowcast",
    "triangle_of",
]

_PRIOR = 0.5  # Jeffreys' of a Poisson mean


@dataclass(frozen=True, slots=True)
class Triangle:
    """Cases by the day of the event and the days until the report: `cases` (series, days, delays).
    `left_out` were reported before their event or later than the longest delay, or on no day that
    is counted."""

    cases: NDArray[np.int64]
    left_out: int = 0

    @property
    def longest(self) -> int:
        """The longest delay in days."""
        return int(self.cases.shape[2]) - 1

    def known(self, day: int) -> NDArray[np.int64]:
        """What was known at the end of `day` of the days up to it, (series, day + 1)."""
        seen = self.cases[:, : day + 1].copy()
        for delay in range(1, self.longest + 1):
            seen[:, max(0, day + 1 - delay) :, delay] = 0
        found: NDArray[np.int64] = seen.sum(axis=2)
        return found

    def before(self, day: int) -> Triangle:
        """The triangle as it stood at the end of `day`: later days and later reports are not in."""
        seen = self.cases[:, : day + 1].copy()
        for delay in range(1, self.longest + 1):
            seen[:, max(0, day + 1 - delay) :, delay] = 0
        return Triangle(seen)


@dataclass(frozen=True, slots=True)
class Delays:
    """The share of cases that is reported after at most so many days, (delays), and the variance
    of its logarithm; `cases` it was estimated from."""

    share: Floats
    variance: Floats
    cases: int


@dataclass(frozen=True, slots=True)
class Nowcast:
    """What the days will have in the end: the mean, and the interval, each (series, days); `known`
    so far."""

    known: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats


def triangle_of(
    event: NDArray[np.intp],
    report: NDArray[np.intp],
    days: int,
    longest: int,
    series: NDArray[np.intp] | None = None,
    count: int = 1,
) -> Triangle:
    """The triangle of cases by the day of their event and of their report, days counted from 0;
    `series` says of which of `count` series each is."""
    of = np.zeros(len(event), dtype=np.intp) if series is None else series
    delay = report - event
    good = (event >= 0) & (event < days) & (delay >= 0) & (delay <= longest)
    cases = np.zeros((count, days, longest + 1), dtype=np.int64)
    np.add.at(cases, (of[good], event[good], delay[good]), 1)
    return Triangle(cases, int((~good).sum()))


def delays_of(triangle: Triangle, today: int, latest: int | None = None) -> Delays:
    """The delays as known at the end of `today`, of all series together; of the events of the
    `latest` days only, where given.

    Days whose reports are not all in say of each delay what they can: of the cases reported within
    d days, the share of those that took all d (reversed hazards). With nothing reported, no share
    is known (NaN).
    """
    seen = triangle.before(today).cases.sum(axis=0)
    first = 0 if latest is None else max(0, today + 1 - latest)
    age = today - np.arange(len(seen))
    at, within = np.zeros(triangle.longest + 1), np.zeros(triangle.longest + 1)
    for delay in range(triangle.longest + 1):
        old = (age >= delay) & (np.arange(len(seen)) >= first)
        at[delay] = seen[old, delay].sum()
        within[delay] = seen[old, : delay + 1].sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(within > 0, at / within, 0.0)
        hazard[0] = 0.0  # all of those reported at once took no day
        keep = np.log1p(-np.minimum(hazard, 1))
        part = np.where(within > at, hazard / np.maximum(within - at, 1), 0.0)
    later = np.cumsum(keep[::-1])[::-1]
    spread = np.cumsum(part[::-1])[::-1]
    share = np.exp(np.append(later[1:], 0.0))
    variance = np.append(spread[1:], 0.0)
    total = int(seen[first:].sum())
    if total == 0:
        share[:] = np.nan
    return Delays(share, variance, total)


def nowcast(
    known: NDArray[np.int64], delays: Delays, level: float = 0.95, today: int | None = None
) -> Nowcast:
    """What `known` (series, days), of which the last is `today`, will be when all is reported.

    Of n known cases, the share F of a day's, negative binomial many are to come: mean
    (n + 1/2) (1 - F)/F, wider by what F is not known for sure.
    """
    days = known.shape[1]
    end = days - 1 if today is None else today
    age = np.minimum(end - np.arange(days), len(delays.share) - 1)
    share, variance = delays.share[age], delays.variance[age]
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = (1 - share) / share
        size = known + _PRIOR
        more = size * odds
        # odds are 1/F - 1, so their spread is that of log F times 1/F
        spread = more * (1 + odds) + (size / share) ** 2 * variance
        n = np.where(spread > more, more**2 / (spread - more), np.inf)
        p = np.where(spread > 0, more / spread, 1.0)
    some = np.broadcast_to(share < 1, known.shape) & np.isfinite(n) & (more > 0)
    tail = (1 - level) / 2
    low, high = np.zeros(known.shape), np.zeros(known.shape)
    low[some] = nbinom_quantile(tail, n[some], p[some])
    high[some] = nbinom_quantile(1 - tail, n[some], p[some])
    more = np.where(share < 1, more, 0.0)
    unknown = np.broadcast_to(~(share > 0), known.shape)  # nothing of a day is known yet
    mean = np.where(unknown, np.nan, known + more)
    return Nowcast(
        known,
        mean,
        np.where(unknown, np.nan, known + low),
        np.where(unknown, np.nan, known + high),
    )


def corrected(triangle: Triangle, today: int, latest: int | None = None) -> Floats:
    """The counts of the days up to `today` as known then, (series, today + 1), with what is still
    to come added on the average; NaN where nothing of a day can be known yet."""
    known = triangle.known(today)
    return nowcast(known, delays_of(triangle, today, latest)).mean


def as_known(
    triangle: Triangle,
    times: Times,
    detect: Callable[[Counts, Times], Detection],
    counts: Callable[[Triangle, int], NDArray[Any]] = Triangle.known,
) -> Detection:
    """What a method says of each time on the evening of that day: by the counts known then (by
    default as reported, or `corrected`), not by those that came later."""
    return Detection.beside(
        [detect(counts(triangle, int(time)), np.array([int(time)])) for time in times]
    )
