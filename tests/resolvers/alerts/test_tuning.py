"""The tuner: what other ways would have signalled and missed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from regions.areas import reference_areas
from regions.errors import TooLarge
from resolvers.alerts.counts import Counted
from resolvers.alerts.parameters import checked
from resolvers.alerts.tuning import Outbreak, Way, new_spells, replay
from resolvers.alerts.tuning_asked import _bound
from resolvers.users import Role
from schema.alerts import DetectionMethod as Method
from tests.answering import NATIONAL, Gateway, viewer
from tests.resolvers.alerts.nights import DAY, counted, days_before, fill
from tests.stores import Stores

_TUNE = """query($i: TuneInput!) { tuneDetection(input: $i) { code days counties disease { id }
  ways { method parameters { name value } judged alarms signals signalsPerDay missed
    outbreaks { code from to judged afterDays } } regions { code state } } }"""
_BEGAN, _SPIKE = days_before(DAY, 30), days_before(DAY, 10)


@pytest.fixture
def asked(stores: Stores, make: Callable[..., Gateway]) -> Gateway:
    """Two regions with a case a week for years, and an outbreak of ten cases in one county."""
    regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    for one, code in zip(regions, ("320102", "320205"), strict=True):
        weekly = {days_before(DAY, 7 * week): 1 for week in range(240)}
        fill(one, counted(code, "measles", weekly))
    fill(regions[0], counted("320102", "measles", {_SPIKE: 10}))
    return make(regions)


def _given(**more: Any) -> dict[str, Any]:
    given = {"disease": "measles", "code": "320000", "from": _BEGAN, "to": DAY}
    return {"i": given | more}


def test_a_higher_percentile_signals_no_more_and_a_lower_misses_no_more(asked: Gateway) -> None:
    known = [
        {"code": "320100", "from": _SPIKE, "to": days_before(DAY, 5)},
        {"code": "320205", "from": _SPIKE, "to": days_before(DAY, 5)},
    ]
    found = asked.ask(_TUNE, NATIONAL, _given(outbreaks=known)).data["tuneDetection"]
    assert (found["counties"], found["days"]) == (2, 31)
    assert [one["state"] for one in found["regions"]] == ["ANSWERED", "ANSWERED"]
    ways = found["ways"]
    told = [way["parameters"][0]["value"] for way in ways]
    assert told == [str(one) for one in range(45, 100, 5)]
    for lower, higher in pairwise(ways):
        assert lower["alarms"] >= higher["alarms"]
        assert lower["missed"] <= higher["missed"]
    for way in ways:
        assert way["judged"] == 62
        assert way["signalsPerDay"] == way["signals"] / 31
        assert way["outbreaks"][0]["afterDays"] == 0
    strict = asked.ask(
        _TUNE,
        NATIONAL,
        _given(
            outbreaks=known,
            percentiles=[],
            methods=[{"method": "EARS_C2", "parameters": [{"name": "baseline", "value": "14"}]}],
        ),
    ).data["tuneDetection"]["ways"]
    assert [way["method"] for way in strict] == ["EARS_C2"]
    assert [one["afterDays"] for one in strict[0]["outbreaks"]] == [0, None]
    assert strict[0]["missed"] == 1


def test_what_cannot_be_judged_is_no_part_of_signals_a_day(asked: Gateway) -> None:
    """The record is of 240 weeks: the percentile, which looks back three years, judges the rest."""
    began = days_before(DAY, 5 * 365)
    early = {"code": "320102", "from": began, "to": days_before(DAY, 1700)}
    late = {"code": "320102", "from": _SPIKE, "to": DAY}
    given = _given(**{"from": began}, percentiles=[80], outbreaks=[early, late])
    (way,) = asked.ask(_TUNE, NATIONAL, given).data["tuneDetection"]["ways"]
    assert 2 * 365 < way["judged"] < 2 * 600
    assert way["signalsPerDay"] == pytest.approx(2 * way["signals"] / way["judged"])
    assert [one["judged"] for one in way["outbreaks"]] == [False, True]
    assert way["missed"] == 1
    given = _given(**{"from": began, "to": days_before(DAY, 1700)}, percentiles=[80])
    (none,) = asked.ask(_TUNE, NATIONAL, given).data["tuneDetection"]["ways"]
    assert (none["judged"], none["signalsPerDay"]) == (0, None)


def test_the_largest_province_is_replayed_over_five_years(
    stores: Stores, make: Callable[..., Gateway]
) -> None:
    """Sichuan, of 183 counties: by two percentiles and a method."""
    sichuan = stores.sqlite("51")
    codes = [one.code for one in reference_areas().under(("51",)) if one.code[4:] != "00"]
    assert len(codes) == 183
    rows = [counted(code, "measles", {days_before(DAY, 9 * 365): 1, DAY: 9}) for code in codes]
    fill(sichuan, [row for some in rows for row in some])
    given = {"code": "510000", "from": days_before(DAY, 5 * 365), "percentiles": [50, 95]}
    asked = _given(**given, methods=[{"method": "EARS_C1"}])
    found = make([sichuan]).ask(_TUNE, NATIONAL, asked).data["tuneDetection"]
    assert (found["counties"], found["days"]) == (183, 1826)
    assert [way["signals"] for way in found["ways"]] == [183] * 3
    assert [way["judged"] for way in found["ways"]] == [183 * 1826] * 3


@pytest.mark.parametrize(
    ("counties", "days", "methods", "fits"),
    [
        (2_850, 5 * 366, [Method.MOVING_PERCENTILE] * 11, True),  # the country
        (183, 5 * 366, [Method.MOVING_PERCENTILE] * 11 + [Method.CUSUM, Method.EWMA], True),
        (183, 5 * 366, [Method.OUTBREAK_P], True),
        (400, 5 * 366, [Method.OUTBREAK_P], False),
        (2_850, 5 * 366, [Method.CUSUM], False),
    ],
)
def test_what_fits_is_measured_by_the_work(
    counties: int, days: int, methods: list[Method], fits: bool
) -> None:
    with nullcontext() if fits else pytest.raises(TooLarge, match="more than 120 s"):
        _bound(counties, days, methods)


def test_what_is_asked_is_checked(asked: Gateway) -> None:
    late = {"code": "320102", "from": _SPIKE, "to": days_before(DAY, -1)}
    for given, code in (
        ({"from": days_before(DAY, 1831)}, "TOO_LARGE"),
        ({"to": days_before(DAY, 31)}, "INVALID_INPUT"),
        ({"percentiles": []}, "INVALID_INPUT"),
        ({"percentiles": [101]}, "INVALID_INPUT"),
        ({"methods": [{"method": "SINGLE_CASE"}]}, "INVALID_INPUT"),
        ({"outbreaks": [late]}, "INVALID_INPUT"),
        ({"disease": "nonsense"}, "INVALID_INPUT"),
    ):
        assert asked.ask(_TUNE, NATIONAL, _given(**given)).codes == [code], given
    assert asked.ask(_TUNE, viewer("320100"), _given()).codes == ["FORBIDDEN"]
    own = asked.ask(_TUNE, viewer("320100"), _given(code="320100")).data["tuneDetection"]
    assert own["counties"] == 1
    reporter = viewer("320102", Role.DIRECT_REPORTER)
    assert asked.ask(_TUNE, reporter, _given(code="320102")).codes == ["FORBIDDEN"]


def test_spells_are_those_of_the_night() -> None:
    alarm = np.array([[1, 1, 0, 0, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0, 0, 0, 0]], dtype=bool)
    assert new_spells(alarm, 3).astype(int).tolist() == [
        [1, 0, 0, 0, 0, 0, 0, 0, 1],
        [0, 0, 1, 0, 0, 0, 0, 0, 0],
    ]
    assert (new_spells(alarm, 0) == alarm).all()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    cases = rng.poisson(0.4, (7, 400)).astype(float)
    codes = tuple(f"32010{i}" for i in range(7))
    made = Counted(codes, 738_000, 400, {"measles": cases}, {})
    way = Way(Method.EARS_C1, checked(Method.EARS_C1, {}))
    known = [Outbreak("3201", 120, 130), Outbreak("320106", 390, 399)]
    whole = replay(way, made, "measles", 100, known, 7)
    assert whole.judged == 7 * 300
    assert 0 < whole.signals <= whole.alarms
    monkeypatch.setattr("resolvers.alerts.tuning._BLOCK", 600)
    assert replay(way, made, "measles", 100, known, 7) == whole
