"""One night of detection over a whole country: every county and disease, on five years of days."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.report import Sheet
from regions.areas import reference_rows
from resolvers.alerts.methods import (
    Counts,
    Detection,
    Times,
    bayes,
    cusum,
    ears,
    ewma,
    farrington,
    glr,
    historical,
    percentile,
    permutation_scan,
    poisson_scan,
    rki,
    single_case,
)
from resolvers.alerts.methods.cusum import Cusum, Transform
from resolvers.alerts.methods.farrington import Farrington
from resolvers.alerts.methods.percentile import MovingPercentile
from resolvers.alerts.methods.scanning import Scan, Scanned
from resolvers.alerts.methods.thresholds import Threshold
from resolvers.alerts.methods.zones import Zones, circles, distances

__all__ = ["Country", "Measured", "measure", "sheet"]

_WEEK = 7
_RANGE = 26  # weeks over which a cumulative method is run up to the one judged
_OUTBREAKS = 10  # diseases with an outbreak tonight
_GOALS = {"moving percentile": 1.0, "all methods of time": 10.0, "permutation scan": 60.0}
_MEMORY = 2.0  # GB

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Country:
    """Counts that nobody reported: (diseases, counties, days) by national means, months and county
    sizes, more unequal than chance; some outbreaks on the last days."""

    counts: NDArray[np.uint16]
    zones: Zones

    @classmethod
    def make(
        cls, counties: int, diseases: int, years: int, radius: float, seed: int = 1
    ) -> Country:
        """`counties` and `diseases` at most as many as there are; circles up to `radius` km."""
        random = np.random.default_rng(seed)
        places = list(reference_rows("county_centroids.csv"))[:counties]
        latitude, longitude = (
            np.array([float(row[name]) for row in places]) for name in ("latitude", "longitude")
        )
        zones = circles(distances(latitude, longitude), radius)
        days = years * 365 + years // 4
        month = (np.arange(days) % 365 * 12) // 365
        kinds = list(reference_rows("disease_calibration.csv"))[:diseases]
        counts = np.zeros((len(kinds), counties, days), dtype=np.uint16)
        size = random.lognormal(0, 0.9, counties)
        size /= size.sum()
        for number, kind in enumerate(kinds):
            season = np.array([float(kind[f"season_{m:02d}"]) for m in range(1, 13)])
            mean = float(kind["mean_cases_per_year"]) / 365
            usual = size[:, None] * mean * (season / season.mean())[month][None, :]
            weeks = random.gamma(4, 1 / 4, (counties, days // _WEEK + 1))
            usual *= np.repeat(weeks, _WEEK, axis=1)[:, :days]
            counts[number] = random.poisson(usual)
            if number % max(1, len(kinds) // _OUTBREAKS) == 0:
                counts[number, zones.of(int(zones.end.argmax()) // 2)[:5], -5:] += 3
        return cls(counts, zones)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of processor time of one method over all series, and its alarms."""

    name: str
    points: int
    seconds: float
    alarms: int


def measure(country: Country, scans: bool = True) -> Iterator[Measured]:
    """Each method over the last day, or week, of every series; then the scans."""
    diseases, counties, days = country.counts.shape
    series = diseases * counties
    weeks, seconds = _timed(_weeks, country.counts)
    yield Measured("sums of weeks", series, seconds, 0)
    total = seconds
    for name, daily, method in _methods(days):
        counts = country.counts if daily else weeks
        last = np.array([counts.shape[2] - 1])
        alarms, seconds = 0, 0.0
        for one in counts:
            found, spent = _timed(method, one, last)
            seconds += spent
            alarms += int(found.alarm[:, -1].sum())
        total += seconds
        yield Measured(name, series, seconds, alarms)
    yield Measured("all methods of time", series, total, 0)
    if not scans:
        return
    for name, scan in _scans(country):
        alarms, seconds = 0, 0.0
        for number, one in enumerate(country.counts):
            result, spent = _timed(scan, one, number)
            seconds += spent
            alarms += sum(c.recurrence >= Scan().recurrence for c in result.clusters)
        yield Measured(name, series, seconds, alarms)


