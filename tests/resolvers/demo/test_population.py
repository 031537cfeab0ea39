from __future__ import annotations

from collections import Counter

import pytest

from resolvers.demo.calendar import Calendar
from resolvers.demo.plan import make_plan
from resolvers.demo.population import KINDS, NO_GROUP, Population, populate
from tests.resolvers.demo.made import UNTIL, parameters

CALENDAR = Calendar(UNTIL)


@pytest.fixture(scope="module")
def people() -> Population:
    """Some 10,000 people of Chongqing."""
    made = parameters(people=40_000)
    region = make_plan(made).regions[7]
    return populate(made.random("population", region.code), region, CALENDAR)


def ages(people: Population) -> list[int]:
    return [CALENDAR.age(birth) for birth in people.birth]


def test_ages_are_those_of_china(people: Population) -> None:
    years = ages(people)
    assert 0.12 < sum(age < 15 for age in years) / len(years) < 0.21
    assert 0.16 < sum(age >= 60 for age in years) / len(years) < 0.26
    assert min(years) >= 0
    assert 85 <= max(years) < 100
    fives = Counter(age // 5 for age in years)
    assert max(fives.values()) / len(years) < 0.12


def test_both_sexes_are_as_many(people: Population) -> None:
    assert 0.47 < sum(people.sex) / len(people) < 0.54


def test_households_are_families(people: Population) -> None:
    households = [list(people.household(head)) for head in sorted(set(people.house))]
    sizes = Counter(len(household) for household in households)
    assert 2.2 < len(people) / len(households) < 3.2
    assert set(sizes) <= set(range(1, 9))
    assert sum(len(household) for household in households) == len(people)
    children = [
        (household[0], member)
        for household in households
        for member in household[1:]
        if CALENDAR.age(people.birth[member]) < 15
    ]
    assert len(children) > 500
    shared = sum(people.surname[head] == people.surname[child] for head, child in children)
    assert shared == len(children)
    for head, child in children:
        assert 17 < (people.birth[child] - people.birth[head]) / 365.25 < 60


def test_households_stay_in_a_county(people: Population) -> None:
    for person in range(len(people)):
        assert people.county[person] == people.county[people.house[person]] or (
            person in people.visitors
        )


def test_classes_are_of_one_age_and_workplaces_of_adults(people: Population) -> None:
    for group, members in zip(people.groups, people.members, strict=True):
        kind = KINDS[group.kind]
        assert 0 < len(members) <= kind.size
        for member in members:
            assert people.county[member] == group.county
            assert kind.ages[0] <= CALENDAR.age(people.birth[member]) < kind.ages[1]
    in_groups = sum(group != NO_GROUP for group in people.group)
    assert 0.5 < in_groups / len(people) < 0.8
    assert {kind.occupation for kind in KINDS} == {
        KINDS[group.kind].occupation for group in people.groups
    }
