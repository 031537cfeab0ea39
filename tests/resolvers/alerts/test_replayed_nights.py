"""A night that ran, replayed by `detect` and by the tuner: it gives the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regions.engines import sqlite_engine
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.alerts.night_settings import NightSettings
from resolvers.central import Central
from tests.answering import NATIONAL, Gateway
from tests.resolvers.alerts.nights import (
    CHINA,
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

RULES = book(rule("measles", id="national-measles"))
CODES = (
    ("320102", "320103", "320104", "320105", "320111"),  # 320103 is 320104 by now
    ("320205", "320206", "320211"),
)
REPORTED = {"3201": "320118", "3202": "320281"}
_NIGHTS = 10
_DETECT = """query($i: DetectInput!) { detect(input: $i) {
    code ruleId days { observed expected bound score alarm enough } } }"""
_TUNE = """query($i: TuneInput!) { tuneDetection(input: $i) {
    counties ways { judged alarms signals outbreaks { afterDays } } } }"""


def measles(settings: RegionSettings, codes: tuple[str, ...], years: int, seed: int) -> None:
    """Cases on few days of some years, many of them lately; one county tells counts, with gaps."""
    random = np.random.default_rng(seed)
    for code in codes:
        rate = random.choice([0.01, 0.05, 0.3])
        days = random.poisson(rate, years * 365 + 40)
        days[:20] = random.poisson(0.2, 20)
        cases = {days_before(DAY, back): int(n) for back, n in enumerate(days) if n}
        fill(settings, counted(code, "measles", cases))
    told = {days_before(DAY, back): int(n) for back, n in enumerate(random.poisson(0.1, 1500))}
    gone = {days_before(DAY, int(back)) for back in random.integers(0, 1400, 3)}
    reported = {day: n for day, n in told.items() if day not in gone}
    fill(settings, counted(REPORTED[codes[0][:4]], "measles", reported, "REPORTED"))


@pytest.fixture(params=range(2))
def asked(
    request: pytest.FixtureRequest,
    stores: Stores,
    make: Callable[..., Gateway],
    keys: Keys,
    tmp_path: Path,
) -> Any:
    """Two regions, of which the second has counted for two years only."""
    regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    for settings, codes, years in zip(regions, CODES, (6, 2), strict=True):
        measles(settings, codes, years, request.param)
    gateway = make(regions)
    path = stores.central(tmp_path / "gateway.db")
    engine = sqlite_engine(str(path))
    central = Central(engine, keys)
    for executor in gateway._executors.values():
        executor._central = central
    yield gateway
    gateway.run(central.close())
    gateway.run(engine.dispose())


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("history_from", [None, "2015-01-01", "2024-06-01"])
def test_a_replay_gives_the_same_as_the_night(
    asked: Gateway, keys: Keys, history_from: str | None
) -> None:
    asked.answering.nights = NightSettings(CHINA, history_from=history_from)
    run_nights(asked.regions, keys, RULES, history_from=history_from)
    raised = {row["code"]: row for settings in asked.regions for row in signal_rows(settings)}
    codes = [*REPORTED.values(), *CODES[0], *CODES[1]]
    given = {"diseases": ["measles"], "codes": codes, "from": DAY, "to": DAY}
    told: dict[str, Any] = {}
    for series in asked.ask(_DETECT, NATIONAL, {"i": given}).data["detect"]:
        (told[series["code"]],) = series["days"]
        assert series["ruleId"] == "national-measles"
    assert told.pop("320103") == told["320104"]
    assert {code for code, day in told.items() if day["alarm"]} == set(raised)
    for code, row in raised.items():
        for name in ("observed", "expected", "bound"):
            assert told[code][name] == pytest.approx(row[name], rel=1e-11), (code, name)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("absorb_days", [0, 3])
def test_the_tuner_counts_the_signals_of_the_nights(
    asked: Gateway, keys: Keys, absorb_days: int
) -> None:
    asked.answering.nights = NightSettings(CHINA, absorb_days=absorb_days)
    for back in range(_NIGHTS - 1, -1, -1):
        day = days_before(DAY, back)
        run_nights(asked.regions, keys, RULES, day, absorb_days=absorb_days)
    raised = [row for settings in asked.regions for row in signal_rows(settings)]
    assert len({row["day"] for row in raised}) > 1
    standing = [row for row in raised if row["absorbed_into"] is None]
    began = days_before(DAY, _NIGHTS - 1)
    known = [{"code": code, "from": began, "to": DAY} for code in ("320103", "320200")]
    given: dict[str, Any] = {"disease": "measles", "code": "320000", "from": began, "to": DAY}
    given |= {"percentiles": [50], "outbreaks": known}
    found = asked.ask(_TUNE, NATIONAL, {"i": given}).data["tuneDetection"]
    (way,) = found["ways"]
    assert (way["alarms"], way["signals"]) == (len(raised), len(standing))
    for prefix, seen in zip(("320104", "3202"), way["outbreaks"], strict=True):
        first = min((row["day"] for row in raised if row["code"].startswith(prefix)), default=None)
        after = seen["afterDays"]
        assert (None if after is None else days_before(began, -after)) == first


def test_a_county_is_asked_for_alone(asked: Gateway) -> None:
    """What is read is the county, and what it was called before."""
    given = {"diseases": ["measles"], "codes": ["320104"], "from": DAY, "to": DAY}
    asked.ask(_DETECT, NATIONAL, {"i": given})
    counts = [read for read in asked.reads if "deaths" in read.sql]
    assert [read.region for read in counts] == [0]
    texts = [one for read in counts for one in read.parameters if str(one).startswith("3201")]
    assert sorted(texts) == ["320103", "320104"]
