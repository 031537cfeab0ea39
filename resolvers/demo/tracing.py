"""Who fell ill, from whom, and whom they met: the plan's cases and contacts given to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from resolvers.demo.calendar import Calendar
from resolvers.demo.chance import Weighted, poisson
from resolvers.demo.diseases import AGE_BANDS, all_diseases
from resolvers.demo.epidemics import PlannedCase
from resolvers.demo.plan import Plan, RegionPlan
from resolvers.demo.population import KINDS, NO_GROUP, Population

__all__ = ["CLOSE", "SECONDARY", "Meeting", "Traced", "trace"]

CLOSE, SECONDARY = "CLOSE", "SECONDARY"
FAMILY, COLLEAGUE, CLASSMATE = "FAMILY", "COLLEAGUE", "CLASSMATE"

_CHANCE_MET = ("FRIEND", "NEIGHBOUR", "FELLOW_PATIENT", "CARER", "FELLOW_PASSENGER", "OTHER")
_CHANCE_WEIGHTS = (30, 22, 12, 8, 22, 6)
_SAME_COUNTY = 0.88  # of those met by chance
_LINKED = 0.35  # cases infected by a known earlier one, where there is one
_LINK_DAYS = 18
_IN_FAMILY = 0.55  # of those infected by a known case; the others in class or at work
_IN_FAMILY_OUTBREAK = 0.25  # an outbreak stays in its class or workplace
_SECONDARY_MEAN = 0.5  # contacts a close contact
_MOST_SECONDARY = 4
_TRIES = 20  # for each new face; in a hamlet the same ones must do


class Meeting(NamedTuple):
    """One contact before it is written. `person` is a number of this region."""

    person: int
    level: str
    source_case: int  # id, perhaps of another region
    parent: int | None  # id of the contact this is a contact of
    relation: str
    disease: int
    day: int  # report of the case
    case: int  # number of the case in this region, -1 if elsewhere
    infected: int  # the case the contact became, -1 for none
    origin: str  # code of the region of the case


@dataclass(slots=True)
class Traced:
    """Everything that happened in a region, by number."""

    patients: list[int] = field(default_factory=list)  # per case: the person
    sources: list[int] = field(default_factory=list)  # per case: the case that infected it, or -1
    infected_at: list[str] = field(default_factory=list)  # per case: relation to the source, or ""
    meetings: list[Meeting] = field(default_factory=list)  # close contacts of own cases first


def trace(
    random: Random, plan: Plan, region: RegionPlan, people: Population, calendar: Calendar
) -> Traced:
    """Gives a region's cases to people, then finds their contacts and those of other regions."""
    traced = Traced()
    _fall_ill(random, plan, region, people, _Pools(people, calendar), traced)
    _find_close(random, region, people, traced)
    _find_imported(random, plan, region, people, traced)
    _find_secondary(random, region, people, traced)
    return traced


def _fall_ill(
    random: Random,
    plan: Plan,
    region: RegionPlan,
    people: Population,
    pools: _Pools,
    traced: Traced,
) -> None:
    outbreaks: dict[int, list[int]] = {}
    last: dict[tuple[int, int], int] = {}
    ill: set[int] = set()
    for number, case in enumerate(region.cases):
        disease = all_diseases()[case.disease]
        source, person, relation = -1, None, ""
        if case.outbreak >= 0:
            earlier = outbreaks.setdefault(case.outbreak, [])
            if earlier:
                source = earlier[int(random.random() * len(earlier))]
            else:
                wants_school = plan.outbreaks[case.outbreak].setting == "SCHOOL"
                person = _index_patient(random, people, case.county, wants_school)
            earlier.append(number)
        elif disease.spreads and random.random() < _LINKED:
            source = last.get((case.disease, case.county), -1)
            if source >= 0 and case.day - region.cases[source].day > _LINK_DAYS:
                source = -1
        if source >= 0:
            in_family = _IN_FAMILY if case.outbreak < 0 else _IN_FAMILY_OUTBREAK
            patient = traced.patients[source]
            person, relation = _someone_near(random, people, patient, ill, in_family)
            source = source if person is not None else -1
        if person is None:
            person = pools.draw(random, case, ill)
        ill.add(person)
        last[case.disease, case.county] = number
        traced.patients.append(person)
        traced.sources.append(source)
        traced.infected_at.append(relation if source >= 0 else "")


class _Pools:
    """The residents of each county by age band, to draw patients from."""

    def __init__(self, people: Population, calendar: Calendar) -> None:
        self._bands: list[list[list[int]]] = []
        self._ages = [Weighted(disease.ages) for disease in all_diseases()]
        band_of = [sum(age >= low for low in AGE_BANDS) - 1 for age in range(120)]
        for residents in people.residents:
            bands: list[list[int]] = [[] for _ in AGE_BANDS]
            for person in residents:
                bands[band_of[calendar.age(people.birth[person])]].append(person)
            self._bands.append(bands)

    def draw(self, random: Random, case: PlannedCase, ill: set[int]) -> int:
        """Someone of an age the disease befalls, if possible not ill before."""
        bands = self._bands[case.county]
        found = -1
        for _ in range(6):
            pool = bands[self._ages[case.disease].draw(random)]
            if pool:
                found = pool[int(random.random() * len(pool))]
                if found not in ill:
                    return found
        if found >= 0:
            return found
        weights = all_diseases()[case.disease].ages
        likely = sorted(range(len(bands)), key=weights.__getitem__, reverse=True)
        pool = next(bands[band] for band in likely if bands[band])
        return pool[int(random.random() * len(pool))]


