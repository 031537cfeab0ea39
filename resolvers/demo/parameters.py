"""What a demo is made from: everything else follows from these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from regions.errors import InvalidInput
from regions.settings import RegionSettings

__all__ = ["DEFAULT_PEOPLE", "PEOPLE_PER_REGION", "Parameters"]

DEFAULT_PEOPLE = 20_000
PEOPLE_PER_REGION = 100
"""Fewer than this many people a region make no believable families, classes and epidemics."""

_MOST_PEOPLE = 50_000_000
_MOST_YEARS = 10


@dataclass(frozen=True, slots=True)
class Parameters:
    """How large a population, over how long, from which seed, in which regions.

    `people` counts rows of people over all regions. Records end with the day before `until`.
    Raises InvalidInput where the numbers cannot make a population.
    """

    people: int
    seed: int
    years: int
    until: date
    regions: tuple[RegionSettings, ...]

    def __post_init__(self) -> None:
        fewest = PEOPLE_PER_REGION * len(self.regions)
        if not self.regions or not fewest <= self.people <= _MOST_PEOPLE:
            raise InvalidInput(
                f"{self.people} people in {len(self.regions)} regions make no population",
                hint=f"give --people from {fewest} to {_MOST_PEOPLE}",
            )
        if not 1 <= self.years <= _MOST_YEARS:
            raise InvalidInput(
                f"{self.years} years of history cannot be made",
                hint=f"give --years from 1 to {_MOST_YEARS}",
            )
        if not 2000 <= self.until.year <= 2100:
            raise InvalidInput(
                f"the end {self.until} is not in our days", hint="give --until 2000 to 2100"
            )

    @property
    def start(self) -> date:
        """The first day of the history."""
        return self.until - timedelta(days=round(self.years * 365.25))

    def random(self, *purpose: str) -> Random:
        """Chance for one purpose: the same for the same seed, independent of other purposes."""
        return Random("|".join((str(self.seed), *purpose)))

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for a worker process."""
        return {
            "people": self.people,
            "seed": self.seed,
            "years": self.years,
            "until": self.until.isoformat(),
            "regions": [
                {
                    "code": region.code,
                    "name_zh": region.name_zh,
                    "name_en": region.name_en,
                    "prefixes": list(region.prefixes),
                    "path": str(region.path) if region.path is not None else None,
                    "url": region.url,
                    "deadline": region.deadline,
                }
                for region in self.regions
            ],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Parameters:
        """The parameters that `to_json` was given."""
        return cls(
            people=values["people"],
            seed=values["seed"],
            years=values["years"],
            until=date.fromisoformat(values["until"]),
            regions=tuple(
                RegionSettings(
                    code=region["code"],
                    name_zh=region["name_zh"],
                    name_en=region["name_en"],
                    prefixes=tuple(region["prefixes"]),
                    path=Path(region["path"]) if region["path"] is not None else None,
                    url=region["url"],
                    deadline=region["deadline"],
                )
                for region in values["regions"]
            ),
        )
