"""Cards of single-case diseases: one signal each, in the transaction that wrote them (E3, E4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from gateway.config import load_config
from regions.alerts import signals
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.alerts.rules import RuleBook
from resolvers.alerts.slots import Found, put_signals
from schema.alerts import DetectionMethod as Method
from schema.alerts import SignalKind
from tests.resolvers.alerts.nights import book, counted, fill, rule, run_nights, signal_rows
from tests.resolvers.lists import LISTS, run
from tests.resolvers.writing.making import NATIONAL, Row, Writer, case_input, correction
from tests.stores import Stores, in_store

PLAGUE = rule("plague", Method.SINGLE_CASE)
RULES = book(PLAGUE, rule("measles"), rule("measles", Method.SINGLE_CASE, prefix="320104"))
H7N9 = LISTS / "h7n9_china_2013_linelist.csv"


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, stores: Stores, keys: Keys) -> Iterator[Writer]:
    """Nanjing and Wuxi, empty, on each kind of store; plague is watched by single cases."""
    made = Writer([stores.make(request.param, code) for code in ("3201", "3202")], keys)
    made.stores.rules = lambda: RULES
    yield made
    made.close()


@pytest.fixture
def file(stores: Stores, keys: Keys) -> Iterator[Writer]:
    made = Writer([stores.sqlite(code) for code in ("3201", "3202")], keys)
    made.stores.rules = lambda: RULES
    yield made
    made.close()


def registered(writer: Writer, **given: Any) -> str:
    found = writer.do("registerCase", NATIONAL, case_input(**{"disease": "plague"} | given))
    assert found["__typename"] == "RegisterCasePayload", found
    return str(found["case"]["id"])


def corrected(writer: Writer, case: str, *changes: tuple[str, str | None]) -> None:
    found = writer.do("correct", NATIONAL, correction(case, *changes))
    assert found["__typename"] == "CorrectPayload", found


def raised(writer: Writer) -> list[Row]:
    return [row for one in writer.regions for row in signal_rows(one)]


def test_a_card_raises_its_signal_with_itself(desk: Writer) -> None:
    case = registered(desk, reportedAt="2026-03-02T23:30:00+08:00")
    (found,) = raised(desk)
    assert f"case:{found['case_id']}" == case
    assert (found["kind"], found["disease"], found["code"]) == ("SINGLE_CASE", "plague", "320102")
    assert (found["day"], found["number"]) == ("2026-03-02", "32010220260302001")
    assert (found["observed"], found["cases"], found["state"]) == (1, 1, "DETECTED")
    assert found["data_version"] == str(found["case_id"])


def test_cases_that_were_loaded_as_counts_too_count_once(desk: Writer) -> None:
    registered(desk)
    days = {found["day"]: 1 for found in raised(desk)}
    fill(desk.regions[0], counted("320102", "plague", days, "REPORTED"))
    registered(desk)
    assert [one["cases"] for one in raised(desk)] == [1, 2]


def test_the_day_is_that_of_the_zone(desk: Writer) -> None:
    registered(desk, reportedAt="2026-03-02T00:30:00+08:00")
    (found,) = raised(desk)
    assert found["day"] == "2026-03-02"
    (cell,) = desk.rows("daily_counts")
    assert cell["day"] == "2026-03-02"


def test_each_card_is_one_of_its_own(desk: Writer) -> None:
    for _ in range(3):
        registered(desk)
    assert [one["number"][-3:] for one in raised(desk)] == ["001", "002", "003"]
    assert [one["cases"] for one in raised(desk)] == [1, 2, 3]
    assert all(one["absorbed_into"] is None for one in raised(desk))


def test_the_same_card_twice_is_one(desk: Writer) -> None:
    given = case_input(disease="plague")
    first, second = (desk.do("registerCase", NATIONAL, given) for _ in range(2))
    assert (first["repeated"], second["repeated"]) == (False, True)
    assert len(raised(desk)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        [("classification", "SUSPECTED"), ("classification", "CONFIRMED")],
        [("classification", "EXCLUDED"), ("classification", "CONFIRMED")],
        [("reportedAt", "2026-03-05T09:00:00+08:00")],
        [("outcome", "DIED"), ("outcome", None)],
        [("disease", "measles"), ("disease", "plague")],
        [("code", "320105"), ("code", "320102")],
    ],
    ids=lambda changes: changes[0][0],
)
def test_whatever_becomes_of_a_card_it_has_one_signal_where_it_is(
    file: Writer, changes: list[tuple[str, str]]
) -> None:
    case = registered(file)
    before = raised(file)
    for change in changes:
        corrected(file, case, change)
    after = raised(file)
    assert after[0] == before[0]  # what was told stays told
    codes = [one["code"] for one in after]
    assert codes == (["320102", "320105"] if changes[0][0] == "code" else ["320102"])


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"classification": "EXCLUDED"}, ("classification", "CONFIRMED")),
        ({"classification": "ASYMPTOMATIC"}, ("classification", "SUSPECTED")),
        ({"disease": "mumps"}, ("disease", "plague")),
        ({"disease": "measles"}, ("code", "320104")),
    ],
)
def test_a_card_that_becomes_one_raises_it_then(
    file: Writer, given: dict[str, str], change: tuple[str, str]
) -> None:
    case = registered(file, **given)
    assert raised(file) == []
    corrected(file, case, change)
    (found,) = raised(file)
    assert f"case:{found['case_id']}" == case


def test_a_second_card_of_an_illness_is_none(file: Writer) -> None:
    first = registered(file)
    person = file.rows("cases")[0]["person_id"]
    own: dict[str, Any] = {"person": None, "personId": f"person:{person}"}
    registered(file, **own, reportedAt="2026-03-20T09:00:00+08:00")
    assert [f"case:{one['case_id']}" for one in raised(file)] == [first]
    registered(file, **own, reportedAt="2026-05-20T09:00:00+08:00")  # ill again
    assert len(raised(file)) == 2
    registered(file, **own, code="320105", reportedAt="2026-05-21T09:00:00+08:00")
    assert [one["code"] for one in raised(file)] == ["320102", "320102", "320105"]


def test_a_second_card_after_an_excluded_signal_is_one_of_its_own(file: Writer) -> None:
    registered(file)
    person = file.rows("cases")[0]["person_id"]

    def exclude(connection: Any) -> None:
        connection.execute(update(signals).values(state="EXCLUDED"))

    in_store(file.regions[0], exclude)
    own: dict[str, Any] = {"person": None, "personId": f"person:{person}"}
    registered(file, **own, reportedAt="2026-03-20T09:00:00+08:00")
    assert len(raised(file)) == 2


@pytest.mark.parametrize(
    "given",
    [
        {"disease": "measles"},
        {"disease": "cholera"},
        {"classification": "EXCLUDED"},
        {"classification": "ASYMPTOMATIC"},
        {"reportedAt": "2008-04-20T09:00:00+08:00", "onsetOn": "2008-04-19"},
    ],
    ids=lambda given: next(iter(given.values())),
)
def test_what_no_rule_watches_so_raises_nothing(file: Writer, given: dict[str, str]) -> None:
    registered(file, **given)
    assert raised(file) == []


def test_a_card_that_is_refused_raises_nothing(file: Writer) -> None:
    refused = file.do("registerCase", NATIONAL, case_input(disease="plague", code="999999"))
    assert refused["__typename"] == "InvalidInputProblem"
    assert raised(file) == []


def test_the_night_finds_cards_that_have_none(stores: Stores, keys: Keys) -> None:
    """The rule came after the card, or could not be read as it was written."""
    writer = Writer([stores.sqlite("3201")], keys)
    registered(writer, reportedAt="2026-03-01T12:00:00+08:00", onsetOn=None)
    registered(writer, reportedAt="2026-02-28T23:59:00+08:00", onsetOn=None)  # came back late
    registered(writer, reportedAt="2026-01-29T12:00:00+08:00", onsetOn=None)  # history
    writer.close()
    (done,) = run_nights(writer.regions, keys, RULES)
    assert len(done.signals) == 2
    found = [(one["day"], one["kind"]) for one in signal_rows(writer.regions[0])]
    assert sorted(found) == [("2026-02-28", "SINGLE_CASE"), ("2026-03-01", "SINGLE_CASE")]


def _put(settings: RegionSettings, rows: list[Found]) -> int:
    def work(connection: Any) -> int:
        at = "2026-03-02T00:00:00Z"
        put = put_signals(connection, "320100", rows, at=at, data_version="1", absorb_days=7)
        return len(put.standing)

    return in_store(settings, work)


def test_a_county_may_have_a_thousand_signals_a_day(stores: Stores) -> None:
    region = stores.sqlite("3201")
    rows = [
        Found(
            SignalKind.SINGLE_CASE,
            PLAGUE,
            "320102",
            "2026-03-01",
            observed=1,
            cases=1,
            deaths=0,
            slot=str(number),
            case_id=number,
        )
        for number in range(1, 1003)
    ]
    assert _put(region, rows[:500]) == 500
    assert _put(region, rows) == 502  # the others' slots are taken
    numbers = [one["number"] for one in signal_rows(region)]
    assert len(set(numbers)) == 1002
    assert {len(one) for one in numbers} == {17, 18}


# The real line list ------------------------------------------------------------------------------


def _rules() -> RuleBook:
    return book(rule("novel_influenza", Method.SINGLE_CASE))


def _country(stores: Stores, *without: str) -> list[RegionSettings]:
    """The provinces of the example, in three stores."""
    example = load_config(LISTS.parent / "national.toml")
    codes = [one for region in example.regions for one in region.prefixes if one not in without]
    return [
        replace(stores.sqlite(codes[first]), prefixes=tuple(codes[first::3])) for first in range(3)
    ]


def _raised_by(regions: list[RegionSettings]) -> list[Row]:
    return [row for one in regions for row in signal_rows(one)]


def test_h7n9_raises_a_signal_for_every_card(stores: Stores, keys: Keys, tmp_path: Path) -> None:
    """All 136, in the provinces of `examples/national.toml`."""
    country = _country(stores)
    summary = run(tmp_path, country, keys, H7N9, "h7n9-china-2013", book=_rules())
    assert (summary.loaded, summary.records["signals"]) == (136, 136)
    found = _raised_by(country)
    cards = {one["case_id"] for one in found}
    assert len(found) == len(cards) == len({one["number"] for one in found}) == 136
    assert {one["day"][:4] for one in found} == {"2013"}
    again = run(tmp_path, country, keys, H7N9, "h7n9-china-2013", book=_rules())
    assert again.unchanged == 136
    assert _raised_by(country) == found


def test_h7n9_without_taiwan_raises_one_signal_less(
    stores: Stores, keys: Keys, tmp_path: Path
) -> None:
    country = _country(stores, "71")
    summary = run(tmp_path, country, keys, H7N9, "h7n9-china-2013", book=_rules())
    assert (summary.loaded, summary.outside, summary.records["signals"]) == (135, 1, 135)
