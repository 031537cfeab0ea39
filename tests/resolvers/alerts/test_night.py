"""The nightly run over real stores: slots, order, catching up, spells, what is missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, update

from regions.alerts import signals
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.statistics import daily_counts
from regions.zones import zone_of
from resolvers.alerts.night import Night
from resolvers.alerts.night_settings import NightSettings
from resolvers.writing.stores import Stores as WritingStores
from schema.alerts import DetectionMethod as Method
from tests.resolvers.alerts.nights import (
    CHINA,
    DAY,
    Clock,
    after_night,
    book,
    counted,
    days_before,
    fill,
    night_rows,
    rule,
    run_nights,
    signal_rows,
)
from tests.stores import Stores, in_store

OLD = {days_before(DAY, 6 * 365): 1}  # the store has counted for six years
MEASLES = rule("measles")


@pytest.fixture(params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, stores: Stores) -> RegionSettings:
    settings = stores.make(request.param, "3201")
    fill(settings, counted("320105", "rabies", OLD))
    return settings


@pytest.fixture
def file(stores: Stores) -> RegionSettings:
    settings = stores.sqlite("3201")
    fill(settings, counted("320105", "rabies", OLD))
    return settings


def test_a_night_raises_what_reaches_the_threshold_once(region: RegionSettings, keys: Keys) -> None:
    """Five years of two cases each week at this time of the year in one county, none in another."""
    usual = {
        days_before(DAY, year * 365 + week * 7): 2 for year in (1, 2, 3) for week in range(-3, 4)
    }
    fill(region, counted("320102", "measles", usual | {DAY: 3}))
    fill(region, counted("320104", "measles", usual | {DAY: 1}))
    fill(region, counted("320106", "measles", {days_before(DAY, 3): 1}))
    fill(region, counted("320113", "measles", {days_before(DAY, 8): 9}))
    (done,) = run_nights([region], keys, book(MEASLES))
    assert (done.day, len(done.signals), done.absorbed) == (DAY, 2, 0)
    assert done.series == 4  # every county that counted one of the diseases watched
    found = signal_rows(region)
    assert [(one["code"], one["observed"], one["bound"]) for one in found] == [
        ("320102", 3, 2),
        ("320106", 1, 0),
    ]
    first = found[0]
    assert first["number"] == "32010220260301001"
    assert (first["cases"], first["deaths"], first["state"]) == (3, 0, "DETECTED")
    assert (first["rule_id"], first["method"]) == (MEASLES.id, "MOVING_PERCENTILE")
    assert first["detected_at"] == after_night(DAY)
    (night,) = night_rows(region)
    assert (night["day"], night["signals"], night["series"]) == (DAY, 2, 4)
    assert run_nights([region], keys, book(MEASLES)) == []
    assert signal_rows(region) == found
    assert night_rows(region) == [night]


def test_two_gateways_do_a_night_once(region: RegionSettings, keys: Keys) -> None:
    fill(region, counted("320102", "measles", {DAY: 3}))

    async def run() -> list[int]:
        gateways = [WritingStores([region], keys, lambda: book(MEASLES)) for _ in range(4)]
        done: list[Any] = []
        nights = [
            Night(one, NightSettings(CHINA), done=done.append, now=Clock(after_night(DAY)))
            for one in gateways
        ]
        await asyncio.gather(*(one.round() for one in nights))
        for one in gateways:
            await one.close()
        return [len(one.signals) for one in done]

    assert asyncio.run(run()) == [1]
    assert len(signal_rows(region)) == len(night_rows(region)) == 1


def test_missed_nights_follow_in_order(file: RegionSettings, keys: Keys) -> None:
    """One new county each day: a gateway that was away finds what each night would have found."""
    codes = ("320102", "320104", "320105", "320106", "320111")
    for number, code in enumerate(codes):
        fill(file, counted(code, "measles", {days_before(DAY, 4 - number): 1}))
    rules = book(replace(MEASLES, parameters={"width": 1}))
    run_nights([file], keys, rules, days_before(DAY, 4))
    days = [one.day for one in run_nights([file], keys, rules, DAY)]
    assert days == [days_before(DAY, n) for n in (3, 2, 1, 0)]
    assert [(one["day"], one["code"]) for one in signal_rows(file)] == [
        (days_before(DAY, 4 - number), code) for number, code in enumerate(codes)
    ]
    assert len(night_rows(file)) == 5


def test_the_first_night_of_a_store_is_the_last_that_ended(
    file: RegionSettings, keys: Keys
) -> None:
    assert [one.day for one in run_nights([file], keys, book(MEASLES))] == [DAY]


def test_a_region_that_is_down_is_computed_when_it_is_back(stores: Stores, keys: Keys) -> None:
    regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    for one, code in zip(regions, ("320102", "320205"), strict=True):
        fill(one, counted(code, "rabies", OLD) + counted(code, "measles", {DAY: 1}))
    assert regions[0].path is not None
    away = regions[0].path.with_suffix(".away")
    regions[0].path.rename(away)
    assert [one.region for one in run_nights(regions, keys, book(MEASLES))] == ["320200"]
    away.rename(regions[0].path)
    assert [one.region for one in run_nights(regions, keys, book(MEASLES))] == ["320100"]
    assert [len(signal_rows(one)) for one in regions] == [1, 1]


def test_a_spell_is_one_open_signal(region: RegionSettings, keys: Keys) -> None:
    fill(region, counted("320102", "measles", {days_before(DAY, n): 2 for n in range(12)}))
    for back in (2, 1, 0):
        run_nights([region], keys, book(MEASLES), days_before(DAY, back))
    first, *others = signal_rows(region)
    assert (first["absorbed_into"], first["repeats"]) == (None, 2)
    assert [one["absorbed_into"] for one in others] == [first["id"]] * 2
    assert [(n["signals"], n["absorbed"]) for n in night_rows(region)] == [(1, 0), (0, 1), (0, 1)]


@pytest.mark.parametrize(
    ("state", "days", "gap", "absorbed"),
    [
        ("DETECTED", 7, 7, True),
        ("INVESTIGATING", 7, 3, True),
        ("DETECTED", 7, 8, False),
        ("EXCLUDED", 7, 1, False),
        ("CONCLUDED", 7, 1, False),
        ("DETECTED", 0, 1, False),
    ],
)
def test_where_a_spell_ends(
    file: RegionSettings, keys: Keys, state: str, days: int, gap: int, absorbed: bool
) -> None:
    rules = book(replace(MEASLES, parameters={"width": 1}))
    fill(file, counted("320102", "measles", {days_before(DAY, gap): 1, DAY: 1}))
    run_nights([file], keys, rules, days_before(DAY, gap), absorb_days=days)
    in_store(file, lambda connection: connection.execute(update(signals).values(state=state)))
    run_nights([file], keys, rules, DAY, absorb_days=days)
    _, second = signal_rows(file)
    assert (second["absorbed_into"] is not None) is absorbed


def test_late_reports_change_no_signal(file: RegionSettings, keys: Keys) -> None:
    """What the night saw stays; the same slot is never computed into another."""
    fill(file, counted("320102", "measles", {DAY: 3}))
    run_nights([file], keys, book(MEASLES))
    before = signal_rows(file)
    in_store(
        file,
        lambda connection: connection.execute(
            update(daily_counts).where(daily_counts.c.disease == "measles").values(cases=30)
        ),
    )
    run_nights([file], keys, book(MEASLES))
    assert signal_rows(file) == before


def test_the_rule_of_the_smallest_area_is_used(file: RegionSettings, keys: Keys) -> None:
    for code in ("320102", "320104", "320106"):
        fill(file, counted(code, "measles", {DAY: 1}))
    rules = book(
        MEASLES,
        rule("measles", Method.NONE, prefix="320104"),
        rule("measles", prefix="320106", parameters={"percentile": 95}, version=4),
        rule("measles", Method.EARS_C1, prefix="33"),
    )
    run_nights([file], keys, rules)
    assert [(one["code"], one["rule_id"], one["rule_version"]) for one in signal_rows(file)] == [
        ("320102", MEASLES.id, 1),
        ("320106", "320106-measles-MOVING_PERCENTILE", 4),
    ]


def test_a_broken_rule_stops_no_other(
    file: RegionSettings, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    fill(file, counted("320102", "measles", {DAY: 1}) + counted("320102", "mumps", {DAY: 1}))
    rules = book(MEASLES, rule("mumps", parameters={"percentile": 101}))
    run_nights([file], keys, rules)
    assert [one["disease"] for one in signal_rows(file)] == ["measles"]
    assert "percentile of MOVING_PERCENTILE" in caplog.text


def test_too_short_a_history_is_no_signal(stores: Stores, keys: Keys) -> None:
    """Days before the store's first count are missing, not empty."""
    young = stores.sqlite("3201")
    fill(young, counted("320105", "rabies", {days_before(DAY, 3 * 365): 1}))
    fill(young, counted("320102", "measles", {DAY: 5}))
    (done,) = run_nights([young], keys, book(MEASLES))
    assert (done.series, done.signals) == (1, ())
    other = stores.sqlite("3202")
    fill(other, counted("320205", "measles", {DAY: 5}))
    (done,) = run_nights([other], keys, book(MEASLES), history_from="2015-01-01")
    assert len(done.signals) == 1


