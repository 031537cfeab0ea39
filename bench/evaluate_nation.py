"""A country whose outbreaks are known: counts by county and day, with outbreaks put into them.

Nobody reported these cases. Baselines follow the national means and months of each disease
(`disease_calibration.csv`), the size of the county, years and weeks better and worse than usual,
and the days of the week on which cases are reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regions.areas import reference_rows
from resolvers.alerts.methods.detection import Floats

__all__ = ["COUNTIES", "DAYS", "DISEASES", "FIRST", "Injected", "Nation", "neighbours"]

DISEASES = {
    "Hepatitis A": 5,
    "Hepatitis C": 10,
    "Hepatitis E": 5,
    "Measles": 10,
    "Epidemic hemorrhagic fever": 5,
    "Japanese encephalitis": 5,
    "Dengue": 5,
    "Dysentery": 10,
    "Typhoid fever and paratyphoid fever": 5,
    "Meningococcal meningitis": 5,
    "Scarlet fever": 10,
    "Leptospirosis": 5,
    "Malaria": 5,
    "Influenza": 30,
    "Mumps": 10,
    "Rubella": 10,
    "Acute hemorrhagic conjunctivitis": 10,
    "Infectious diarrhea": 20,
}
"""Diseases of the moving percentile with national figures, and the least cases of an outbreak."""

COUNTIES = 2850  # of the whole country
_YEAR = 365
_PAST = 3 * _YEAR + 126  # days of history before the first day judged
_JUDGED = 182
FIRST, DAYS = _PAST, _PAST + _JUDGED
_WEEK = 7
_REPORTED = np.array([1.35, 1.15, 1.1, 1.05, 1.05, 0.7, 0.6])  # Monday to Sunday
_UNEQUAL = 0.9  # sd of the logarithm of a county's size
_YEARS = 0.2  # sd of the logarithm of a county's year
_SHAPE = 4.0  # of the gamma of a county's weeks: variance μ + μ²/4 of a week
_EVERY = 2  # days between outbreaks of a disease somewhere in the country
_LARGER = 0.5  # sd of the logarithm by which outbreaks are larger than the least
_HOME = 0.6  # share of an outbreak's cases in the county where it begins
_MOST = 3  # neighbours it reaches at most
_LONGEST = 21  # days from the first case of an outbreak to its last, at most
_SHAPES = ("point", "growing", "lasting")


@dataclass(frozen=True, slots=True)
class Injected:
    """An outbreak: of `size` cases in `counties`, the first of them its home, from the day of its
    first case to that of its last; `shape` one of point, growing, lasting."""

    counties: tuple[int, ...]
    start: int
    end: int
    size: int
    shape: str


@dataclass(frozen=True, slots=True)
class Nation:
    """One disease: cases (counties, days), outbreaks among them, and `near` them: (counties, days
    judged) where an alarm is neither detection nor false."""

    disease: str
    counts: NDArray[np.int32]
    outbreaks: tuple[Injected, ...]
    near: NDArray[np.bool_]

    @classmethod
    def make(cls, disease: str, adjoining: list[NDArray[np.intp]], seed: int) -> Nation:
        """The first `len(adjoining)` counties; the same for the same seed."""
        number = list(DISEASES).index(disease)
        random = np.random.default_rng((seed, number))
        counties = len(adjoining)
        row = next(
            r for r in reference_rows("disease_calibration.csv") if r["disease_en"] == disease
        )
        counts = _usual(row, counties, random)
        outbreaks = []
        near = np.zeros((counties, _JUDGED), dtype=bool)
        for day in range(FIRST, DAYS - _LONGEST, _EVERY):
            one, places, days = _outbreak(day, DISEASES[disease], adjoining, random)
            np.add.at(counts, (places, days), 1)
            outbreaks.append(one)
            around = np.unique(np.concatenate([adjoining[c] for c in one.counties]))
            near[
                np.append(around, one.counties), one.start - FIRST : one.end + 2 * _WEEK - FIRST
            ] = True
        return cls(disease, counts, tuple(outbreaks), near)


def neighbours(most: int | None = None) -> list[NDArray[np.intp]]:
    """Of each county those that adjoin it, by their places in `county_centroids.csv`."""
    codes = [row["code"] for row in reference_rows("county_centroids.csv")][:most]
    place = {code: i for i, code in enumerate(codes)}
    found: list[set[int]] = [set() for _ in codes]
    for row in reference_rows("county_adjacency.csv"):
        a, b = place.get(row["a"]), place.get(row["b"])
        if a is not None and b is not None:
            found[a].add(b)
            found[b].add(a)
    return [np.array(sorted(one), dtype=np.intp) for one in found]


def _usual(row: dict[str, str], counties: int, random: np.random.Generator) -> NDArray[np.int32]:
    size = random.lognormal(0, _UNEQUAL, counties)
    share = size / size.sum() * counties / COUNTIES
    daily = share * float(row["mean_cases_per_year"]) / _YEAR
    day = np.arange(DAYS)
    months = np.array([float(row[f"season_{m:02d}"]) for m in range(1, 13)])
    begins = (random.integers(_YEAR) + day) % _YEAR  # the judged half-year is another each time
    place = begins * 12 / _YEAR - 0.5
    season = np.interp(place, np.arange(-1, 13), np.concatenate([months[-1:], months, months[:1]]))
    years = random.lognormal(0, _YEARS, (counties, DAYS // _YEAR + 1))
    weeks = random.gamma(_SHAPE, 1 / _SHAPE, (counties, DAYS // _WEEK + 1))
    mean: Floats = daily[:, None] * (season / months.mean() * _REPORTED[day % _WEEK])[None, :]
    mean *= years[:, day // _YEAR]
    mean *= weeks[:, day // _WEEK]
    return random.poisson(mean).astype(np.int32)


def _outbreak(
    day: int, least: int, adjoining: list[NDArray[np.intp]], random: np.random.Generator
) -> tuple[Injected, NDArray[np.intp], NDArray[np.intp]]:
    """An outbreak whose first case is of `day`, and place and day of each of its cases."""
    home = int(random.integers(len(adjoining)))
    others = random.permutation(adjoining[home])[: int(random.integers(_MOST + 1))]
    size = int(np.ceil(least * np.exp(abs(random.normal(0, _LARGER)))))
    shape = str(random.choice(_SHAPES))
    if shape == "point":  # one source: most within a week
        after = random.lognormal(np.log(2.5), 0.6, size)
    elif shape == "growing":  # from one to the next, twice as many every three days
        after = 9 * np.log2(1 + random.random(size) * 7) / 3
    else:
        after = random.random(size) * 14
    days = np.floor(np.minimum(after, _LONGEST - 1)).astype(np.intp)
    days += day - days.min()
    away = (random.random(size) >= _HOME) & (len(others) > 0)
    away[np.argmin(days)] = False
    places = np.full(size, home, dtype=np.intp)
    if len(others):
        places[away] = random.choice(others, int(away.sum()))
    reached = [home, *sorted({int(c) for c in places} - {home})]
    return Injected(tuple(reached), day, int(days.max()), size, shape), places, days
