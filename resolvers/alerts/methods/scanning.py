"""What the scans share: likelihood ratios, clusters that do not overlap, and their p-values.

A scan looks at windows: a zone of places over the last so many days. Its statistic is the largest
log likelihood ratio over all windows (Kulldorff 1997, 2001).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Counts, Detection, Floats
from resolvers.alerts.methods.monte_carlo import Draw, Null, p_values
from resolvers.alerts.methods.zones import Zones

__all__ = [
    "Cluster",
    "Scan",
    "Scanned",
    "Windows",
    "as_detection",
    "judge",
    "latest",
    "ratios",
    "study",
]

_TIE = 1e-9  # ratios that differ by less are the same


@dataclass(frozen=True, slots=True)
class Scan:
    """Settings of the scans.

    The last `study` days are looked at, and of these windows of the last 1 to `window` days, in
    zones of at most `share` of all cases (of the population, where there is one) with at least
    `fewest` cases. Up to `most` clusters are named. Cases are drawn anew up to `replications`
    times, for each cluster until `exceedances` draws reached it (0: always all). It alarms where
    chance alone would show the like once in at least `recurrence` days, scanning each `every`.
    """

    study: int = 90
    window: int = 7
    share: float = 0.5
    fewest: int = 2
    most: int = 5
    replications: int = 999
    exceedances: int = 20
    recurrence: float = 365.0
    every: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A zone over the last `days` days: places in ascending order, the zone's centre and reach (km,
    or borders), cases, what was expected, the log likelihood ratio, the p-value of the largest
    ratio of a scan, and in how many days of scans chance alone shows the like once."""

    places: tuple[int, ...]
    centre: int
    reach: float
    days: int
    observed: int
    expected: float
    ratio: float
    p: float
    recurrence: float


@dataclass(frozen=True, slots=True)
class Scanned:
    """The clusters of one scan, the strongest first, no place in two; all cases of the study; how
    often cases were drawn anew."""

    clusters: tuple[Cluster, ...]
    total: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Windows:
    """What a scan judges: `cases` (windows, places), each window of so many `days`, and `total` of
    them in the whole study; what is `expected` of zones, (windows, zones); the `weight` (places) of
    which a zone may hold but a share, 0 where no case can be; how cases are drawn where nothing is
    clustered."""

    cases: NDArray[np.int64]
    days: tuple[int, ...]
    total: int
    expected: Callable[[Zones], Floats]
    weight: Floats
    draw: Draw


def ratios(observed: NDArray[Any], expected: Floats, total: int) -> Floats:
    """Log likelihood ratios c ln(c/e) + (C - c) ln((C - c)/(C - e)) where more came than was
    expected, else 0."""
    found = np.zeros(np.broadcast_shapes(observed.shape, expected.shape))
    c = np.broadcast_to(np.asarray(observed, dtype=float), found.shape)
    e = np.broadcast_to(expected, found.shape)
    more = c > e
    c, e = c[more], e[more]
    rest = total - c
    some = np.where(rest > 0, rest, 1.0)
    with np.errstate(divide="ignore"):
        found[more] = c * np.log(c / e) + rest * np.log(some / np.where(rest > 0, total - e, 1.0))
    return found


def judge(zones: Zones, windows: Windows, settings: Scan, series: int = 0) -> Scanned:
    """The clusters of a study. `series` tells the draws of one disease from those of another."""
    possible = windows.weight > 0
    distinct, origin = zones.among(possible)
    limit = settings.share * windows.weight.sum() * (1 + _TIE)
    small = distinct.weights(windows.weight) <= limit
    distinct, origin = distinct.keep(small), origin[small]
    expected = windows.expected(distinct)
    observed = distinct.sums(windows.cases)
    found = ratios(np.where(observed >= settings.fewest, observed, 0), expected, windows.total)
    picked = _apart(zones, origin, found, settings.most)
    levels = np.array([found[window, number] for window, number in picked])
    null = Null(distinct, expected, windows.total, windows.draw, ratios, settings.fewest)
    p, drawn = p_values(
        null, levels, settings.replications, settings.exceedances, (settings.seed, series)
    )
    clusters = tuple(
        Cluster(
            tuple(int(place) for place in zones.of(int(origin[number]))),
            int(zones.centre[origin[number]]),
            float(zones.reach[origin[number]]),
            windows.days[window],
            int(observed[window, number]),
            float(expected[window, number]),
            float(found[window, number]),
            float(chance),
            settings.every / float(chance),
        )
        for (window, number), chance in zip(picked, p, strict=True)
    )
    return Scanned(clusters, windows.total, drawn)


def _apart(
    zones: Zones, origin: NDArray[np.intp], found: Floats, most: int
) -> list[tuple[int, int]]:
    """Windows and zones by falling ratio, none of which shares a place with one before; among
    equal ones the zone of fewest places, then the shortest window."""
    best = found.max(axis=0, initial=0.0)
    free, taken = best > 0, np.zeros(zones.places, dtype=np.int64)
    picked: list[tuple[int, int]] = []
    while len(picked) < most and free.any():
        top = float(best[free].max())
        alike = np.flatnonzero(free & (best >= top - _TIE * max(1.0, top)))
        of = origin[alike]
        number = int(alike[np.lexsort((zones.centre[of], zones.reach[of], zones.size[of]))[0]])
        window = int(np.argmax(found[:, number] >= best[number]))
        picked.append((window, number))
        taken[zones.of(int(origin[number]))] = 1
        free &= zones.sums(taken)[origin] == 0
    return picked


def study(counts: Counts, time: int, settings: Scan) -> NDArray[np.int64] | None:
    """The cases of the study that ends at `time`, (places, days), a missing day as none; None where
    the history does not reach over it."""
    first = time + 1 - settings.study
    if first < 0:
        return None
    days = np.asarray(counts[:, first : time + 1], dtype=float)
    cases: NDArray[np.int64] = np.nan_to_num(days).astype(np.int64)
    return cases


def latest(cases: NDArray[Any], longest: int) -> NDArray[Any]:
    """The sums of the last 1 to `longest` days, (windows, places)."""
    return np.cumsum(cases[:, ::-1][:, :longest], axis=1).T


def as_detection(
    scanned: Scanned | None, observed: Floats, expected: Floats, settings: Scan
) -> Detection:
    """As of each place, (places, 1): of one in a cluster the cluster's cases, its expectation, and
    its ratio as score; of others what is given of them, and a score of 0.

    There is no bound: a scan alarms by its p-value.
    """
    shape = (len(observed), 1)
    seen, usual = observed.reshape(shape).astype(float), expected.reshape(shape).astype(float)
    blank, alarm = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    if scanned is None:
        return Detection(seen, blank, blank, alarm, blank, np.zeros(shape, dtype=bool))
    score = np.zeros(shape)
    for cluster in scanned.clusters:
        places = list(cluster.places)
        seen[places], usual[places] = cluster.observed, cluster.expected
        score[places] = cluster.ratio
        alarm[places] = cluster.recurrence >= settings.recurrence
    return Detection(seen, usual, blank, alarm, score, np.ones(shape, dtype=bool))