def test_a_day_that_was_not_reported_is_missing(file: RegionSettings, keys: Keys) -> None:
    """Of counts loaded as counts a day without a row is unknown: nothing is held against it."""
    reported = {days_before(DAY, n): 0 for n in range(4 * 366)}
    there = counted("320102", "measles", reported | {DAY: 1}, "REPORTED")
    fill(file, there)
    gap = days_before(DAY, 365)
    fill(file, counted("320104", "measles", reported | {DAY: 1}, "REPORTED"))
    in_store(
        file,
        lambda connection: connection.execute(
            delete(daily_counts).where(daily_counts.c.code == "320104", daily_counts.c.day == gap)
        ),
    )
    run_nights([file], keys, book(MEASLES))
    assert [one["code"] for one in signal_rows(file)] == ["320102"]


def test_a_code_that_died_counts_as_its_successor(file: RegionSettings, keys: Keys) -> None:
    fill(file, counted("320103", "measles", {days_before(DAY, 1): 1}))
    fill(file, counted("320104", "measles", {DAY: 1}))
    run_nights([file], keys, book(MEASLES))
    (found,) = signal_rows(file)
    assert (found["code"], found["observed"]) == ("320104", 2)


@pytest.mark.parametrize(
    ("zone", "minutes", "at", "day"),
    [
        ("Asia/Shanghai", 0, "2026-03-01T15:59:59Z", "2026-02-28"),
        ("Asia/Shanghai", 0, "2026-03-01T16:00:00Z", "2026-03-01"),
        ("Asia/Shanghai", 150, "2026-03-01T18:29:59Z", "2026-02-28"),
        ("Asia/Shanghai", 150, "2026-03-01T18:30:00Z", "2026-03-01"),
        ("Europe/Berlin", 0, "2026-03-29T21:59:59Z", "2026-03-28"),
        ("Europe/Berlin", 0, "2026-03-29T22:00:00Z", "2026-03-29"),
        ("Europe/Berlin", 0, "2026-10-25T22:59:59Z", "2026-10-24"),
        ("Europe/Berlin", 0, "2026-10-25T23:00:00Z", "2026-10-25"),
        ("America/New_York", 0, "2026-01-01T04:59:59Z", "2025-12-30"),
        ("Asia/Shanghai", 0, "2024-02-29T16:00:00Z", "2024-02-29"),
    ],
)
def test_a_night_comes_at_midnight_of_the_zone(zone: str, minutes: int, at: str, day: str) -> None:
    assert NightSettings(zone_of(zone), minutes).ended(at) == day


@pytest.mark.parametrize("method", list(Method))
def test_every_method_runs_a_night(stores: Stores, keys: Keys, method: Method) -> None:
    """An explosion is found by each, six years of two cases a week by none but the percentile."""
    if method.name.startswith("SPACE_TIME") or method in (Method.NONE, Method.SINGLE_CASE):
        pytest.skip("looks at no series")
    region = stores.sqlite("3201")
    usual = {days_before(DAY, 7 * n): 1 + (n % 3 == 0) for n in range(6 * 52)}
    rising = {days_before(DAY, 2): 100, days_before(DAY, 1): 200, DAY: 400}
    for code, lately in (("320102", rising), ("320104", {DAY: 1})):
        fill(region, counted(code, "measles", usual | lately))
    run_nights([region], keys, book(rule("measles", method)))
    codes = {one["code"] for one in signal_rows(region)}
    assert "320102" in codes
    if method is not Method.MOVING_PERCENTILE and not method.name.startswith("EARS"):
        assert codes == {"320102"}
