"""What is known of each disease: how often, in which months, whom, and how it is found.

Frequencies and months come from the national bulletins of 2015 to 2019
(`regions/reference_data/disease_calibration.csv`, rounded). The rest is in `profiles.csv` beside
this file: plausible numbers for an invented population, not findings. A disease without a
calibration has its mean there, and the months of a disease that behaves alike, or none.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from regions.areas import reference_rows

__all__ = ["AGE_BANDS", "Disease", "all_diseases"]

AGE_BANDS = (0, 3, 6, 18, 60)
"""The youngest age of each band in which cases are placed."""


class Disease(NamedTuple):
    """One notifiable disease in the demo."""

    key: str
    frequency: float  # against the others, damped: see `_damped`
    season: tuple[float, ...]  # 12 monthly factors of mean 1
    ages: tuple[float, ...]  # weight of each of AGE_BANDS
    delay: float  # median days from onset to the report
    contacts: float  # close contacts a case, against the others
    deaths: int  # of 1,000 cases
    imported: int  # of 100 cases
    spreads: bool  # from person to person in families, classes and offices
    exposure: str
    specimen: str
    test: str


@cache
def all_diseases() -> tuple[Disease, ...]:
    """Every disease of `diseases.csv`, in its order."""
    calibrations = {row["disease_zh"]: row for row in reference_rows("disease_calibration.csv")}
    with files("resolvers.demo").joinpath("profiles.csv").open(encoding="utf-8") as file:
        profiles = {row["key"]: row for row in csv.DictReader(file)}
    return tuple(
        _disease(profiles[row["key"]], calibrations) for row in reference_rows("diseases.csv")
    )


def _disease(profile: dict[str, str], calibrations: dict[str, dict[str, str]]) -> Disease:
    row = calibrations.get(profile["season_of"])
    season = [float(row[f"season_{month:02d}"]) if row else 1.0 for month in range(1, 13)]
    mean = profile["mean"] or (row or {})["mean_cases_per_year"]
    total = sum(season)
    return Disease(
        key=profile["key"],
        frequency=_damped(float(mean)),
        season=tuple(12 * factor / total for factor in season),
        ages=tuple(float(weight) for weight in profile["ages"].split()),
        delay=float(profile["delay"]),
        contacts=float(profile["contacts"]),
        deaths=int(profile["deaths"]),
        imported=int(profile["imported"]),
        spreads=profile["spreads"] == "1",
        exposure=profile["exposure"],
        specimen=profile["specimen"],
        test=profile["test"],
    )


def _damped(mean: float) -> float:
    """Two million cases a year against one become 6,000 against one: rare diseases are seen too."""
    return float((1 + mean) ** 0.6)
