"""Letters nobody acknowledged in time: who is told, once each, on both sides (C)."""

from __future__ import annotations

from sqlalchemy import Connection

from resolvers.assist.clocks import AssistLimits, after_hours
from resolvers.assist.escalating import escalate, sweep
from tests.resolvers.assist.corresponding import (
    ISSUER,
    NATIONAL,
    RECEIVER,
    Correspondence,
)

_LIMITS = AssistLimits()


def _swept(office: Correspondence, at: str) -> int:
    store = office.stores.of_region("320200")
    assert store is not None

    def work(connection: Connection, _: int) -> int:
        return sweep(connection, store, at, _LIMITS)

    found: int = office.run(store.write(0, work))
    office.deliver()
    return found


def test_the_city_then_the_province_is_told_once_each(either: Correspondence) -> None:
    office = either
    sent = office.sent()
    due = sent["acknowledgeDue"]
    assert due == after_hours(sent["sentAt"], 2)
    assert _swept(office, after_hours(due, -1)) == 0
    assert _swept(office, due) == 1
    assert _swept(office, due) == 0
    for who, side in ((ISSUER, "SENT"), (RECEIVER, "RECEIVED")):
        (one,) = office.letters(who, side=side)
        assert one["escalatedTo"] == "CITY"
        assert one["state"] == "SENT"
    assert _swept(office, after_hours(due, 2)) == 1
    assert _swept(office, after_hours(due, 3)) == 0
    for side in ("SENT", "RECEIVED"):
        (one,) = office.letters(NATIONAL, side=side)
        assert one["escalatedTo"] == "PROVINCE"
        told = [e["detail"] for e in one["events"] if e["event"] == "ESCALATE"]
        assert told == [
            '{"to":"CITY","units":["cdc-320200"]}',
            '{"to":"PROVINCE","units":["cdc-320200","cdc-320000"]}',
        ]


def test_what_was_acknowledged_is_not_escalated(office: Correspondence) -> None:
    sent, _ = office.taken()
    assert _swept(office, after_hours(sent["acknowledgeDue"], 5)) == 0


def test_the_duty_escalates_in_every_region(office: Correspondence) -> None:
    office.sent()
    office.sent(to="500101")
    limits = AssistLimits(escalate_hours=0)
    # Nothing is late yet: the duty finds nothing to write.
    office.run(escalate(office.stores, office.post, limits))
    assert {one["escalatedTo"] for one in office.letters(NATIONAL)} == {None}