def sheet(country: Country, results: list[Measured]) -> Sheet:
    """The night as a table; what misses its goal in bold."""
    diseases, counties, days = country.counts.shape
    table = Sheet(
        "night",
        "One night over the whole country",
        ("method", "processor seconds", "µs a series", "alarms"),
    )
    for one in results:
        goal = _GOALS.get(one.name)
        text = f"{one.seconds:.2f}"
        if goal is not None and one.seconds >= goal:
            text = f"**{text}**"
        table.rows.append(
            (one.name, text, f"{one.seconds / one.points * 1e6:.1f}", f"{one.alarms:,}")
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    memory = f"{peak:.2f} GB" if peak < _MEMORY else f"**{peak:.2f} GB**"
    table.notes += [
        f"{counties:,} counties × {diseases} diseases × {days:,} days; "
        f"{len(country.zones):,} zones of the scans",
        "goals: moving percentile below 1 s, all methods of time below 10 s, scan below 60 s",
        f"peak memory {memory} (goal: below 2 GB), the counts themselves "
        f"{country.counts.nbytes / 1024**3:.2f} GB",
    ]
    return table


_Method = Callable[[Counts, Times], Detection]


def _methods(days: int) -> Iterator[tuple[str, bool, _Method]]:
    """Name, whether by days (else by weeks), and method."""

    def before(time: int, years: int) -> int:
        return time - years * 365

    daily = MovingPercentile(shift=_WEEK, width=_WEEK, frequency=365)
    yield "single case", True, lambda y, t: single_case.detect(y, t, single_case.SingleCase())
    yield "moving percentile", True, lambda y, t: percentile.detect_daily(y, t, daily, before)
    for kind in ("C1", "C2", "C3"):
        yield f"EARS {kind}", True, _ears(ears.Ears(kind, min_sigma=0.5))
    weeks = days // _WEEK
    years = min(5, (weeks - 10) // 52)
    limits = historical.HistoricalLimits(min(years, 4))
    yield "historical limits", False, lambda y, t: historical.detect(y, t, limits)
    yield "RKI", False, lambda y, t: rki.detect(y, t, rki.Rki())
    yield "Bayes", False, lambda y, t: bayes.detect(y, t, bayes.Bayes(2, 4))
    for transform in (Transform.STANDARD, Transform.ROSSI):
        yield f"CUSUM {transform.value}", False, _cusum(Cusum(transform=transform))
    yield "EWMA", False, lambda y, t: ewma.detect(y, t, ewma.Ewma())
    yield (
        "GLR Poisson",
        False,
        lambda y, t: glr.detect(y, _run(t), glr.Glr(window=_RANGE), _mean(y)),
    )
    original = Farrington(
        years=min(years, 4),
        periods=1,
        not_included=3,
        weights=1.0,
        trend_alpha=0.05,
        alpha=0.05,
        threshold=Threshold.DELTA,
        original=True,
    )
    yield "Farrington", False, lambda y, t: farrington.detect(y, t, original)
    flexible = Farrington(years=min(years, 4))
    yield "Farrington Flexible", False, lambda y, t: farrington.detect(y, t, flexible)


def _ears(settings: ears.Ears) -> _Method:
    return lambda y, t: ears.detect(y, t, settings)


def _cusum(settings: Cusum) -> _Method:
    return lambda y, t: cusum.detect(y, _run(t), settings)


def _run(times: Times) -> Times:
    return np.arange(int(times[-1]) + 1 - _RANGE, int(times[-1]) + 1)


def _mean(counts: Counts) -> NDArray[np.float64]:
    usual = counts[:, :-_RANGE].mean(axis=1, dtype=float)
    return np.repeat(usual[:, None], _RANGE, axis=1)


def _weeks(counts: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """The sums of the weeks that end on the last day."""
    weeks = counts.shape[2] // _WEEK
    found = np.zeros((*counts.shape[:2], weeks), dtype=np.uint32)
    for one, into in zip(counts, found, strict=True):
        into[:] = one[:, -weeks * _WEEK :].reshape(len(one), weeks, _WEEK).sum(axis=2)
    return found


def _scans(country: Country) -> Iterator[tuple[str, Callable[[NDArray[np.uint16], int], Scanned]]]:
    settings = Scan()

    def permutation(counts: NDArray[np.uint16], series: int) -> Scanned:
        found = permutation_scan.clusters(
            counts, counts.shape[1] - 1, settings, country.zones, series
        )
        return found or Scanned((), 0, 0)

    def poisson(counts: NDArray[np.uint16], series: int) -> Scanned:
        """Against the counties' own numbers before the study."""
        usual = counts[:, : -settings.study].mean(axis=1, dtype=float) + 0.5 / counts.shape[1]
        time = counts.shape[1] - 1
        found = poisson_scan.clusters(counts, time, settings, country.zones, usual, series)
        return found or Scanned((), 0, 0)

    yield "permutation scan", permutation
    yield "Poisson scan", poisson


def _timed(work: Callable[..., _T], *given: Any) -> tuple[_T, float]:
    started = time.process_time()
    result = work(*given)
    return result, time.process_time() - started
