from __future__ import annotations

from collections import Counter
from datetime import date
from statistics import fmean, variance

import pytest

from regions.ids import first_id, region_of
from resolvers.demo.diseases import all_diseases
from resolvers.demo.plan import Plan, make_plan
from tests.resolvers.demo.made import UNTIL, parameters


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parameters())


@pytest.fixture(scope="module")
def large() -> Plan:
    """Large enough for seasons and weekdays to show."""
    return make_plan(parameters(people=250_000, years=5))


def by_disease(plan: Plan, key: str) -> list[int]:
    """The report days (ordinals) of a disease."""
    number = [disease.key for disease in all_diseases()].index(key)
    return [case.day for region in plan.regions for case in region.cases if case.disease == number]


def test_the_same_parameters_make_the_same_plan(plan: Plan) -> None:
    assert make_plan(parameters()) == plan
    assert make_plan(parameters(seed=8)).regions != plan.regions


def test_people_are_as_many_as_asked_for(plan: Plan) -> None:
    assert sum(region.people for region in plan.regions) == 6_000
    for region in plan.regions:
        assert region.people == sum(region.residents) + len(region.travellers)
    offsets = [region.first_person for region in plan.regions]
    assert offsets == [sum(r.people for r in plan.regions[:n]) for n in range(8)]


@pytest.mark.parametrize(("people", "most"), [(800, 0.13), (3_000, 0.07), (20_000, 0.06)])
def test_cases_and_contacts_have_their_shares(people: int, most: float) -> None:
    made = make_plan(parameters(people=people))
    assert 0.04 < sum(len(region.cases) for region in made.regions) / people < most
    assert 0.13 < sum(region.close for region in made.regions) / people < 0.26
    assert all(len(region.cases) >= 4 for region in made.regions)
    assert all(region.close > 0 for region in made.regions)


def test_every_disease_occurs(plan: Plan) -> None:
    seen = Counter(case.disease for region in plan.regions for case in region.cases)
    assert len(seen) == 45
    frequent = {all_diseases()[number].key for number, _ in seen.most_common(6)}
    assert {"hfmd", "covid19"} <= frequent


def test_rare_diseases_occur_a_few_times_among_20_000() -> None:
    made = make_plan(parameters(people=20_000))
    seen = Counter(case.disease for region in made.regions for case in region.cases)
    assert min(seen.values()) >= 3
    assert len(seen) == 45


def test_cases_lie_in_the_history_in_the_order_of_report(plan: Plan) -> None:
    first, last = plan.parameters.start.toordinal(), UNTIL.toordinal() - 1
    for region in plan.regions:
        days = [case.day for case in region.cases]
        assert days == sorted(days)
        assert first <= days[0]
        assert days[-1] <= last


def test_seasons_are_those_of_the_bulletins(large: Plan) -> None:
    def share(key: str, months: set[int]) -> float:
        days = by_disease(large, key)
        return sum(date.fromordinal(day).month in months for day in days) / len(days)

    season = {disease.key: disease.season for disease in all_diseases()}
    for key, months in (("influenza", {12, 1, 2}), ("hfmd", {5, 6, 7}), ("dengue", {8, 9, 10})):
        expected = sum(season[key][month - 1] for month in months) / 12
        assert share(key, months) == pytest.approx(expected, abs=0.09)
    assert share("influenza", {12, 1, 2}) > 4 * share("influenza", {6, 7, 8})


def test_fewer_cases_are_reported_at_weekends(large: Plan) -> None:
    days = Counter(
        date.fromordinal(case.day).weekday() for region in large.regions for case in region.cases
    )
    assert 1.6 < days[0] / days[6] < 2.3


def test_counts_scatter_more_than_chance_alone(large: Plan) -> None:
    """Negative binomial: months vary by more than their mean, of diseases with hardly a season."""
    steady = {"hepatitis_b", "hepatitis_c", "syphilis", "tb"}
    wanted = {number for number, disease in enumerate(all_diseases()) if disease.key in steady}
    first = large.parameters.start.toordinal()
    ratios = []
    for region in large.regions:
        for number in wanted:
            months = Counter(
                (case.day - first) // 30 for case in region.cases if case.disease == number
            )
            counts = [months[month] for month in range(60)]
            ratios.append(variance(counts) / fmean(counts))
    assert fmean(ratios) > 1.2  # by chance alone 1, give or take 0.03


