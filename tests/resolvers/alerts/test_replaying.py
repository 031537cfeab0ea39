"""`detect`: series computed for a question, by the rules or by a method that is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from regions.engines import sqlite_engine
from regions.keys import Keys
from regions.migrating import migrate_central
from resolvers.central import Central
from resolvers.users import Role
from tests.answering import NATIONAL, Gateway, viewer
from tests.resolvers.alerts.nights import DAY, counted, days_before, fill
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
    path = tmp_path / "gateway.db"
    gateway.run(migrate_central(path))
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


def test_a_region_that_is_away_is_named(asked: Gateway) -> None:
    assert asked.regions[1].path is not None
    asked.regions[1].path.unlink()
    found = asked.ask(_DETECT, NATIONAL, _given(codes=["320000"]))
    assert found.codes == ["REGION_UNAVAILABLE"]
    (series,) = found.data["detect"]
    assert series["days"][-1]["cases"] == 2
