"""`detect`: series computed for a question, by the rules or by a method that is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from regions.engines import sqlite_engine
from regions.keys import Keys
from resolvers.alerts.clustering import counties
from resolvers.alerts.night_settings import NightSettings
from resolvers.central import Central
from resolvers.users import Role
from schema.alerts import DetectionMethod as Method
from tests.answering import NATIONAL, Gateway, viewer
from tests.resolvers.alerts.nights import (
    DAY,
    book,
    counted,
    days_before,
    fill,
    rule,
    run_nights,
    signal_rows,
)
from tests.stores import Stores

_DETECT = """query($i: DetectInput!) { detect(input: $i) { code method ruleId disease { id }
    days { day cases observed expected bound score alarm enough } regions { code state } } }"""


@pytest.fixture
def asked(
    stores: Stores, make: Callable[..., Gateway], keys: Keys, tmp_path: Path
) -> Iterator[Gateway]:
    regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    for one, code in zip(regions, ("320102", "320205"), strict=True):
        fill(one, counted(code, "rabies", {days_before(DAY, 2600): 1}))
        fill(one, counted(code, "measles", {DAY: 2, days_before(DAY, 365): 1}))
    gateway = make(regions)
    path = stores.central(tmp_path / "gateway.db")
    engine = sqlite_engine(str(path))
    central = Central(engine, keys)
    for executor in gateway._executors.values():
        executor._central = central
    yield gateway
    gateway.run(central.close())
    gateway.run(engine.dispose())


def _given(**more: Any) -> dict[str, Any]:
    given = {"diseases": ["measles"], "codes": ["320102"], "from": days_before(DAY, 1), "to": DAY}
    return {"i": given | more}


def test_by_the_rules_in_effect(asked: Gateway) -> None:
    (series,) = asked.ask(_DETECT, NATIONAL, _given()).data["detect"]
    assert (series["method"], series["ruleId"]) == ("MOVING_PERCENTILE", "national-measles")
    yesterday, today = series["days"]
    assert (yesterday["day"], yesterday["observed"], yesterday["alarm"]) == (
        days_before(DAY, 1),
        0,
        False,
    )
    assert (today["cases"], today["observed"], today["bound"]) == (2, 2, 0)
    assert today["alarm"]
    assert today["enough"]


def test_a_code_is_all_below_it_over_regions(asked: Gateway) -> None:
    (series,) = asked.ask(_DETECT, NATIONAL, _given(codes=["320000"])).data["detect"]
    assert series["days"][-1]["cases"] == series["days"][-1]["observed"] == 4
    assert [one["state"] for one in series["regions"]] == ["ANSWERED", "ANSWERED"]


def test_a_method_is_tried(asked: Gateway) -> None:
    tried = _given(
        method="MOVING_PERCENTILE",
        parameters=[{"name": "percentile", "value": "100"}, {"name": "years", "value": "1"}],
    )
    (series,) = asked.ask(_DETECT, NATIONAL, tried).data["detect"]
    assert series["ruleId"] is None
    assert (series["days"][-1]["bound"], series["days"][-1]["alarm"]) == (1, True)


def test_where_no_series_is_watched_there_are_no_days(asked: Gateway) -> None:
    found = asked.ask(_DETECT, NATIONAL, _given(diseases=["plague", "covid19"])).data["detect"]
    assert [(one["method"], one["days"]) for one in found] == [("SINGLE_CASE", []), ("NONE", [])]


@pytest.mark.parametrize(
    ("who", "given_", "code"),
    [
        (viewer("330000"), {}, "FORBIDDEN"),
        (viewer("320102", Role.DIRECT_REPORTER, unit="h"), {}, "FORBIDDEN"),
        (viewer(role=Role.AUDITOR), {}, "FORBIDDEN"),
        (NATIONAL, {"from": "2026-03-02"}, "INVALID_INPUT"),
        (NATIONAL, {"diseases": ["nobody"]}, "INVALID_INPUT"),
        (NATIONAL, {"from": "2020-01-01"}, "TOO_LARGE"),
        (NATIONAL, {"method": "NONE"}, "INVALID_INPUT"),
        (NATIONAL, {"parameters": [{"name": "k", "value": "1"}]}, "INVALID_INPUT"),
        (
            NATIONAL,
            {"method": "CUSUM", "parameters": [{"name": "k", "value": "-"}]},
            "INVALID_INPUT",
        ),
        (
            NATIONAL,
            {"method": "CUSUM", "parameters": [{"name": "k", "value": "-1"}]},
            "INVALID_INPUT",
        ),
    ],
)
def test_what_is_refused(asked: Gateway, who: Any, given_: dict[str, Any], code: str) -> None:
    assert asked.ask(_DETECT, who, _given(**given_)).codes == [code]


_CLUSTERS = """query($i: DetectInput!) { detect(input: $i) { code method ruleId
    days { day cases observed expected score alarm enough members recurrenceDays } } }"""


@pytest.fixture
def scanned(asked: Gateway) -> Gateway:
    """An outbreak of dysentery in one county of Nanjing and one of Wuxi."""
    for one, city in zip(asked.regions, ("3201", "3202"), strict=True):
        codes = [code for code in counties() if code.startswith(city)]
        rows = [
            row
            for number, code in enumerate(codes)
            for row in counted(
                code, "dysentery", {days_before(DAY, n): 1 for n in range(5 + number, 150, 9)}
            )
        ]
        fill(one, rows)
    fill(asked.regions[0], counted("320102", "dysentery", {DAY: 20}))
    fill(asked.regions[1], counted("320205", "dysentery", {DAY: 20}))
    asked.answering.nights = NightSettings(clusters=True)
    return asked


def _scan(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"diseases": ["dysentery"]}
    given |= {"codes": ["320102", "320118", "320205"]}
    given |= {"from": days_before(DAY, 1), "to": DAY, "clusters": True}
    return {"i": given | more}


def test_clusters_by_the_rule_are_those_of_the_night(scanned: Gateway, keys: Keys) -> None:
    rules = book(
        rule(
            "dysentery",
            Method.SPACE_TIME_PERMUTATION,
            id="national-clusters-dysentery",
            effective_from="2026-01-01",
        )
    )
    run_nights(scanned.regions, keys, rules, clusters=True)
    raised = {
        code: row
        for settings in scanned.regions
        for row in signal_rows(settings)
        for code in orjson.loads(row["members"])
    }
    assert {"320102", "320205"} <= set(raised)
    for series in scanned.ask(_CLUSTERS, NATIONAL, _scan()).data["detect"]:
        assert series["ruleId"] == "national-clusters-dysentery"
        before, today = series["days"]
        row = raised.get(series["code"])
        assert not before["alarm"]
        assert today["enough"]
        assert today["alarm"] is (row is not None)
        if row is not None:
            assert today["members"] == orjson.loads(row["members"])
            assert (today["observed"], today["expected"]) == (row["observed"], row["expected"])
            assert today["recurrenceDays"] == pytest.approx(row["recurrence_days"])


def test_a_scan_looks_at_the_own_jurisdiction_alone(scanned: Gateway) -> None:
    given = _scan(codes=["320102"], method="SPACE_TIME_PERMUTATION")
    (series,) = scanned.ask(_CLUSTERS, viewer("320100"), given).data["detect"]
    assert series["ruleId"] is None
    members = series["days"][-1]["members"]
    assert "320102" in members
    assert all(code.startswith("3201") for code in members)
    asked_of = {read.region for read in scanned.reads}
    assert asked_of == {0}


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"codes": ["320100"]}, "INVALID_INPUT"),
        ({"method": "RKI"}, "INVALID_INPUT"),
        ({"from": days_before(DAY, 31)}, "TOO_LARGE"),
        ({"codes": ["330102"]}, "FORBIDDEN"),
    ],
)
def test_what_is_refused_of_scans(scanned: Gateway, given_: dict[str, Any], code: str) -> None:
    assert scanned.ask(_CLUSTERS, viewer("320000"), _scan(**given_)).codes == [code]


def test_the_shipped_scans_are_listed_where_they_are_run(asked: Gateway) -> None:
    question = "query($c: RegionCode) { detectionRules(code: $c) { id method } }"
    for clusters, there in ((True, {"SPACE_TIME_PERMUTATION"}), (False, set())):
        asked.answering.nights = NightSettings(clusters=clusters)
        for code in ("320102", None):
            rules = asked.ask(question, NATIONAL, {"c": code}).data["detectionRules"]
            assert {one["method"] for one in rules if "SPACE" in one["method"]} == there


def test_a_region_that_is_away_is_named(asked: Gateway) -> None:
    assert asked.regions[1].path is not None
    asked.regions[1].path.unlink()
    found = asked.ask(_DETECT, NATIONAL, _given(codes=["320000"]))
    assert found.codes == ["REGION_UNAVAILABLE"]
    (series,) = found.data["detect"]
    assert series["days"][-1]["cases"] == 2
