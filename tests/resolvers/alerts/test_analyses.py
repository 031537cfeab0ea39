"""`Signal.analysis`: what is read for whom, and what of it is told (E8, E9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regions.keys import Keys
from resolvers.alerts.night_settings import NightSettings
from resolvers.users import Role
from tests.answering import grant, viewer
from tests.resolvers.alerts.duty import NATIONAL, ON_DUTY, Duty
from tests.resolvers.alerts.nights import counted, fill
from tests.resolvers.writing.making import case_input, person
from tests.stores import Stores, noticed

_GROUPING = "{ groups { value cases members { id employer } } unknown hidden }"
ANALYSIS = f"""query {{ signals(first: 50) {{ edges {{ node {{ id analysis {{
  cases
  place {{ households {_GROUPING} employers {_GROUPING} villages {_GROUPING} units {_GROUPING}
    counties {{ code own cases before rising }} }}
  time {{ onsets {{ on cases }} unknown incubationFrom incubationTo withinDays together followers }}
  people {{ ages {{ from0 from7 from12 from18 from60 }} agesUnknown agesHidden males females
    sexesUnknown sexesHidden occupations {_GROUPING} }}
  rarity {{ lastOn fiveYears since }}
  suggestions {{ ground holds reason reasonZh }}
  regions {{ code state }} }} }} }} }} }}"""
PUKOU = viewer("320111", Role.DUTY_PERSON, account="pukou")
SEER = viewer("320102", Role.DUTY_PERSON, account="seer", grants=[grant("320102")])


@pytest.fixture(params=["sqlite", "postgresql"])
def border(
    request: pytest.FixtureRequest, stores: Stores, keys: Keys, central: Path
) -> Iterator[Duty]:
    """Nanjing in Jiangsu and Chuzhou in Anhui: Pukou adjoins Nanqiao, another region's county."""
    made = Duty([stores.make(request.param, code) for code in ("3201", "3411")], keys, central)
    yield made
    made.close()


def registered(duty: Duty, who: dict[str, Any], **given: Any) -> str:
    """The id of a new case of measles in the signal's week."""
    values = {
        "disease": "measles",
        "code": "320102",
        "reportedAt": "2026-02-27T10:00:00+08:00",
        "onsetOn": "2026-02-24",
        "person": person(**who),
    }
    found = duty.do("registerCase", NATIONAL, case_input(**values | given))
    assert found["__typename"] == "RegisterCasePayload", found
    return str(found["case"]["id"])


def school(duty: Duty) -> list[str]:
    """Three pupils of a school, two of them of one household."""
    return [
        registered(
            duty,
            {
                "name": name,
                "idNumber": None,
                "employer": "珍珠泉小学",
                "residence": residence,
                "age": age,
                "sex": sex,
                "occupation": "学生",
            },
        )
        for name, residence, age, sex in (
            ("甲", "玄武区梅园镇梅花村7号", 8, "M"),
            ("乙", "玄武区梅园镇梅花村7号", 9, "F"),
            ("丙", "玄武区梅园镇梅花村9号", 10, "M"),
        )
    ]


def analysed(duty: Duty, who: Any, signal: str) -> Any:
    """The analysis of a signal as a viewer sees it."""
    found = duty.ask(ANALYSIS, who, {})
    assert not found.errors, found.errors
    edges = found.data["signals"]["edges"]
    (analysis,) = [one["node"]["analysis"] for one in edges if one["node"]["id"] == signal]
    return analysis


def grounds(analysis: Any) -> dict[str, bool | None]:
    return {one["ground"]: one["holds"] for one in analysis["suggestions"]}


def test_a_school(either: Duty) -> None:
    cards = school(either)
    signal = either.raised()
    found = analysed(either, SEER, signal)
    assert found["cases"] == 3
    (pupils,) = found["place"]["employers"]["groups"]
    assert pupils["value"] is None
    assert sorted(one["id"] for one in pupils["members"]) == cards
    assert {one["employer"] for one in pupils["members"]} == {"珍珠泉小学"}
    assert [one["cases"] for one in found["place"]["households"]["groups"]] == [2]
    assert [one["cases"] for one in found["place"]["villages"]["groups"]] == [3]
    assert [one["cases"] for one in found["place"]["units"]["groups"]] == [3]
    assert found["time"]["onsets"] == [{"on": "2026-02-24", "cases": 3}]
    assert (found["time"]["incubationFrom"], found["time"]["incubationTo"]) == (7, 21)
    assert found["people"]["ages"] == {
        "from0": 0,
        "from7": 3,
        "from12": 0,
        "from18": 0,
        "from60": 0,
    }
    assert (found["people"]["males"], found["people"]["females"]) == (2, 1)
    assert found["people"]["occupations"]["groups"][0]["value"] == "学生"
    assert grounds(found) == {
        "PLACE": True,
        "TIME": True,
        "PEOPLE": True,
        "RARE": None,
        "SINGLE_CASE": False,
        "SPREADING": False,
    }
    assert all(one["reasonZh"] for one in found["suggestions"])


