"""What a rule that scans for clusters finds in the counts of all regions together: pure (E1).

The places of a scan are the counties in which the rule holds and whose region was read and has a
record that is long enough: of any other nobody knows whether it is quiet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from regions.areas import reference_rows
from resolvers.alerts.counts import Counted
from resolvers.alerts.methods import permutation_scan, poisson_scan
from resolvers.alerts.methods.scanning import Cluster, Scan, Scanned
from resolvers.alerts.methods.zones import Zones, adjoining, circles, distances, joined
from schema.alerts import DetectionMethod as Method

__all__ = [
    "ClusterFound",
    "Part",
    "ScanPlaces",
    "counties",
    "places_of",
    "scan",
    "scan_history",
    "told",
]

Values = Mapping[str, Any]

_WINDOW = 7  # days of which a signal tells cases and deaths, the day itself the last
_LONGEST_YEAR = 366
_HALF_A_CASE = 0.5  # of the baseline, in all days it is made of: cases can be anywhere
_KEPT_ZONES = 8


@dataclass(frozen=True, slots=True)
class Part:
    """The counts of one region (its code of six digits), since which day its record is complete
    (None: it has none), and the counties that are its own.
    """

    region: str
    counted: Counted
    since: str | None
    codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ScanPlaces:
    """The places of a scan: counties in order, of which part each is, and their zones."""

    codes: tuple[str, ...]
    parts: tuple[int, ...]
    zones: Zones


@dataclass(frozen=True, slots=True)
class ClusterFound:
    """A cluster: the county with the most cases of its window, all its counties, the region of that
    county; cases of the zone in the last `window` days, what was expected, the log likelihood
    ratio, how often it is the risk of elsewhere (None: there are no cases elsewhere), the p-value,
    and in how many days of scans chance alone shows the like once; cases and deaths of seven days.
    """

    code: str
    members: tuple[str, ...]
    region: str
    window: int
    observed: int
    expected: float
    score: float
    relative_risk: float | None
    p: float
    recurrence: float
    cases: int
    deaths: int


def counties() -> tuple[str, ...]:
    """The counties that a scan can look at: those of which the place is known."""
    return tuple(_centroids())


def scan_history(method: Method, values: Values) -> int:
    """How many days before the one judged the scan looks at."""
    days: int = values["study"]
    if method is Method.SPACE_TIME_POISSON:
        days += values["years"] * _LONGEST_YEAR + values["half_width"]
    return max(days, _WINDOW)


def places_of(parts: Sequence[Part], since: str, values: Values) -> ScanPlaces:
    """The counties with a centroid of the parts whose record begins by the day `since`."""
    centroids = _centroids()
    found = {
        code: number
        for number, part in enumerate(parts)
        if part.since is not None and part.since <= since
        for code in part.codes
        if code in centroids
    }
    codes = tuple(sorted(found))
    zones = _zones(codes, float(values["radius"]), int(values["rings"]))
    return ScanPlaces(codes, tuple(found[code] for code in codes), zones)


def scan(
    method: Method,
    values: Values,
    disease: str,
    day: str,
    parts: Sequence[Part],
    places: ScanPlaces,
) -> Scanned | None:
    """The clusters alive on a day, whether they alarm or not; None where there are no places.

    The same counts give the same clusters: draws depend on the seed and the disease alone.
    """
    if not places.codes:
        return None
    counts, first = _matrix(disease, parts, places)
    time = date.fromisoformat(day).toordinal() - first
    settings = Scan(
        study=values["study"],
        window=min(values["window"], values["study"]),
        share=values["share"],
        fewest=values["fewest"],
        most=values["most"],
        replications=values["replications"],
        exceedances=values["exceedances"],
        recurrence=values["recurrence"],
        seed=values["seed"],
    )
    study = counts[:, time + 1 - settings.study : time + 1]
    if np.nansum(study) < settings.fewest:
        return Scanned((), int(np.nansum(study)), 0)
    series = crc32(disease.encode())
    if method is Method.SPACE_TIME_PERMUTATION:
        return permutation_scan.clusters(counts, time, settings, places.zones, series)
    usual = np.zeros_like(counts)
    usual[:, time + 1 - settings.study : time + 1] = _usual(counts, first, time, values)
    return poisson_scan.clusters(counts, time, settings, places.zones, usual, series)


def told(
    scanned: Scanned,
    values: Values,
    disease: str,
    day: str,
    parts: Sequence[Part],
    places: ScanPlaces,
    *,
    every: bool = False,
) -> list[ClusterFound]:
    """The clusters that alarm (`every`: all) by the counties they are of, the strongest first."""
    return [
        _cluster(one, scanned.total, disease, day, parts, places)
        for one in scanned.clusters
        if every or one.recurrence >= values["recurrence"]
    ]


def _cluster(
    one: Cluster,
    total: int,
    disease: str,
    day: str,
    parts: Sequence[Part],
    places: ScanPlaces,
) -> ClusterFound:
    lately = [_lately(disease, day, one.days, parts, places, place) for place in one.places]
    most = max(range(len(lately)), key=lambda place: (lately[place][0], -place))
    main = one.places[most]
    rest, beyond = total - one.observed, total - one.expected
    risk = one.observed / one.expected * beyond / rest if rest > 0 and beyond > 0 else None
    return ClusterFound(
        code=places.codes[main],
        members=tuple(places.codes[place] for place in one.places),
        region=parts[places.parts[main]].region,
        window=one.days,
        observed=one.observed,
        expected=one.expected,
        score=one.ratio,
        relative_risk=risk,
        p=one.p,
        recurrence=one.recurrence,
        cases=sum(cases for _, cases, _ in lately),
        deaths=sum(deaths for _, _, deaths in lately),
    )


def _lately(
    disease: str, day: str, days: int, parts: Sequence[Part], places: ScanPlaces, place: int
) -> tuple[int, int, int]:
    """Cases of a place in the last days, and its cases and deaths of seven days."""
    counted = parts[places.parts[place]].counted
    code, at = places.codes[place], counted.position(day)
    if disease not in counted.cases or code not in counted.codes:
        return 0, 0, 0
    row = counted.codes.index(code)

    def summed(of: Mapping[str, NDArray[np.float64]], width: int) -> int:
        return int(np.nansum(of[disease][row, max(0, at - width + 1) : at + 1]))

    return (
        summed(counted.cases, days),
        summed(counted.cases, _WINDOW),
        summed(counted.deaths, _WINDOW),
    )


def _matrix(
    disease: str, parts: Sequence[Part], places: ScanPlaces
) -> tuple[NDArray[np.float64], int]:
    """Cases of all places (places, days), and the ordinal of the first day: all parts have it."""
    counted = parts[places.parts[0]].counted
    counts = np.zeros((len(places.codes), counted.days))
    row_of = [{code: row for row, code in enumerate(part.counted.codes)} for part in parts]
    for place, (code, number) in enumerate(zip(places.codes, places.parts, strict=True)):
        cases, row = parts[number].counted.cases.get(disease), row_of[number].get(code)
        if cases is not None and row is not None:
            counts[place] = cases[row]
    return counts, counted.first


def _usual(
    counts: NDArray[np.float64], first: int, time: int, values: Values
) -> NDArray[np.float64]:
    """The cases that each place usually has on each day of the study: the mean of the days around
    the same day of the years before, and half a case more in all of these.
    """
    known = np.isfinite(counts)
    zero = np.zeros((len(counts), 1))
    cases = np.concatenate([zero, np.cumsum(np.where(known, counts, 0), axis=1)], axis=1)
    days = np.concatenate([zero, np.cumsum(known, axis=1)], axis=1)
    half, study = values["half_width"], values["study"]
    usual = np.zeros((len(counts), study))
    for place, ordinal in enumerate(range(first + time + 1 - study, first + time + 1)):
        seen, of = np.full(len(counts), _HALF_A_CASE), np.zeros(len(counts))
        for years in range(1, values["years"] + 1):
            middle = _years_before(ordinal, years) - first
            begin, end = max(0, middle - half), max(0, middle + half + 1)
            seen += cases[:, end] - cases[:, begin]
            of += days[:, end] - days[:, begin]
        usual[:, place] = seen / np.maximum(of, 1)
    return usual


def _years_before(ordinal: int, years: int) -> int:
    day = date.fromordinal(ordinal)
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - years).toordinal()


@cache
def _centroids() -> Mapping[str, tuple[float, float]]:
    return {
        row["code"]: (float(row["latitude"]), float(row["longitude"]))
        for row in reference_rows("county_centroids.csv")
    }


@lru_cache(maxsize=_KEPT_ZONES)
def _zones(codes: tuple[str, ...], radius: float, rings: int) -> Zones:
    """Circles up to a radius (km), and sets up to so many borders away (0: none of these)."""
    centroids = _centroids()
    latitude, longitude = np.array([centroids[code] for code in codes]).reshape(-1, 2).T
    zones = circles(distances(latitude, longitude), radius)
    if not rings:
        return zones
    place = {code: number for number, code in enumerate(codes)}
    return joined(zones, adjoining(len(codes), _pairs(place), rings))


def _pairs(place: Mapping[str, int]) -> Iterable[tuple[int, int]]:
    for row in reference_rows("county_adjacency.csv"):
        if row["a"] in place and row["b"] in place:
            yield place[row["a"]], place[row["b"]]