def _index_patient(
    random: Random, people: Population, county: int, wants_school: bool
) -> int | None:
    """Someone of the fullest of a few classes or workplaces of a county."""
    fitting = [
        number
        for number, group in enumerate(people.groups)
        if group.county == county and KINDS[group.kind].is_school == wants_school
    ]
    if not fitting:
        return None
    some = (fitting[int(random.random() * len(fitting))] for _ in range(5))
    members = people.members[max(some, key=lambda number: len(people.members[number]))]
    return members[int(random.random() * len(members))]


def _someone_near(
    random: Random, people: Population, person: int, ill: set[int], in_family: float
) -> tuple[int | None, str]:
    """Someone healthy of the family, class or workplace of a person, and what they are."""
    family = [other for other in people.household(person) if other not in ill]
    group = people.group[person]
    mates = [] if group == NO_GROUP else people.members[group]
    if family and random.random() < in_family:
        return family[int(random.random() * len(family))], FAMILY
    for _ in range(8):
        if mates and (other := mates[int(random.random() * len(mates))]) not in ill:
            return other, _mate(people, group)
    return (family[0], FAMILY) if family else (None, "")


def _mate(people: Population, group: int) -> str:
    return CLASSMATE if KINDS[people.groups[group].kind].is_school else COLLEAGUE


def _find_close(random: Random, region: RegionPlan, people: Population, traced: Traced) -> None:
    infected: dict[int, list[int]] = {}
    for became, source in enumerate(traced.sources):
        if source >= 0:
            infected.setdefault(source, []).append(became)
    for number, case in enumerate(region.cases):
        patient = traced.patients[number]
        met = [
            (traced.patients[other], traced.infected_at[other], other)
            for other in infected.get(number, ())[: case.close]
        ]
        known = {patient, *(person for person, _, _ in met)}
        for person, relation in _met(random, people, patient, known, case.close - len(met)):
            met.append((person, relation, -1))
        traced.meetings += [
            Meeting(
                person,
                CLOSE,
                region.case_id(number),
                None,
                relation,
                case.disease,
                case.day,
                number,
                became,
                region.code,
            )
            for person, relation, became in met
        ]


def _met(
    random: Random, people: Population, person: int, known: set[int], count: int
) -> Iterator[tuple[int, str]]:
    """`count` people someone has met: family first, then class or work, then by chance."""
    for other in people.household(person):
        if count and other not in known:
            known.add(other)
            count -= 1
            yield other, FAMILY
    group = people.group[person]
    if group != NO_GROUP:
        members, mate = people.members[group], _mate(people, group)
        for _ in range((count + 1) * 2 // 3):
            other = members[int(random.random() * len(members))]
            if other not in known:
                known.add(other)
                count -= 1
                yield other, mate
    tries = _TRIES * count
    while count:
        other = _by_chance(random, people, people.county[person])
        tries -= 1
        if other not in known or (tries < 0 and other != person):
            known.add(other)
            count -= 1
            yield other, _CHANCE_MET[_CHANCE.draw(random)]


_CHANCE = Weighted(_CHANCE_WEIGHTS)


def _by_chance(random: Random, people: Population, county: int) -> int:
    residents = people.residents[county]
    if residents and random.random() < _SAME_COUNTY:
        return residents[int(random.random() * len(residents))]
    return int(random.random() * len(people))


def _find_imported(
    random: Random, plan: Plan, region: RegionPlan, people: Population, traced: Traced
) -> None:
    """Contacts who are here while their case is elsewhere: travellers first, then residents."""
    waiting: dict[int, list[int]] = {}
    for person, traveller in zip(people.visitors, region.travellers, strict=True):
        elsewhere = traveller.away if traveller.home == region.number else traveller.home
        waiting.setdefault(elsewhere, []).append(person)
    for entry in region.imports:
        source = plan.regions[entry.region]
        case = source.cases[entry.case]
        close = entry.contact < 0
        here = waiting.get(entry.region)
        person = here.pop() if here else int(random.random() * len(people))
        traced.meetings.append(
            Meeting(
                person,
                CLOSE if close else SECONDARY,
                source.case_id(entry.case),
                None if close else source.close_id(entry.case, entry.contact),
                "FELLOW_PASSENGER" if close and random.random() < 0.6 else "FRIEND",
                case.disease,
                case.day,
                -1,
                -1,
                source.code,
            )
        )


def _find_secondary(random: Random, region: RegionPlan, people: Population, traced: Traced) -> None:
    """Contacts of close contacts, by the contacts' own families, classes and workplaces."""
    number = 0
    found = []
    for case_number, case in enumerate(region.cases):
        patient = traced.patients[case_number]
        family = set(people.household(patient))
        close = traced.meetings[number : number + case.close]
        known = {patient, *(meeting.person for meeting in close)}
        for place, meeting in enumerate(close):
            count = min(poisson(random, _SECONDARY_MEAN), _MOST_SECONDARY)
            if meeting.person in family and meeting.relation == FAMILY:
                count = min(count, 1)  # whom the family met is mostly the patient's own contact
            parent = region.close_id(case_number, place)
            found += [
                meeting._replace(
                    person=person, level=SECONDARY, parent=parent, relation=relation, infected=-1
                )
                for person, relation in _met(random, people, meeting.person, known, count)
            ]
        number += case.close
    traced.meetings += found