@pytest.mark.leak(7)
@pytest.mark.leak(11)
def test_who_may_not_see_an_item_is_told_nothing_that_follows_from_it(either: Duty) -> None:
    """Two signals that differ in hidden values alone are analysed alike."""
    school(either)
    for number, (name, home, age, sex) in enumerate(
        (("丁", None, None, None), ("戊", "鼓楼区某路1号", 70, "F"), ("己", None, 30, "F"))
    ):
        who = {
            "name": name,
            "idNumber": None,
            "residence": home,
            "age": age,
            "sex": sex,
            "occupation": "学生",
        }
        registered(either, who | {"employer": f"厂{number}"}, disease="mumps")
    told = []
    for disease in ("measles", "mumps"):
        found = analysed(either, ON_DUTY, either.raised(disease=disease))
        assert found["cases"] == 3
        for name in ("households", "employers", "villages"):
            assert found["place"][name] == {"groups": [], "unknown": 0, "hidden": 3}
        assert found["people"]["ages"] is None
        assert found["people"]["males"] is None
        del found["time"]["incubationFrom"], found["time"]["incubationTo"]
        for groups in (found["place"]["units"], found["people"]["occupations"]):
            for one in groups["groups"]:
                assert {case["employer"] for case in one.pop("members")} == {"*"}
        found["time"] = {"onsets": found["time"]["onsets"]}
        told.append({name: one for name, one in found.items() if name != "suggestions"})
        hidden = [one for one in found["suggestions"] if one["ground"] == "PLACE"]
        assert [(one["holds"], "3" in one["reason"]) for one in hidden] == [(None, True)]
    assert told[0] == told[1]


@pytest.mark.leak(31)
def test_the_access_log_tells_of_the_cards(duty: Duty) -> None:
    cards = sorted(int(one.partition(":")[2]) for one in school(duty))
    duty.raised()
    asked = "query { signals { edges { node { analysis { rarity { fiveYears } } } } } }"
    told = duty.ask(asked, SEER, {}).told
    assert sorted(told["records"]["case"]) == cards
    assert {"Case.age", "Case.employer", "Case.residence", "Case.sex"} == set(told["clear"])
    told = duty.ask(asked, ON_DUTY, {}).told
    assert told["clear"] == []
    assert "Case.employer" in told["masked"]


def test_counts_of_adjoining_counties_cross_the_border_of_a_region(border: Duty) -> None:
    nanjing, chuzhou = border.regions
    fill(nanjing, counted("320111", "measles", {"2015-01-01": 1, "2026-02-26": 2}))
    fill(chuzhou, counted("341103", "measles", {"2026-02-20": 1, "2026-02-26": 9, "2026-03-02": 5}))
    fill(chuzhou, counted("341103", "mumps", {"2026-02-26": 70}))
    # Loaded as counts, too: the same people, and on one day fewer of them.
    loaded = {"2026-02-20": 1, "2026-02-26": 8, "2026-03-02": 5}
    fill(chuzhou, counted("341103", "measles", loaded, "REPORTED"))
    found = analysed(border, PUKOU, border.raised(code="320111"))
    counties = {one["code"]: one for one in found["place"]["counties"]}
    own = {"code": "320111", "own": True, "cases": 2, "before": 0, "rising": True}
    beside = {"code": "341103", "own": False, "cases": 9, "before": 1, "rising": True}
    assert (counties["320111"], counties["341103"]) == (own, beside)
    assert len(counties) > 5
    assert grounds(found)["SPREADING"] is True
    assert found["rarity"] == {"lastOn": "2015-01-01", "fiveYears": 0, "since": "2015-01-01"}
    assert grounds(found)["RARE"] is True
    states = {one["code"]: one["state"] for one in found["regions"]}
    assert states == {"320100": "ANSWERED", "341100": "ANSWERED"}


def test_the_record_is_that_of_the_county(either: Duty) -> None:
    """Of whatever disease, by whatever it was called; not of another county, however long."""
    (region, _) = either.regions
    fill(region, counted("320102", "measles", {"2001-01-01": 1}))
    fill(region, counted("320104", "rabies", {"2016-05-01": 1}))
    fill(region, counted("320103", "mumps", {"2012-01-01": 1}))  # which is 320104 by now
    fill(region, counted("320103", "measles", {"2013-01-01": 4, "2022-01-01": 2}))
    fill(region, counted("320104", "measles", {"2026-02-26": 2}))
    found = analysed(either, NATIONAL, either.raised(code="320104"))
    assert found["rarity"] == {"lastOn": "2022-01-01", "fiveYears": 2, "since": "2012-01-01"}
    assert grounds(found)["RARE"] is False
    either.answering.nights = NightSettings(history_from="2020-01-01")
    again = analysed(either, NATIONAL, either.raised(code="320104"))
    assert again["rarity"]["since"] == "2020-01-01"


def test_more_signals_are_no_more_rounds(duty: Duty) -> None:
    """People and units of all signals' cards are read together."""
    school(duty)
    registered(duty, {"name": "庚", "idNumber": None}, disease="mumps")
    rounds = []
    for disease in ("measles", "mumps", "measles", "mumps"):
        duty.raised(disease=disease)
        assert not duty.ask(ANALYSIS, SEER, {}).errors
        rounds.append(len(duty.federation.rounds))
    assert rounds == [rounds[0]] * 4


def test_a_region_that_is_away_leaves_it_open_whether_it_spreads(
    stores: Stores, keys: Keys, central: Path
) -> None:
    settings = [stores.sqlite(code) for code in ("3201", "3411")]
    made = Duty(settings, keys, central)
    made.raised(code="320111")
    assert settings[1].path is not None
    settings[1].path.unlink()
    noticed()
    found = made.ask(ANALYSIS, PUKOU, {})
    assert found.codes == ["REGION_UNAVAILABLE"]
    (edge,) = found.data["signals"]["edges"]
    assert grounds(edge["node"]["analysis"])["SPREADING"] is None
    made.close()


def test_a_single_case_is_one(duty: Duty) -> None:
    card = school(duty)[0]
    signal = duty.raised(kind="SINGLE_CASE", case_id=int(card.partition(":")[2]), slot="x")
    found = analysed(duty, SEER, signal)
    assert found["cases"] == 1
    assert grounds(found)["SINGLE_CASE"] is True
