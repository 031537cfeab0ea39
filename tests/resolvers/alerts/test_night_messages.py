"""Messages are put with the signals they are of: at 08:00 those of a night, at once a single case's
(E2, E3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from regions.fencing import fence
from regions.instants import now, seconds_of
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.signal_messages import signal_deliveries, signal_messages
from regions.zones import zone_of
from resolvers.alerts.addressing import Addressee, address, due_messages
from resolvers.alerts.deliveries import lease
from resolvers.alerts.messages import MessageLimits
from resolvers.alerts.night_settings import NightSettings
from schema.alerts import DetectionMethod as Method
from tests.resolvers.alerts.nights import (
    DAY,
    after_night,
    book,
    counted,
    days_before,
    fill,
    rule,
    run_nights,
    signal_rows,
)
from tests.resolvers.writing.making import NATIONAL, Writer, case_input
from tests.stores import Stores, in_store

MEASLES = replace(rule("measles"), parameters={"width": 1})
PLAGUE = rule("plague", Method.SINGLE_CASE)


@pytest.fixture(params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, stores: Stores) -> RegionSettings:
    settings = stores.make(request.param, "3201")
    fill(settings, counted("320105", "rabies", {days_before(DAY, 6 * 365): 1}))
    return settings


@pytest.fixture
def desk(stores: Stores, keys: Keys) -> Iterator[Writer]:
    made = Writer([stores.sqlite("3201")], keys)
    made.stores.rules = lambda: book(PLAGUE)
    yield made
    made.close()


def told(settings: RegionSettings) -> list[tuple[Any, ...]]:
    """Signal, occasion, state and when it is due, of each message."""
    c = signal_messages.c
    asked = select(c.signal_id, c.occasion, c.state, c.due_at).order_by(c.id)
    return in_store(settings, lambda connection: [tuple(one) for one in connection.execute(asked)])


def test_the_signals_of_a_night_are_told_at_eight(region: RegionSettings, keys: Keys) -> None:
    for code in ("320102", "320104"):
        fill(region, counted(code, "measles", {DAY: 3}))
    run_nights([region], keys, book(MEASLES))
    ids = [one["id"] for one in signal_rows(region)]
    assert DAY == "2026-03-01"
    assert told(region) == [(one, "FIRST", "WAITING", "2026-03-02T00:00:00Z") for one in ids]
    run_nights([region], keys, book(MEASLES))
    assert len(told(region)) == 2


def test_another_hour_of_another_zone(region: RegionSettings, keys: Keys) -> None:
    fill(region, counted("320102", "measles", {DAY: 3}))
    run_nights([region], keys, book(MEASLES), told_at=26 * 30)  # 13:00
    assert [one[3] for one in told(region)] == ["2026-03-02T05:00:00Z"]
    berlin = NightSettings(zone_of("Europe/Berlin"))
    assert berlin.due("2026-03-28", "2026-03-28T23:00:00Z") == "2026-03-29T06:00:00Z"  # summer
    assert berlin.due("2026-03-27", "2026-03-27T23:00:00Z") == "2026-03-28T07:00:00Z"


def test_missed_nights_are_told_when_they_are_caught_up(region: RegionSettings, keys: Keys) -> None:
    for number, code in enumerate(("320102", "320104", "320106")):
        fill(region, counted(code, "measles", {days_before(DAY, 2 - number): 1}))
    run_nights([region], keys, book(MEASLES), days_before(DAY, 3))
    run_nights([region], keys, book(MEASLES), DAY)
    late, eight = after_night(DAY), "2026-03-02T00:00:00Z"
    assert [one[3] for one in told(region)] == [late, late, eight]


def test_what_is_absorbed_is_not_told(region: RegionSettings, keys: Keys) -> None:
    fill(region, counted("320102", "measles", {days_before(DAY, 1): 1, DAY: 1}))
    run_nights([region], keys, book(MEASLES), days_before(DAY, 1))
    run_nights([region], keys, book(MEASLES), DAY)
    first, second = signal_rows(region)
    assert second["absorbed_into"] == first["id"]
    assert [one[0] for one in told(region)] == [first["id"]]


def keys_of(settings: RegionSettings) -> list[str]:
    """Makes the deliveries that are due by noon, of a duty person; their keys."""

    def work(connection: Connection) -> list[str]:
        noon = "2026-03-02T04:00:00Z"
        for one in due_messages(connection, noon):
            to = [Addressee("SMS", "cdc-320102", "duty-1", 1)]
            assert address(connection, settings.code, one, to, noon, MessageLimits())
        return list(connection.execute(select(signal_deliveries.c.key)).scalars())

    return in_store(settings, work)


def outcomes(settings: RegionSettings) -> list[tuple[str, str | None]]:
    """What becomes of the deliveries at noon where receivers do not drop repeats."""

    def work(connection: Connection) -> list[tuple[str, str | None]]:
        given: dict[str, Any] = {"seconds": 60, "most": 9, "dropping": (), "channels": ("SMS",)}
        lease(connection, "one", "2026-03-02T04:00:00Z", limits=MessageLimits(), **given)
        c = signal_deliveries.c
        return [tuple(row) for row in connection.execute(select(c.state, c.outcome))]

    return in_store(settings, work)


def test_a_night_that_a_restored_store_computes_again_is_not_told_twice(
    stores: Stores, region: RegionSettings, keys: Keys
) -> None:
    """The store that was lost may have told it: nobody knows, so it is in doubt, and a receiver
    that drops repeats knows it by its key.
    """
    fill(region, counted("320102", "measles", {DAY: 3}))
    run_nights([region], keys, book(MEASLES), days_before(DAY, 1))
    kept = stores.backup(region)
    run_nights([region], keys, book(MEASLES), DAY)
    told_before = keys_of(region)
    stores.put_back(region, kept)
    assert signal_rows(region) == []
    found_at = "2026-03-02T03:00:00Z"
    in_store(region, lambda connection: fence(connection, region.code, found_at))
    run_nights([region], keys, book(MEASLES), DAY, at="2026-03-02T03:30:00Z")
    assert [one[3] for one in told(region)] == ["2026-03-02T00:00:00Z"]
    assert keys_of(region) == told_before
    assert outcomes(region) == [("DOUBTFUL", "RESTORED")]


def test_what_is_due_after_a_store_was_restored_is_told(region: RegionSettings, keys: Keys) -> None:
    fill(region, counted("320102", "measles", {DAY: 3}))
    in_store(region, lambda connection: fence(connection, region.code, "2026-03-01T16:10:00Z"))
    run_nights([region], keys, book(MEASLES), DAY)
    assert len(keys_of(region)) == 1
    assert outcomes(region) == [("SENDING", None)]


def test_a_single_case_is_told_at_once(desk: Writer) -> None:
    given = case_input(disease="plague", reportedAt=now())
    for repeated in (False, True):
        assert desk.do("registerCase", NATIONAL, given)["repeated"] is repeated
    (settings,) = desk.regions
    (signal,) = signal_rows(settings)
    ((of, occasion, state, due),) = told(settings)
    assert (of, occasion, state) == (signal["id"], "FIRST", "WAITING")
    assert due == signal["detected_at"]
    assert abs(seconds_of(due) - seconds_of(now())) < 600


def test_a_card_of_long_ago_calls_nobody(desk: Writer) -> None:
    given = case_input(disease="plague", reportedAt="2026-03-02T09:00:00+08:00")
    assert desk.do("registerCase", NATIONAL, given)["__typename"] == "RegisterCasePayload"
    (settings,) = desk.regions
    assert len(signal_rows(settings)) == 1
    assert told(settings) == []
