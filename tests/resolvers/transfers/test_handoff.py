"""Handoffs between real stores: everything goes along, once, whatever dies on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from gateway.custody import check_custody
from regions.cases import cases
from regions.contacts import contacts, samples
from regions.erasing import erase_person
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.person_keys import ERASED, person_keys
from regions.post import post_inbox, post_outbox
from regions.sealing import ERASED_ENVELOPE
from regions.shares import shares
from regions.statistics import rebuild
from regions.transfers import transfer_events, transfer_people, transfers
from resolvers.transfers.dossier import content_hashes, gather
from resolvers.transfers.states import State
from resolvers.transfers.steps import record_arrival
from resolvers.transfers.telling import tell_erased
from resolvers.transfers.terms import Refusal, Who
from tests.resolvers.transfers.regional import AT, A, B, C, Regions, who


def _handed(
    regions: Regions, person: int, transfer: str = "t", sender: str = A, receiver: str = B
) -> None:
    assert regions.offer(transfer, [person], sender, receiver).refusal is None
    regions.drain()
    assert regions.decide(transfer, receiver).refusal is None
    regions.drain()


def _wrong(regions: Regions) -> list[Any]:
    """What the check over all stores finds."""
    report = asyncio.run(check_custody(list(regions.settings.values())))
    assert not report.missing
    return report.findings


def _outcome(regions: Regions, region: str, side: str, transfer: str = "t") -> list[str]:
    rows = regions.rows(
        region,
        transfer_people,
        transfer_people.c.transfer_id == transfer,
        transfer_people.c.side == side,
    )
    return [row["outcome"] for row in sorted(rows, key=lambda row: row["person_id"])]


def _state(regions: Regions, region: str, side: str, transfer: str = "t") -> str:
    where = (transfers.c.id == transfer, transfers.c.side == side)
    return str(regions.rows(region, transfers, *where)[0]["state"])


def test_everything_goes_along_with_the_same_ids(regions: Regions) -> None:
    person = regions.register(A, pathway=True)
    before = regions.told(A, person)
    outcome = regions.offer("t", [person], A, B)
    assert (outcome.refusal, outcome.state, len(outcome.messages)) == (None, "OFFERED", 1)
    regions.drain()
    late = regions.add_sample(A, person)  # SORMAS 9771: between offer and acceptance
    assert [row["id"] for row in regions.rows(B, samples)] != [late]
    decided = regions.decide("t", B)
    assert (decided.refusal, decided.state) == (None, "ACCEPTED")
    regions.drain()
    after = regions.told(B, person)
    assert late in {row["id"] for row in after["samples"]}
    assert regions.told(A, person) == after
    assert before["people"] == after["people"]
    assert regions.custodians(person) == [B]
    assert regions.custody(B, person).unit_id == f"unit-{B}"
    assert _outcome(regions, A, "SENT") == _outcome(regions, B, "RECEIVED") == ["HANDED"]
    assert _state(regions, A, "SENT") == _state(regions, B, "RECEIVED") == "COMMITTED"
    ours = regions.rows(A, transfer_people)[0]
    theirs = regions.rows(B, transfer_people)[0]
    assert ours["dossier_hash"] == theirs["dossier_hash"] is not None
    assert _wrong(regions) == []
    assert _hash(regions, B, person) == ours["dossier_hash"]
    opened = [
        regions.stores[one].sealer.open(
            "transfer_people",
            row["id"],
            bytes(row["sealed"]),
            bytes(regions.rows(one, person_keys, person_keys.c.person_id == person)[0]["salt"]),
        )
        for one, row in ((A, ours), (B, theirs))
    ]
    assert opened[0] == opened[1] == {"escort": None, "remarks": "家属随行"}


def _hash(regions: Regions, region: str, person: int) -> str:
    store = regions.stores[region]
    return regions.do(
        region,
        lambda connection: content_hashes(
            gather(connection, store, [person]), store.indexer, [person]
        )[person],
    )


def test_where_the_records_live_after_it(regions: Regions) -> None:
    person = regions.register(A, pathway=True)
    _handed(regions, person)
    there = regions.rows(B, people)[0]
    assert (there["kept_in"], there["code"]) == (None, "330202")
    assert (there["reporter"], there["reporter_unit"]) == (f"officer-{B}", f"unit-{B}")
    assert there["id_number_index"] == regions.rows(A, people)[0]["id_number_index"]
    assert regions.rows(A, people)[0]["kept_in"] == regions.rows(A, contacts)[0]["kept_in"] == B
    assert regions.rows(A, people)[0]["source_key"] == f"file:{person}"
    # The card stays with the institution that reported it, and is counted there alone (B8).
    assert regions.rows(A, cases)[0]["kept_in"] is None
    assert (regions.rows(B, cases)[0]["kept_in"], regions.rows(B, cases)[0]["code"]) == (
        A,
        "330202",
    )
    assert regions.do(B, lambda connection: rebuild(connection, mend=False)).agrees
    assert regions.do(B, lambda connection: rebuild(connection, mend=False)).cases == 0
    assert regions.rows(A, pathways) == []
    assert regions.rows(B, pathways)[0]["unit_id"] == f"unit-{B}"
    assert regions.rows(B, shares)[0]["ended_at"] is not None


def test_while_a_peer_is_silent_the_person_is_on_record(files: Regions) -> None:
    person = files.register(A)
    files.offer("t", [person], A, B)
    files.drain()
    files.decide("t", B)
    files.dies_at = "transfer.commit/gather/after"
    files.round()
    files.dies_at = "transfer.commit/gather/after"
    files.round()
    assert files.custody(A, person).state is State.HANDED
    assert files.rows(A, people)[0]["kept_in"] is None  # the duplicate check still finds the person
    assert files.rows(B, people)[0]["kept_in"] == A


def test_the_preview_holds_what_is_shared_and_no_more(regions: Regions) -> None:
    person = regions.register(A)
    regions.offer("t", [person], A, B, items=("NAME",))
    regions.drain()
    told = regions.told(B, person)
    items = told["people"][0]["items"]
    assert items.pop("name").startswith("钱")
    assert set(items.values()) == {None}
    assert told["contacts"][0]["items"] == dict.fromkeys(told["contacts"][0]["items"])
    assert told["corrections"] == []
    row = regions.rows(B, people)[0]
    assert (row["kept_in"], row["code"], row["reporter"]) == (A, "320102", None)
    assert (row["id_number_index"], row["phone_index"], row["name_birth_index"]) == (None,) * 3
    share = regions.rows(B, shares)[0]
    assert (share["unit_id"], share["items"], share["ended_at"]) == (f"unit-{B}", '["NAME"]', None)


@pytest.mark.parametrize("ends", ["refused", "cancelled"])
def test_what_came_along_with_an_offer_goes_with_it(regions: Regions, ends: str) -> None:
    person = regions.register(A)
    regions.offer("t", [person], A, B)
    regions.drain()
    if ends == "refused":
        assert regions.decide("t", B, accept=(), refuse={person: "NO_BED"}).state == "REFUSED"
    else:
        assert regions.cancel("t", A).state == "CANCELLED"
    regions.drain()
    assert regions.rows(B, people) == regions.rows(B, samples) == regions.rows(B, cases) == []
    assert regions.rows(B, shares)[0]["ended_at"] is not None
    assert _outcome(regions, A, "SENT") == _outcome(regions, B, "RECEIVED") == [ends.upper()]
    assert regions.custodians(person) == [A]
    assert regions.custody(A, person).epoch == 2
    reason = "NO_BED" if ends == "refused" else "RECOVERED"
    assert {regions.rows(one, transfer_people)[0]["reason_code"] for one in (A, B)} == {reason}
    _handed(regions, person, "again")
    assert regions.custodians(person) == [B]


def test_each_persons_outcome_is_its_own(regions: Regions) -> None:
    persons = [regions.register(A) for _ in range(4)]
    regions.offer("t", persons, A, B)
    regions.drain()
    first = regions.decide("t", B, accept=persons[:1], refuse={persons[1]: "NO_BED"})
    assert first.state == "PARTLY_ACCEPTED"
    assert [first.people[one].outcome for one in persons] == [
        "ACCEPTED",
        "REFUSED",
        *["OFFERED"] * 2,
    ]
    regions.drain()
    assert regions.cancel("t", A, persons[2:3]).people[persons[2]].outcome == "CANCELLED"
    regions.drain()
    again = regions.decide("t", B, accept=persons[:1])
    assert again.repeated
    assert again.refusal is None
    wrong = regions.decide("t", B, accept=[persons[2]])
    assert wrong.refusal is Refusal.CANCELLED
    assert regions.decide("t", B).people[persons[3]].outcome == "ACCEPTED"
    regions.drain()
    assert _wrong(regions) == []
    ends = ["HANDED", "REFUSED", "CANCELLED", "HANDED"]
    assert _outcome(regions, A, "SENT") == _outcome(regions, B, "RECEIVED") == ends
    assert [regions.custodians(one) for one in persons] == [[B], [A], [A], [B]]
    assert _state(regions, A, "SENT") == "COMMITTED"


def test_a_thousand_people_in_one_transfer(files: Regions) -> None:
    first = files.take(A, 1_000)

    def work(connection: Any) -> None:
        rows = [
            {
                "id": first + number,
                "code": "320102",
                "sealed": b"\x00",
                "created_at": AT,
                "updated_at": AT,
            }
            for number in range(1_000)
        ]
        connection.execute(insert(people), rows)

    files.do(A, work)
    persons = list(range(first, first + 1_000))
    assert files.offer("t", [*persons, person := files.register(A)], A, B).refusal is (
        Refusal.TOO_MANY
    )
    assert files.offer("t", persons, A, B, remarks=None).refusal is None
    files.drain()
    files.decide("t", B)
    files.drain()
    assert _outcome(files, B, "RECEIVED") == ["HANDED"] * 1_000
    assert files.custodians(person) == [A]


def test_the_same_id_with_another_offer_is_a_named_conflict(files: Regions) -> None:
    one, other = files.register(A), files.register(A)
    assert files.offer("t", [one], A, B).refusal is None
    assert files.offer("t", [one], A, B).repeated
    assert files.offer("t", [other], A, B).refusal is Refusal.TRANSFER_CONFLICT
    assert files.offer("t", [one], A, B, remarks="x").refusal is Refusal.TRANSFER_CONFLICT
    third = files.register(C)
    files.drain()
    assert files.offer("t", [third], C, B).refusal is None  # C cannot know of it
    files.drain()
    assert _outcome(files, C, "SENT") == ["CANCELLED"]
    assert files.rows(C, transfer_people)[0]["reason_code"] == "TRANSFER_CONFLICT"
    assert files.custodians(third) == [C]
    assert len(files.rows(B, transfer_people)) == 1


def test_refusals_have_names(files: Regions) -> None:
    person, gone = files.register(A), files.register(A)
    files.do(A, lambda connection: erase_person(connection, gone, AT))
    mixed = files.offer("m", [person, gone], A, B)
    assert (mixed.refusal, mixed.people[gone].refusal) == (Refusal.ERASED, Refusal.ERASED)
    assert files.rows(A, transfers) == []
    assert files.offer("t", [], A, B).refusal is Refusal.EMPTY
    assert files.offer("t", [person + 1_000], A, B).refusal is Refusal.NO_SUCH_PERSON
    assert files.offer("t", [person], A, A, to_unit=f"unit-{A}").refusal is Refusal.SAME_UNIT
    assert files.decide("t", B).refusal is Refusal.NO_SUCH_TRANSFER
    files.offer("t", [person], A, B)
    assert files.offer("u", [person], A, C).refusal is Refusal.OFFERED
    files.drain()
    assert files.offer("v", [person], B, C).refusal is Refusal.PENDING
    assert files.decide("t", B, by=who(C)).refusal is Refusal.NOT_RECEIVER
    assert files.decide("t", B, accept=[gone]).people[gone].refusal is Refusal.NOT_IN_TRANSFER
    both = files.decide("t", B, accept=[person], refuse={person: "X"})
    assert both.refusal is Refusal.CONTRADICTION
    arrived = _arrive(files, "t")
    assert arrived.refusal is Refusal.NOT_HANDED
    files.decide("t", B)
    files.drain()
    assert files.cancel("t", A, [person]).refusal is Refusal.HANDED
    assert files.offer("w", [person], A, C).refusal is Refusal.ELSEWHERE


def _arrive(regions: Regions, transfer: str) -> Any:
    first = regions.take(B, 8)
    return regions.do(
        B,
        lambda connection: record_arrival(
            connection,
            regions.stores[B],
            first,
            transfer,
            arrived_at=AT,
            who=who(B),
            trace="t",
            at=AT,
        ),
    )


def test_arrival_is_told_to_the_sender(regions: Regions) -> None:
    person = regions.register(A)
    _handed(regions, person)
    assert _arrive(regions, "t").state == "ARRIVED"
    assert _arrive(regions, "t").repeated
    regions.drain()
    assert _state(regions, A, "SENT") == "ARRIVED"
    assert regions.rows(A, transfers)[0]["arrived_at"] == AT


def test_back_and_on_to_a_third(regions: Regions) -> None:
    person = regions.register(A, pathway=True)
    _handed(regions, person)
    added = regions.add_sample(B, person)
    _handed(regions, person, "back", B, A)
    assert regions.custodians(person) == [A]
    assert added in {row["id"] for row in regions.rows(A, samples)}
    assert regions.rows(A, people)[0]["kept_in"] is None
    assert regions.rows(A, people)[0]["source_key"] == f"file:{person}"
    assert regions.rows(B, people)[0]["kept_in"] == A
    assert regions.rows(A, cases)[0]["kept_in"] is None
    _handed(regions, person, "on", A, C)
    _handed(regions, person, "across", C, B)
    _handed(regions, person, "home", B, A)
    assert regions.custodians(person) == [A]
    assert regions.custody(A, person).epoch == 5
    assert _wrong(regions) == []
    assert regions.rows(C, cases)[0]["kept_in"] == A
    counted = regions.do(A, lambda connection: rebuild(connection, mend=False))
    assert (counted.agrees, counted.cases) == (True, 1)
    assert len(regions.rows(A, pathways)) == 1
    assert regions.rows(B, pathways) == regions.rows(C, pathways) == []
    assert regions.rows(B, pathway_clocks) == regions.rows(C, pathway_clocks) == []


def test_within_one_store_it_happens_at_once(regions: Regions) -> None:
    one, other = regions.register(A, pathway=True), regions.register(A)
    offered = regions.offer("t", [one, other], A, A, to_unit="unit-next")
    assert (offered.refusal, offered.messages) == (None, ())
    assert regions.rows(A, shares)[0]["unit_id"] == "unit-next"
    takes = Who("next", "unit-next", "320104")
    decided = regions.decide("t", A, accept=[one], refuse={other: "NO_BED"}, by=takes)
    assert decided.refusal is None
    assert _outcome(regions, A, "SENT") == _outcome(regions, A, "RECEIVED") == ["HANDED", "REFUSED"]
    assert regions.rows(A, post_outbox) == []
    rows = {row["id"]: row for row in regions.rows(A, people)}
    assert (rows[one]["code"], rows[one]["reporter_unit"]) == ("320104", "unit-next")
    assert rows[other]["code"] == "320102"
    assert regions.rows(A, pathways)[0]["unit_id"] == "unit-next"
    assert regions.custody(A, one).unit_id == "unit-next"
    assert _wrong(regions) == []
    assert regions.custodians(one) == regions.custodians(other) == [A]
    back = regions.offer("u", [one], A, B)
    assert back.refusal is None


def test_codes_nobody_knows_are_carried_and_told(files: Regions) -> None:
    person = files.register(A)
    files.do(A, lambda connection: connection.execute(update(contacts).values(rule_pack="LOCAL-7")))
    _handed(files, person)
    assert files.rows(B, contacts)[0]["rule_pack"] == "LOCAL-7"
    told = files.rows(B, transfer_events, transfer_events.c.event == "UNKNOWN_CODES")
    assert [row["detail"] for row in told] == ['{"codes":["rule_pack=LOCAL-7"]}']


@pytest.mark.parametrize("when", ["offered", "handed", "on the way"])
def test_nobody_erased_comes_back(regions: Regions, when: str) -> None:
    person = regions.register(A)
    regions.offer("t", [person], A, B)
    if when == "offered":
        _erase(regions, person)  # with the offer on its way
        regions.drain()
    regions.drain()
    if when != "offered":
        regions.decide("t", B)
    if when == "on the way":
        regions.dies_at = "transfer.commit/deliver/before"
        regions.round()
        _erase(regions, person)
    regions.drain()
    if when == "handed":
        _erase(regions, person)
        regions.drain()
    assert bytes(regions.rows(B, person_keys)[0]["salt"]) == ERASED
    row = regions.rows(B, people)[0]
    assert bytes(row["sealed"]) == ERASED_ENVELOPE
    assert row["id_number_index"] is None


def _erase(regions: Regions, person: int) -> None:
    def work(connection: Any) -> None:
        erase_person(connection, person, AT)
        tell_erased(connection, regions.stores[A], person, trace="t", at=AT)

    regions.do(A, work)


def test_who_was_erased_at_the_receiver_stays_erased(regions: Regions) -> None:
    person = regions.register(A)
    regions.do(B, lambda connection: erase_person(connection, person, AT))
    _handed(regions, person)
    assert bytes(regions.rows(B, people)[0]["sealed"]) == ERASED_ENVELOPE
    assert regions.custodians(person) == [B]


BORDERS = [
    f"{topic}/{step}"
    for topic in ("transfer.offer", "transfer.decision", "transfer.commit")
    for step in ("gather/after", "deliver/before", "deliver/after", "settle/before", "settle/after")
]


@pytest.mark.no_cover  # the lines of the tests above, again and again
@pytest.mark.parametrize("border", BORDERS)
def test_whatever_dies_nobody_is_lost_or_doubled(regions: Regions, border: str) -> None:
    person = regions.register(A, pathway=True)
    seen: list[int] = []

    def watch() -> None:
        """One custodian at every cut: who says so, or whom a commit is on its way to."""
        ours, theirs = regions.custody(A, person), regions.custody(B, person)
        coming = ours.state is State.HANDED and theirs.state is State.PENDING
        seen.append(sum((ours.state.answers, theirs.state.answers, coming)))

    regions.watch = watch
    regions.offer("t", [person], A, B)
    regions.dies_at = border
    regions.drain()
    regions.decide("t", B)
    regions.drain()
    died: str | None = regions.dies_at
    assert died is None
    assert set(seen) == {1}
    assert regions.custodians(person) == [B]
    assert regions.told(A, person) == regions.told(B, person)
    assert _outcome(regions, A, "SENT") == _outcome(regions, B, "RECEIVED") == ["HANDED"]
    assert len(regions.rows(B, pathways)) == 1
    events = [row["event"] for row in regions.rows(B, transfer_events)]
    assert sorted(events) == ["ACCEPTED", "OWNED", "RECEIVED"]


def test_a_message_that_comes_twice_does_nothing_twice(files: Regions) -> None:
    """SORMAS 8576: the inbox is why; without it the same trail would be written again."""
    person = files.register(A)
    _handed(files, person)
    files.do(A, lambda connection: connection.execute(update(post_outbox).values(answered_at=None)))
    files.drain()
    assert len(files.rows(B, transfer_events)) == 3
    files.do(A, lambda connection: connection.execute(update(post_outbox).values(answered_at=None)))
    files.do(B, lambda connection: connection.execute(delete(post_inbox)))
    files.drain()  # not even a store that lost its inbox takes anybody a second time
    assert files.custodians(person) == [B]
    assert files.custody(B, person).epoch == 1
    assert files.custody(A, person).state is State.HANDED


def _offer(regions: Regions, person: int) -> None:
    regions.offer("t", [person], A, B)
    regions.drain()


RESTORED: dict[str, Callable[[Regions, int], None]] = {
    "before the offer": lambda regions, person: None,
    "after the offer": _offer,
}


@pytest.mark.no_cover  # `test_mending.py` runs the same lines
@pytest.mark.parametrize("region", [A, B])
@pytest.mark.parametrize("kept", RESTORED)
def test_a_store_restored_from_a_backup_is_found_and_mended(
    files: Regions, tmp_path: Path, region: str, kept: str
) -> None:
    person = files.register(A, pathway=True)
    RESTORED[kept](files, person)
    backup = tmp_path / "backup.db"
    files.back_up(region, backup)
    if kept == "before the offer":
        files.offer("t", [person], A, B)
        files.drain()
    files.decide("t", B)
    files.drain()
    there = files.told(B, person)
    files.put_back(region, backup)
    assert files.is_behind() == {region}
    files.reconcile(region)
    files.drain()
    files.reconcile(region)
    files.drain()
    assert not files.is_behind()
    assert _wrong(files) == []
    assert files.custodians(person) == [B]
    assert files.told(B, person) == there
    assert files.custody(A, person).state in (State.HANDED, State.FENCED)
    if files.custody(A, person).state is State.FENCED:
        assert files.offer("u", [person], A, C).refusal is Refusal.FENCED
    _handed(files, person, "back", B, A)
    assert files.custodians(person) == [A]
