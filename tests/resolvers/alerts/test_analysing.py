"""What cards have in common and which grounds that speaks for: pure (E8, E9)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.areas import reference_areas
from resolvers.alerts.analysing import (
    MASK,
    Card,
    CountyCounts,
    Incubation,
    Numbers,
    adjoining,
    age_group,
    curve,
    grouped,
    household,
    incubation,
    same,
    village,
    years_before,
)
from resolvers.alerts.grounds import Findings, suggest
from resolvers.reference import diseases
from schema.alerts_forms import InvestigationGround as Ground

_EMPTY = Card(None, None, None, None, None, None, None)
_DAYS = [f"2026-02-{day:02}" for day in range(10, 28)]


def card(**given: Any) -> Card:
    values = {name: getattr(_EMPTY, name) for name in Card.__slots__}
    return Card(**values | given)


def found(cards: list[Card], **given: Any) -> dict[Ground, bool | None]:
    """The grounds suggested for cards, of measles unless told otherwise."""
    values: dict[str, Any] = {
        "single_case": False,
        "first": "2026-02-23",
        "cards": cards,
        "households": grouped((one.residence for one in cards), household),
        "employers": grouped((one.employer for one in cards), same),
        "villages": grouped((one.residence for one in cards), village),
        "occupations": grouped(one.occupation for one in cards),
        "curve": curve([one.onset_on for one in cards], incubation("measles")),
        "counties": [CountyCounts("320102", True, Numbers(3, 2, 40, "2026-02-20"))],
        "since": "2004-01-01",
        "missing": False,
    }
    return {one.ground: one.holds for one in suggest(Findings(**values | given))}


def test_every_disease_has_its_line() -> None:
    for key in diseases():
        usual = incubation(key)
        assert usual is None or 0 <= usual.shortest < usual.longest
    assert incubation("measles") == Incubation(7, 21)
    assert incubation("leprosy") is None


def test_alike_are_those_with_one_value() -> None:
    seen = grouped(["第一小学", MASK, None, "第一 小学", "二小", "", "第一小学"], same)
    assert seen.groups == (("第一小学", (0, 3, 6)),)
    assert (seen.unknown, seen.hidden, seen.largest) == (2, 1, 3)


@pytest.mark.leak(11)
@given(st.lists(st.sampled_from([MASK, None, "a", "b", "c"]), max_size=12))
def test_hidden_values_are_in_no_group(values: list[str | None]) -> None:
    seen = grouped(values)
    assert seen.hidden == values.count(MASK)
    assert seen.unknown == values.count(None)
    assert all(values[place] == key for key, places in seen.groups for place in places)
    assert all(values.count(key) == len(places) > 1 for key, places in seen.groups)


@pytest.mark.parametrize(
    ("text", "house", "named"),
    [
        ("江苏省南京市玄武区锁金村街道锁四社区12号", True, "江苏省南京市玄武区锁金村街道锁四社区"),
        ("丰县赵庄镇 刘庄村 3组", True, "丰县赵庄镇刘庄村"),
        ("丰县赵庄镇刘庄村", False, "丰县赵庄镇刘庄村"),
        ("玄武区", False, None),
        ("中山路１号", True, None),
    ],
)
def test_addresses(text: str, house: bool, named: str | None) -> None:
    assert (household(text) is not None) == house
    assert village(text) == named


def test_age_groups_are_those_of_annex_2() -> None:
    assert [age_group(age) for age in (0, 6, 7, 11, 12, 17, 18, 59, 60, 101)] == (
        [0, 0, 7, 7, 12, 12, 18, 18, 60, 60]
    )


def test_the_curve_against_the_incubation() -> None:
    usual = Incubation(1, 4)
    seen = curve(["2026-02-10", "2026-02-12", None, "2026-02-12", "2026-02-20"], usual)
    assert seen.onsets == (("2026-02-10", 1), ("2026-02-12", 2), ("2026-02-20", 1))
    assert (seen.unknown, seen.days, seen.together, seen.followers) == (1, 4, 3, 2)
    none = curve(["2026-02-10"], None)
    assert (none.days, none.together, none.followers) == (None, None, None)


@given(st.lists(st.none() | st.sampled_from(_DAYS), max_size=9), st.integers(0, 5))
def test_one_more_onset_never_makes_fewer_together(days: list[str | None], place: int) -> None:
    usual = Incubation(2, 9)
    before, after = curve(days, usual), curve([*days, _DAYS[place]], usual)
    assert before.together is not None
    assert after.together is not None
    assert before.together <= after.together <= before.together + 1
    assert sum(cases for _, cases in after.onsets) + after.unknown == len(days) + 1


@pytest.mark.parametrize(
    ("week", "before", "years", "rises"),
    [
        (0, 0, 0, False),
        (1, 0, 0, True),  # the first in five years
        (1, 0, 9, False),
        (4, 0, 9, False),
        (5, 0, 9, True),  # 1 in 32
        (8, 2, 9, False),  # p = 0.0547
        (9, 2, 9, True),  # p = 0.0327
        (3000, 2900, 9000, False),
        (3200, 2900, 9000, True),
    ],
)
def test_a_rise_is_more_than_chance(week: int, before: int, years: int, rises: bool) -> None:
    assert Numbers(week, before, years).rises == rises


def test_five_years_before_a_leap_day() -> None:
    assert years_before("2024-02-29") == "2019-02-28"
    assert years_before("2026-02-23") == "2021-02-23"


def test_counties_adjoin_across_borders_of_regions() -> None:
    beside = adjoining(["320111"])  # Pukou, Nanjing
    assert "320111" not in beside
    assert any(code.startswith("3411") for code in beside)  # Chuzhou, Anhui
    both = adjoining(["320111", beside[0]])
    assert beside[0] not in both
    assert set(beside[1:]) <= set(both)
    living = reference_areas()
    assert all(living.is_known(code) for code in both)
    assert all("320111" in adjoining([code]) for code in beside)


def test_place() -> None:
    school = [card(employer="一小") for _ in range(3)]
    assert found(school)[Ground.PLACE] is True
    assert found(school[:2])[Ground.PLACE] is False
    home = [card(residence="赵庄镇刘庄村3号") for _ in range(2)]
    assert found(home)[Ground.PLACE] is True
    hidden = [card(employer=MASK, residence=MASK) for _ in range(3)]
    assert found(hidden)[Ground.PLACE] is None
    assert found([*school, *hidden])[Ground.PLACE] is True
    assert found([])[Ground.PLACE] is False
    reported = [card(unit="hospital-320102-1") for _ in range(3)]
    assert found(reported)[Ground.PLACE] is None  # to be looked at closer (PLAN 4.2)
    assert found(reported[:2])[Ground.PLACE] is False
    assert found([*school, *reported])[Ground.PLACE] is True


def test_time() -> None:
    near = [card(onset_on=f"2026-02-{day}") for day in (10, 15, 23)]
    assert found(near)[Ground.TIME] is True
    assert found(near[:2])[Ground.TIME] is False
    assert found([*near[:2], card()])[Ground.TIME] is None
    far = [card(onset_on=day) for day in ("2026-01-01", "2026-01-20", "2026-02-10")]
    assert found(far)[Ground.TIME] is False
    assert found(near, curve=curve(_DAYS, None))[Ground.TIME] is None


def test_people() -> None:
    young = [card(age=age, sex="M") for age in (1, 3, 6)]
    assert found(young)[Ground.PEOPLE] is True
    assert found([*young, card(age=30), card(age=70)])[Ground.PEOPLE] is False
    farmers = [card(occupation="农民", age=age) for age in (5, 30, 70)]
    assert found(farmers)[Ground.PEOPLE] is True
    men = [card(age=age, sex="M") for age in (1, 8, 13, 20, 65, 66)]
    assert found(men)[Ground.PEOPLE] is True
    assert found(men[:5])[Ground.PEOPLE] is False
    assert found([card(age=MASK, sex=MASK) for _ in range(3)])[Ground.PEOPLE] is None


@pytest.mark.parametrize(
    ("numbers", "since", "rare"),
    [
        (Numbers(1, 0, 3, "2024-01-01"), "2004-01-01", False),
        (Numbers(1, 0, 0, "2019-01-01"), "2004-01-01", True),
        (Numbers(1, 0, 0, None), "2004-01-01", True),
        (Numbers(1, 0, 0, None), "2025-01-01", None),  # a short record cannot tell
        (Numbers(1, 0, 0, None), None, None),
    ],
)
def test_rarity(numbers: Numbers, since: str | None, rare: bool | None) -> None:
    counties = [CountyCounts("320102", True, numbers)]
    assert found([], counties=counties, since=since)[Ground.RARE] is rare


def test_spreading() -> None:
    own = CountyCounts("320102", True, Numbers(6, 1, 40))
    calm, rising = Numbers(2, 2, 40), Numbers(7, 0, 40)
    for numbers, spreads in ((calm, False), (rising, True)):
        beside = CountyCounts("320104", False, numbers)
        assert found([], counties=[own, beside])[Ground.SPREADING] is spreads
    assert found([], counties=[own], missing=True)[Ground.SPREADING] is None
    member = CountyCounts("320104", True, rising)
    assert found([], counties=[own, member])[Ground.SPREADING] is True


def test_a_single_case() -> None:
    assert found([], single_case=True)[Ground.SINGLE_CASE] is True
    assert found([])[Ground.SINGLE_CASE] is False


def test_all_six_grounds_are_told_in_the_order_of_the_form() -> None:
    assert list(found([])) == [
        Ground.PLACE,
        Ground.TIME,
        Ground.PEOPLE,
        Ground.RARE,
        Ground.SINGLE_CASE,
        Ground.SPREADING,
    ]
