"""Many messages at once do what each of them does alone, in few statements."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import event

from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.erasing import erase_person
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.post import post_inbox, post_outbox
from regions.shares import shares
from regions.transfers import custody, transfer_events, transfer_people, transfers
from resolvers.post.boxes import due
from tests.resolvers.transfers.regional import AT, A, B, Regions

_TABLES = (
    *(custody, transfers, transfer_people, transfer_events, shares, post_outbox, post_inbox),
    *(people, contacts, cases, exposures, visits, samples, corrections, pathways, pathway_clocks),
)
_OWN_IDS = {transfer_people.name, transfer_events.name}  # taken in another order


def _drain(regions: Regions, together: bool) -> None:
    for _ in range(10):
        for lane in ((A, B), (B, A)):
            messages, _ = regions.do(
                lane[0], partial(due, lane=lane, limit=100, first=(), skipped=())
            )
            if together:
                regions.carry_together(messages)
            else:
                for message in messages:
                    regions.carry(message)


def _play(regions: Regions, together: bool) -> None:
    """Lone handoffs of every outcome, all waiting at the same time."""
    persons = [regions.register(A, pathway=number < 2) for number in range(9)]
    for number, person in enumerate(persons[:7]):
        remarks = "家属随行" if number % 2 else None
        items = ("NAME",) if number < 4 else ("NAME", "PHONE")
        assert not regions.offer(f"t{number}", [person], A, B, remarks=remarks, items=items).refusal
    assert not regions.offer("t7", persons[7:], A, B).refusal
    _drain(regions, together)
    regions.cancel("t2", A)
    for number in (0, 1, 2, 4, 5, 6):
        assert not regions.decide(f"t{number}", B).refusal
    assert not regions.decide("t3", B, refuse={persons[3]: "NO_BED"}, accept=()).refusal
    assert not regions.decide("t7", B, refuse={persons[8]: "NO_BED"}).refusal
    regions.do(A, lambda connection: erase_person(connection, persons[6], AT))
    _drain(regions, together)
    # Back again, to a store that has their rows.
    for number in (0, 1):
        assert not regions.offer(f"back-{number}", [persons[number]], B, A).refusal
    _drain(regions, together)
    for number in (0, 1):
        assert not regions.decide(f"back-{number}", A).refusal
    _drain(regions, together)


def _told(regions: Regions) -> dict[str, list[str]]:
    """All that the stores say, but for what differs by chance."""
    found = {}
    for region in (A, B):
        for table in _TABLES:
            lines = []
            for row in regions.rows(region, table):
                if table.name in _OWN_IDS:
                    del row["id"]
                row.pop("seq", None)
                if "sealed" in row:
                    row["sealed"] = row["sealed"] is None
                lines.append(str(row))
            found[f"{region} {table.name}"] = sorted(lines)
    return found


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_together_they_do_what_each_does_alone(one: Regions, other: Regions) -> None:
    _play(one, together=False)
    _play(other, together=True)
    told = _told(one)
    assert len(told[f"{B} {custody.name}"]) == 9
    assert _told(other) == told


def test_of_many_there_are_as_many_statements_as_of_one(one: Regions, other: Regions) -> None:
    def statements(regions: Regions, count: int) -> int:
        found: list[str] = []
        for engine in regions.engines.values():
            event.listen(
                engine.sync_engine, "before_cursor_execute", lambda *told: found.append(told[2])
            )
        persons = [regions.register(A) for _ in range(count)]
        for person in persons:
            regions.offer(f"t{person}", [person], A, B, remarks=None)
        regions.take(B, 1)
        found.clear()
        _drain(regions, together=True)
        offered = len(found)
        for person in persons:
            regions.decide(f"t{person}", B)
        found.clear()
        _drain(regions, together=True)
        assert {row["state"] for row in regions.rows(B, custody)} == {"OWNED"}
        return offered + len(found)

    # The ids of each message are taken by a statement of their own here.
    assert statements(other, 12) - 3 * 11 * 3 <= statements(one, 1) + 3
