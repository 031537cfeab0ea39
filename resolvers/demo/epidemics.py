"""Which cases occur: seasons, overdispersion, weekdays, and outbreaks whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from resolvers.demo.chance import Weighted, negative_binomial, poisson
from resolvers.demo.diseases import Disease, all_diseases
from resolvers.demo.parameters import Parameters
from resolvers.demo.places import counties_of

__all__ = ["Outbreak", "PlannedCase", "plan_epidemics"]

CASES_SHARE = 0.047
"""Cases over the whole history, of all people."""

_CLOSE_SHARE = 0.15  # close contacts of all people
_MOST_CLOSE = 14
_DISPERSION = 5.0  # of cases of a disease, region and month
_CLOSE_DISPERSION = 2.5
_FEWEST_OF_DISEASE = 3
_FEWEST_OF_REGION = 4
_GROWTH = 1.25  # reports grow by so much a year
_FRESH_DAYS = (1, 5)  # every region has a case in the last day, another one in the last five
_COMMON = 40  # the most frequent disease against one that is still common
_WEEKDAYS = (1.25, 1.1, 1.05, 1.0, 1.0, 0.75, 0.65)  # reports by day, from Monday
_FIRST_COUNTY = 4.0  # the first county of the first region is a city's crowded centre


class Outbreak(NamedTuple):
    """One injected outbreak. `setting` is SCHOOL or WORK; `start` the day of its first report."""

    disease: int
    region: int
    county: int
    start: int
    size: int
    setting: str


class PlannedCase(NamedTuple):
    """A case before it has a person. `day` is the report's ordinal, `outbreak` -1 for none."""

    disease: int
    county: int
    day: int
    outbreak: int
    close: int  # close contacts in its own region


class _Month(NamedTuple):
    number: int  # 0 is January
    first: int  # ordinal of its first day within the history
    days: Weighted
    length: int
    growth: float  # how much is reported, against the end of the history


def county_weights(parameters: Parameters, region: int) -> list[float]:
    """The weight of each county of a region."""
    weights = [county.weight for county in counties_of(parameters.regions[region])]
    if region == 0:
        weights[0] *= _FIRST_COUNTY
    return weights


def plan_epidemics(
    parameters: Parameters, region_weights: Sequence[float]
) -> tuple[list[list[PlannedCase]], list[Outbreak]]:
    """The cases of each region in the order of their report, and the outbreaks among them."""
    random = parameters.random("epidemics")
    outbreaks = _plan_outbreaks(parameters, random)
    cases = _background(parameters, random, region_weights, sum(o.size for o in outbreaks))
    _bring_up_to_date(parameters, cases)
    for number, outbreak in enumerate(outbreaks):
        days = _outbreak_days(random, outbreak, parameters.until.toordinal() - 1)
        cases[outbreak.region] += [
            PlannedCase(outbreak.disease, outbreak.county, day, number, 0) for day in days
        ]
    for region in cases:
        region.sort(key=lambda case: (case.day, case.disease, case.county, case.outbreak))
    return _with_contacts(parameters, random, cases), outbreaks