def test_a_recent_outbreak_is_in_the_first_county(plan: Plan) -> None:
    outbreak = plan.outbreaks[0]
    cases = [case for case in plan.regions[0].cases if case.outbreak == 0]
    assert len(cases) == outbreak.size
    assert {case.county for case in cases} == {0}
    assert all(UNTIL.toordinal() - case.day <= 20 for case in cases)
    assert plan.first_case_of(0) == plan.regions[0].case_id(plan.regions[0].cases.index(cases[0]))
    for number, other in enumerate(plan.outbreaks):
        region = plan.regions[other.region]
        assert sum(case.outbreak == number for case in region.cases) == other.size


def test_ids_follow_each_other(plan: Plan) -> None:
    region = plan.regions[2]
    assert region.person_id(0) == first_id("3204") + 1
    assert region.case_id(0) == region.person_id(region.people - 1) + 1
    assert region.close_id(0, 0) == region.case_id(len(region.cases) - 1) + 1
    last = len(region.cases) - 1
    assert region.close_id(last, region.cases[last].close) == region.close_id(0, 0) + region.close
    assert region_of(region.close_id(3, 0)) == "320400"


def test_contacts_come_from_other_regions_cases_and_contacts(plan: Plan) -> None:
    for region in plan.regions:
        assert len(region.imports) >= 3
        assert any(entry.contact < 0 for entry in region.imports)
        assert all(entry.region != region.number for entry in region.imports)
        for entry in region.imports:
            case = plan.regions[entry.region].cases[entry.case]
            assert -1 <= entry.contact < max(case.close, 1)
    assert any(entry.contact >= 0 for region in plan.regions for entry in region.imports)


def test_travellers_are_on_record_in_two_regions(plan: Plan) -> None:
    seen = Counter(
        traveller.id_number for region in plan.regions for traveller in region.travellers
    )
    assert len(seen) >= 30
    assert set(seen.values()) == {2}


def test_one_region_alone_has_no_travellers_and_no_imports() -> None:
    alone = make_plan(parameters(people=500, codes=("3201",)))
    assert alone.regions[0].people == 500
    assert alone.regions[0].travellers == ()
    assert alone.regions[0].imports == ()


@pytest.mark.parametrize(("people", "seed"), [(800, 1), (20_000, 1), (20_000, 2)])
def test_every_region_has_something_new(people: int, seed: int) -> None:
    made = make_plan(parameters(people=people, seed=seed, years=5))
    last = UNTIL.toordinal() - 1
    for region in made.regions:
        assert region.cases[-1].day == last, region.code
        days = [case.day for case in region.cases]
        assert days == sorted(days)


def test_what_is_new_is_nothing_rare() -> None:
    made = make_plan(parameters(people=20_000, seed=1, years=5))
    last = UNTIL.toordinal() - 1
    new = {
        all_diseases()[case.disease].key
        for region in made.regions
        for case in region.cases
        if case.day == last
    }
    assert not new & {"plague", "cholera", "sars", "polio", "rabies", "diphtheria"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_20_000_people_have_a_winter_of_influenza_and_a_warm_half_year_of_hfmd(seed: int) -> None:
    made = make_plan(parameters(people=20_000, seed=seed, years=5))

    def months(key: str) -> Counter[int]:
        days = (date.fromordinal(day) for day in by_disease(made, key))
        return Counter(day.month for day in days if (UNTIL - day).days <= 365)

    influenza, hfmd = months("influenza"), months("hfmd")
    winter, warm = {12, 1, 2}, {4, 5, 6, 7, 8, 9}
    assert sum(influenza.values()) > 15
    assert sum(hfmd.values()) > 20
    assert sum(influenza[month] for month in winter) > 0.45 * sum(influenza.values())
    assert sum(hfmd[month] for month in warm) > 0.55 * sum(hfmd.values())
