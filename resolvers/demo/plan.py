"""The plan of a demo: what every region must know of the others before it is made on its own.

A plan follows from the parameters alone, so every worker process makes it itself and all agree on
each other's ids. Within a region the numbers of ids run: people, cases, close contacts of own
cases, then everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate
from random import Random
from typing import NamedTuple

from regions.ids import first_id
from resolvers.demo.chance import Weighted, shares
from resolvers.demo.epidemics import Outbreak, PlannedCase, county_weights, plan_epidemics
from resolvers.demo.identity import TRAVELLERS, IdNumbers, phone_number
from resolvers.demo.names import draw_surname, given_name
from resolvers.demo.parameters import Parameters
from resolvers.demo.places import address, counties_of, nearness

__all__ = ["Import", "Plan", "RegionPlan", "Traveller", "make_plan"]

_TRAVELLERS_SHARE = 0.005  # people with records in two regions
_IMPORTS_SHARE = 0.014  # contacts of another region's cases and contacts, of a region's people
_FEWEST_IMPORTS = 3
_SECONDARY_IMPORTS = 0.4
_SIZE_POWER = 0.75  # large regions count for less than they are: the small ones must show


class Traveller(NamedTuple):
    """A person with records in two regions. `home` and `away` are regions, `birth` an ordinal."""

    home: int
    away: int
    birth: int
    sex: int  # 1 is male
    surname: int
    given: str
    id_number: str
    phone: str
    county: int  # at home
    residence: str


class Import(NamedTuple):
    """A contact of a case elsewhere: of region `region` its case `case`.

    `contact` is -1 for a close contact of the case, else the case's close contact of that number,
    whose contact this is.
    """

    region: int
    case: int
    contact: int


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """What happens in one region."""

    number: int
    code: str
    first_person: int  # people of the regions before: the country-wide number of its first person
    people: int  # rows of people: residents and travellers
    residents: tuple[int, ...]  # per county
    travellers: tuple[Traveller, ...]  # at home or visiting
    cases: tuple[PlannedCase, ...]
    close_before: tuple[int, ...]  # per case: close contacts of the cases before it; then of all
    imports: tuple[Import, ...] = ()

    @property
    def close(self) -> int:
        """Close contacts of the region's own cases."""
        return self.close_before[-1]

    def person_id(self, person: int) -> int:
        """The id of a person (from 0)."""
        return first_id(self.code) + 1 + person

    def case_id(self, case: int) -> int:
        """The id of a case (from 0)."""
        return first_id(self.code) + 1 + self.people + case

    def close_id(self, case: int, contact: int) -> int:
        """The id of a case's close contact of that number (from 0)."""
        before = self.people + len(self.cases) + self.close_before[case]
        return first_id(self.code) + 1 + before + contact


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in all regions."""

    parameters: Parameters
    regions: tuple[RegionPlan, ...]
    outbreaks: tuple[Outbreak, ...]

    def first_case_of(self, outbreak: int) -> int:
        """The id of an outbreak's first case."""
        region = self.regions[self.outbreaks[outbreak].region]
        numbers = (n for n, case in enumerate(region.cases) if case.outbreak == outbreak)
        return region.case_id(next(numbers))


def make_plan(parameters: Parameters) -> Plan:
    """The plan for the parameters: the same for the same parameters."""
    every = range(len(parameters.regions))
    counties = [county_weights(parameters, region) for region in every]
    weights = [sum(region) ** _SIZE_POWER for region in counties]
    near = nearness(parameters.regions)
    travellers = _travellers(parameters, weights, near)
    residents = _residents(parameters, weights, len(travellers))
    cases, outbreaks = plan_epidemics(parameters, weights)
    regions: list[RegionPlan] = []
    for number in every:
        before = regions[-1] if regions else None
        here = tuple(t for t in travellers if number in (t.home, t.away))
        regions.append(
            RegionPlan(
                number=number,
                code=parameters.regions[number].code,
                first_person=before.first_person + before.people if before else 0,
                people=residents[number] + len(here),
                residents=tuple(shares(residents[number], counties[number])),
                travellers=here,
                cases=tuple(cases[number]),
                close_before=tuple(accumulate((c.close for c in cases[number]), initial=0)),
            )
        )
    return Plan(parameters, _with_imports(parameters, regions, near), tuple(outbreaks))


def _residents(parameters: Parameters, weights: Sequence[float], travellers: int) -> list[int]:
    """People per region besides travellers, who count twice."""
    return shares(parameters.people - 2 * travellers, weights)


def _travellers(
    parameters: Parameters, weights: Sequence[float], near: Sequence[Sequence[float]]
) -> list[Traveller]:
    """People who live in one region and are on record in another as well."""
    regions = len(weights)
    if regions < 2:
        return []
    random = parameters.random("travellers")
    homes = Weighted(weights)
    aways = [Weighted(row) for row in near]
    numbers = IdNumbers(TRAVELLERS, regions)
    found = []
    for count in range(max(regions, round(parameters.people * _TRAVELLERS_SHARE))):
        home = count if count < regions else homes.draw(random)
        counties = counties_of(parameters.regions[home])
        county = int(random.random() * len(counties))
        age_days = int(365.25 * random.triangular(16, 75, 30))
        birth = parameters.until.toordinal() - age_days - 1
        day = date.fromordinal(birth)
        sex = int(random.random() < 0.55)
        found.append(
            Traveller(
                home=home,
                away=aways[home].draw(random),
                birth=birth,
                sex=sex,
                surname=draw_surname(random),
                given=given_name(random, sex, day.year),
                id_number=numbers.take(birth, f"{day:%Y%m%d}", sex),
                phone=phone_number(parameters.people + count),
                county=county,
                residence=address(random, counties[county]),
            )
        )
    return found


def _with_imports(
    parameters: Parameters, regions: list[RegionPlan], near: Sequence[Sequence[float]]
) -> tuple[RegionPlan, ...]:
    """The regions with contacts whose case or contact lies in another region."""
    if len(regions) < 2:
        return tuple(regions)
    random = parameters.random("imports")
    return tuple(
        replace(region, imports=_imports(random, region, regions, Weighted(near[region.number])))
        for region in regions
    )


def _imports(
    random: Random, region: RegionPlan, regions: list[RegionPlan], sources: Weighted
) -> tuple[Import, ...]:
    found = []
    for count in range(max(_FEWEST_IMPORTS, round(region.people * _IMPORTS_SHARE))):
        source = sources.draw(random)
        cases = regions[source].cases
        case = int(random.random() * len(cases))
        close = cases[case].close
        # The first ones are one of each kind, however few there are.
        second = count == 1 or (count > 1 and random.random() < _SECONDARY_IMPORTS)
        contact = int(random.random() * close) if second and close else -1
        found.append(Import(source, case, contact))
    return tuple(found)
