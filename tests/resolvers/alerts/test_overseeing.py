"""`signalReport` at the edge: figures of real stores, for whom, and with a region that is away."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from regions.alerts import signal_events
from regions.ids import take_ids
from regions.instants import now
from regions.users import accounts
from regions.zones import CHINA, zone_of
from resolvers.users import Role
from resolvers.users.rosters import Shift, on_duty, put_shifts
from tests.answering import viewer
from tests.keys import same_keys
from tests.resolvers.alerts.duty import (
    CITY,
    CITY_HOSPITAL,
    ELSEWHERE,
    NATIONAL,
    ON_DUTY,
    Duty,
    card,
    form,
)
from tests.resolvers.alerts.telling import COUNTY_UNIT, put_person
from tests.stores import noticed

CARD, FORM = "fileAbnormalInformationCard", "fileInvestigationForm"
FIGURES = """signals absorbed counties perCountyWeek answered answeredRate hoursToAnswer
  withinTwoHours withinTwoHoursRate withinDay withinDayRate suspected suspectedRate suspectedEvents
  confirmed confirmedRate confirmedEvents excluded overseen"""
REPORT = f"""query ($p: SignalReportPeriod!, $d: Date!, $c: RegionCode) {{
  signalReport(period: $p, date: $d, code: $c) {{ code period from to asOf complete
    total {{ {FIGURES} }} before {{ {FIGURES} }}
    diseases {{ disease {{ id nameZh }} figures {{ {FIGURES} }} }}
    areas {{ code complete figures {{ {FIGURES} }} }}
    counties {{ code complete figures {{ {FIGURES} }} }}
    methods {{ method figures {{ {FIGURES} }} }}
    curve {{ from to signals suspected confirmed }}
    grounds {{ ground suspected confirmed excluded }}
    falseSignals {{ signals rate byCard byInvestigation dataAnalysis phone other }}
    open {{ unanswered singleCaseLate late suspectedEvents investigatedEvents formsLate
      watchedEvents }}
    unmanned
    regions {{ code state }} }} }}"""
PROVINCE = viewer("320000", Role.DUTY_PERSON, account="jiangsu")


def asked(duty: Duty, who: Any = NATIONAL, **given: Any) -> Any:
    variables = {"p": "WEEK", "d": "2026-03-01"} | given
    return duty.ask(REPORT, who, variables)


def report(duty: Duty, who: Any = NATIONAL, **given: Any) -> Any:
    found = asked(duty, who, **given)
    assert found.errors == []
    return found.data["signalReport"]


def answered(duty: Duty, **given: Any) -> str:
    """A signal of Wuxi that was answered some hours after it was sent."""
    answer = {"sent_at": "2026-03-02T00:00:00Z", "answered_at": "2026-03-02T01:00:00Z"}
    answer["code"] = "320205"
    return duty.raised(sent=False, region="320200", state="EXCLUDED", **(answer | given))


def test_figures_of_all_regions(either: Duty) -> None:
    duty = either
    first = duty.raised()
    number = int(first.partition(":")[2])
    duty.raised(sent=False, absorbed_into=number)
    duty.done(CARD, ON_DUTY, duty.raised(disease="dengue"), **card())
    duty.done(FORM, ON_DUTY, duty.investigated(), **form())
    duty.done(FORM, ON_DUTY, duty.investigated(method="EARS_C1"), **_no_outbreak("EXCLUDED"))
    answered(duty)
    answered(duty, answered_at="2026-03-02T03:00:00Z")
    duty.done("viewSignal", CITY, first)
    duty.raised(day="2026-02-20")  # of the week before
    duty.raised(day="2026-01-01", kind="SINGLE_CASE", disease="plague")

    found = report(duty)
    assert (found["code"], found["from"], found["to"]) == ("000000", "2026-02-23", "2026-03-01")
    assert found["complete"]
    total = found["total"]
    assert (total["signals"], total["absorbed"]) == (6, 1)
    assert (total["answered"], total["withinTwoHours"], total["withinDay"]) == (5, 1, 2)
    assert total["withinDayRate"] == pytest.approx(2 / 6, abs=1e-6)
    assert (total["suspected"], total["suspectedEvents"]) == (2, 2)
    assert (total["confirmed"], total["confirmedEvents"], total["excluded"]) == (1, 1, 4)
    assert total["overseen"] == 1
    counties = total["counties"]
    assert counties == 11 + 7  # of Nanjing and Wuxi
    assert total["perCountyWeek"] == pytest.approx(6 / counties, abs=1e-6)
    assert found["before"]["signals"] == 1
    assert [(one["disease"]["id"], one["figures"]["signals"]) for one in found["diseases"]] == [
        ("measles", 5),
        ("dengue", 1),
    ]
    assert [(one["code"], one["figures"]["signals"]) for one in found["areas"]] == [("320000", 6)]
    assert [(one["code"], one["figures"]["signals"]) for one in found["counties"]] == [
        ("320102", 4),
        ("320205", 2),
    ]
    methods = {one["method"]: one["figures"]["signals"] for one in found["methods"]}
    assert methods == {"MOVING_PERCENTILE": 5, "EARS_C1": 1}
    assert [one["signals"] for one in found["curve"]] == [0, 0, 0, 0, 0, 0, 6]
    assert found["curve"][-1]["confirmed"] == 1
    grounds = {one["ground"]: one for one in found["grounds"]}
    assert list(grounds) == ["PLACE", "TIME", "PEOPLE", "RARE", "SINGLE_CASE", "SPREADING"]
    assert (grounds["PLACE"]["suspected"], grounds["PLACE"]["excluded"]) == (2, 1)
    false = found["falseSignals"]
    assert (false["signals"], false["byCard"], false["byInvestigation"]) == (4, 3, 1)
    assert (false["rate"], false["phone"]) == (0.8, 2)
    waits = found["open"]
    assert (waits["unanswered"], waits["singleCaseLate"], waits["late"]) == (3, 1, 3)
    assert {one["state"] for one in found["regions"]} == {"ANSWERED"}


def _no_outbreak(conclusion: str) -> dict[str, Any]:
    return form(conclusion=conclusion, grounds=[])


def test_what_lies_ahead_is_no_part_of_a_time_that_runs(duty: Duty) -> None:
    """A signal of a month of which some days have begun; the month before is over."""
    today = date.fromisoformat(zone_of(CHINA).day(now()))
    for day in (today, today.replace(day=1) - timedelta(days=1)):
        duty.raised(sent=False, day=day.isoformat())
    found = report(duty, p="MONTH", d=today.isoformat())
    counties = found["total"]["counties"]
    rates = found["total"]["perCountyWeek"], found["before"]["perCountyWeek"]
    last = (today.replace(day=1) - timedelta(days=1)).day
    expected = [7 / (counties * days) for days in (today.day, last)]
    assert rates == (pytest.approx(expected[0], abs=1e-6), pytest.approx(expected[1], abs=1e-6))
    ahead = (today + timedelta(days=400)).isoformat()
    assert report(duty, p="MONTH", d=ahead)["total"]["perCountyWeek"] == 0


def test_where_nobody_is_on_duty(duty: Duty) -> None:
    """Of the area alone, by the roster and the accounts of now."""
    keys, other = same_keys(), "cdc-320104"
    counties = report(duty, c="320100")["unmanned"]
    assert (counties[0], len(counties)) == ("320102", 11)

    def work(connection: Connection) -> list[str]:
        put_person(connection, keys, 1)
        put_person(connection, keys, 2, other)
        put_person(connection, keys, 3, "cdc-320105", standing=False)
        shift = Shift("duty-3", "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
        put_shifts(connection, "cdc-320105", (shift.begins, shift.ends), [shift], "a", shift.begins)
        ended = update(accounts).where(accounts.c.account == "duty-2").values(state="DISABLED")
        connection.execute(ended)
        units = (COUNTY_UNIT, other, "cdc-320105", "cdc-320106")
        return [unit for unit in units if on_duty(connection, unit, now())]

    assert duty.run(duty.central.do(work)) == [COUNTY_UNIT, "cdc-320105"]
    left = report(duty, c="320100")["unmanned"]
    assert left == [one for one in counties if one not in ("320102", "320105")]
    assert report(duty, ON_DUTY, c="320102")["unmanned"] == []


def test_cards_of_many_versions_count_once_by_the_last(duty: Duty) -> None:
    signal = duty.done(CARD, ON_DUTY, duty.raised(), **card("time"))
    duty.done(CARD, ON_DUTY, signal, **card("place", "people"))
    found = report(duty)
    assert found["total"]["signals"] == 1
    held = {one["ground"] for one in found["grounds"] if one["suspected"]}
    assert held == {"PLACE", "PEOPLE"}
    assert found["open"]["suspectedEvents"] == 1


def test_what_is_watched_on_is_open_though_long_past(duty: Duty) -> None:
    duty.done(FORM, ON_DUTY, duty.investigated(), **_no_outbreak("CONTINUED_WATCH"))
    found = report(duty, d="2026-09-01")
    assert (found["total"]["signals"], found["open"]["watchedEvents"]) == (0, 1)
    assert found["open"]["unanswered"] == 0


def test_a_city_has_its_counties_and_a_province_its_cities(duty: Duty) -> None:
    duty.raised()
    answered(duty)
    city = report(duty, CITY)
    assert city["code"] == "320100"
    assert {one["code"] for one in city["areas"]} >= {"320102", "320104", "320106"}
    assert len(city["areas"]) == city["total"]["counties"] == 11
    assert city["total"]["signals"] == 1
    assert {one["code"]: one["state"] for one in city["regions"]} == {
        "320100": "ANSWERED",
        "320200": "NOT_ASKED",
    }
    province = report(duty, PROVINCE)
    assert [one["code"] for one in province["areas"]] == ["320100", "320200"]
    assert [one["figures"]["signals"] for one in province["areas"]] == [1, 1]
    county = report(duty, NATIONAL, c="320102")
    assert (county["total"]["signals"], county["total"]["counties"]) == (1, 1)
    assert report(duty, ON_DUTY)["total"]["signals"] == 1


def test_signals_of_a_code_that_died_are_of_the_county_that_followed(duty: Duty) -> None:
    for code in ("320103", "320104"):  # 白下 was joined to 秦淮
        duty.raised(code=code)
    found = report(duty, CITY)
    counties = [(one["code"], one["figures"]["signals"]) for one in found["counties"]]
    assert counties == [("320104", 2)]


def test_a_signal_of_a_city_as_a_whole_stands_under_the_city(duty: Duty) -> None:
    duty.raised(code="320100")
    found = report(duty, CITY)
    assert [one["code"] for one in found["counties"]] == ["320100"]
    assert sum(one["figures"]["signals"] for one in found["areas"]) == 1


@pytest.mark.parametrize("period", ["DAY", "MONTH", "YEAR"])
def test_other_times(duty: Duty, period: str) -> None:
    duty.raised()
    duty.raised(day="2026-02-26")
    found = report(duty, p=period)
    signals = {"DAY": 1, "MONTH": 1, "YEAR": 2}[period]
    assert found["total"]["signals"] == signals
    assert sum(one["signals"] for one in found["curve"]) == (2 if period == "DAY" else signals)
    assert found["before"]["signals"] == {"DAY": 0, "MONTH": 1, "YEAR": 0}[period]


def test_who_may_not(duty: Duty) -> None:
    assert asked(duty, CITY_HOSPITAL).codes == ["FORBIDDEN"]
    assert asked(duty, viewer("320102", Role.AUDITOR)).codes == ["FORBIDDEN"]
    assert asked(duty, viewer("320102", Role.DIRECT_REPORTER)).codes == ["FORBIDDEN"]
    for who, code in ((ELSEWHERE, "320102"), (CITY, "320200"), (CITY, "320000"), (CITY, "000000")):
        assert asked(duty, who, c=code).codes == ["FORBIDDEN"]
    for day in ("0001-01-01", "9999-12-31"):
        assert asked(duty, p="MONTH", d=day).codes == ["INVALID_INPUT"]


def test_a_region_that_is_away_is_named_and_its_counties_do_not_count(duty: Duty) -> None:
    duty.raised()
    answered(duty)
    assert duty.regions[1].path is not None
    duty.regions[1].path.unlink()
    noticed()
    found = asked(duty)
    assert found.codes == ["REGION_UNAVAILABLE"]
    told = found.data["signalReport"]
    assert (told["complete"], told["total"]["signals"], told["total"]["counties"]) == (False, 1, 11)
    (area,) = told["areas"]
    assert (area["code"], area["complete"], area["figures"]["counties"]) == ("320000", False, 11)
    cities = asked(duty, PROVINCE).data["signalReport"]["areas"]
    assert [(one["code"], one["complete"]) for one in cities] == [
        ("320100", True),
        ("320200", False),
    ]


def test_a_signal_seen_twice_by_those_above_counts_once(duty: Duty) -> None:
    signal = duty.raised()
    for who in (CITY, NATIONAL):
        duty.done("viewSignal", who, signal)

    def one_more(connection: Any) -> None:
        row = {
            "id": take_ids(connection, "320100", 1),
            "signal_id": int(signal.partition(":")[2]),
            "at": "2026-03-02T00:00:00Z",
            "event": "OVERSEE",
            "to_state": "SENT",
        }
        connection.execute(insert(signal_events).values(row))

    duty.within(one_more)
    assert report(duty)["total"]["overseen"] == 1
    assert report(duty)["total"]["signals"] == 1