def _background(
    parameters: Parameters, random: Random, region_weights: Sequence[float], in_outbreaks: int
) -> list[list[PlannedCase]]:
    diseases, months = all_diseases(), _months(parameters)
    wanted = max(0.0, parameters.people * CASES_SHARE - in_outbreaks)
    frequency = sum(disease.frequency for disease in diseases)
    weight = sum(region_weights)
    counties = [
        Weighted(county_weights(parameters, region)) for region in range(len(region_weights))
    ]
    cases: list[list[PlannedCase]] = [[] for _ in region_weights]

    def report(number: int, region: int, month: _Month) -> None:
        county = counties[region].draw(random)
        day = month.first + month.days.draw(random)
        cases[region].append(PlannedCase(number, county, day, -1, 0))

    fewest = max(1, min(_FEWEST_OF_DISEASE, int(wanted) // (4 * len(diseases))))
    any_region = Weighted(region_weights)
    for number, disease in enumerate(diseases):
        seasons = [disease.season[month.number] * month.length * month.growth for month in months]
        mean = wanted * disease.frequency / frequency / sum(seasons) / weight
        found = 0
        for region, share in enumerate(region_weights):
            for month, season in zip(months, seasons, strict=True):
                count = negative_binomial(random, mean * share * season, _DISPERSION)
                found += count
                for _ in range(count):
                    report(number, region, month)
        by_season = Weighted(seasons)
        for _ in range(fewest - found):
            report(number, any_region.draw(random), months[by_season.draw(random)])
    frequent = Weighted([disease.frequency for disease in diseases])
    for region, planned in enumerate(cases):
        while len(planned) < _FEWEST_OF_REGION:
            report(frequent.draw(random), region, months[int(random.random() * len(months))])
    return cases


def _months(parameters: Parameters) -> list[_Month]:
    """The months of the history, the first and last perhaps in part."""
    months, day, end = [], parameters.start, parameters.until
    while day < end:
        next_month = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        length = (min(next_month, end) - day).days
        weights = [_WEEKDAYS[(day + timedelta(days=n)).weekday()] for n in range(length)]
        growth = _GROWTH ** ((day - end).days / 365.25)
        months.append(_Month(day.month - 1, day.toordinal(), Weighted(weights), length, growth))
        day = next_month
    return months


def _bring_up_to_date(parameters: Parameters, cases: list[list[PlannedCase]]) -> None:
    """Moves cases of each region to the last days where those are empty.

    A small population has days without a case anywhere; whoever asks for what is new should hear
    of every region, and not of the outbreaks alone.
    """
    random, last = parameters.random("fresh"), parameters.until.toordinal() - 1
    month = date.fromordinal(last).month - 1
    common = max(disease.frequency for disease in all_diseases()) / _COMMON
    usual = [d.season[month] ** 2 if d.frequency > common else 0.0 for d in all_diseases()]
    for planned in cases:
        in_season = [usual[case.disease] for case in planned]
        for wanted, days in enumerate(_FRESH_DAYS, 1):
            if sum(case.day > last - days for case in planned) < wanted and any(in_season):
                moved = Weighted(in_season).draw(random)
                day = last - int(random.random() * days)
                planned[moved] = planned[moved]._replace(day=day)
                in_season[moved] = 0.0  # it stays where it is now


def _plan_outbreaks(parameters: Parameters, random: Random) -> list[Outbreak]:
    """Three outbreaks of the last weeks, the first in the first county, and some earlier."""
    last = parameters.until.toordinal()
    numbers = {disease.key: number for number, disease in enumerate(all_diseases())}
    regions = len(parameters.regions)
    size = max(6, min(40, parameters.people // 800))
    recent = [
        Outbreak(numbers["other_diarrhea"], 0, 0, last - 20, size, "SCHOOL"),
        Outbreak(numbers["covid19"], 1 % regions, 0, last - 30, size, "WORK"),
        Outbreak(numbers["pertussis"], regions - 1, 0, last - 40, size, "SCHOOL"),
    ]
    first = parameters.start.toordinal()
    schools = ("measles", "mumps", "scarlet_fever", "influenza", "dysentery", "hfmd")
    earlier = []
    for _ in range(max(1, parameters.years * regions // 8)):
        region = int(random.random() * regions)
        county = int(random.random() * len(counties_of(parameters.regions[region])))
        setting = "WORK" if random.random() < 0.25 else "SCHOOL"
        key = "covid19" if setting == "WORK" else schools[int(random.random() * len(schools))]
        disease = numbers[key]
        start = _in_season(random, all_diseases()[disease], first, last - 60)
        earlier.append(Outbreak(disease, region, county, start, size * 2 // 3, setting))
    return recent + earlier


def _in_season(random: Random, disease: Disease, first: int, last: int) -> int:
    """A day when an outbreak of the disease may well begin."""
    days = [first + int(random.random() * (last - first)) for _ in range(12)]
    months = (date.fromordinal(day).month - 1 for day in days)
    return days[Weighted([disease.season[month] for month in months]).draw(random)]


def _outbreak_days(random: Random, outbreak: Outbreak, last: int) -> list[int]:
    """Report days: the first at the start, then an up and down of about two weeks."""
    later = (int(random.gammavariate(3, 2.2)) for _ in range(outbreak.size - 1))
    return [outbreak.start, *sorted(min(outbreak.start + 1 + days, last) for days in later)]


def _with_contacts(
    parameters: Parameters, random: Random, cases: list[list[PlannedCase]]
) -> list[list[PlannedCase]]:
    """The cases with as many close contacts each as their disease has, _CLOSE_SHARE together."""
    diseases = all_diseases()
    expected = sum(diseases[case.disease].contacts for planned in cases for case in planned)
    factor = parameters.people * _CLOSE_SHARE / expected

    def close(disease: Disease, fewest: int) -> int:
        shape = random.gammavariate(_CLOSE_DISPERSION, 1 / _CLOSE_DISPERSION)
        count = poisson(random, disease.contacts * factor * shape)
        return max(fewest, min(count, _MOST_CLOSE))

    return [
        [
            case._replace(close=close(diseases[case.disease], 4 if case.outbreak >= 0 else 0))
            for case in planned
        ]
        for planned in cases
    ]
