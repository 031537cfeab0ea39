"""People whom two regions answer for since a store was put back: one of them is the custodian then,
and has what both wrote.
"""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, delete, update

from gateway.custody import check_custody, mend_custody
from regions.contacts import contacts, samples
from regions.errors import RegionUnavailable
from regions.fencing import fence, lift
from regions.people import people
from regions.post import post_outbox
from regions.transfers import custody, store_fences, transfer_events, transfer_people
from resolvers.transfers import doubled
from resolvers.transfers.doubled import Settled, Yielded
from resolvers.transfers.evidence import EVIDENCE
from resolvers.transfers.mending import Look, Mender
from resolvers.transfers.states import Custody, State
from resolvers.writing.stores import Stores as Written
from tests.resolvers.transfers.dying import settle_and_die
from tests.resolvers.transfers.regional import AT, A, B, C, Killed, Regions
from tests.stores import Stores


def _hand_over(regions: Regions, person: int, transfer: str, sender: str, receiver: str) -> None:
    assert regions.offer(transfer, [person], sender, receiver).refusal is None
    regions.drain()
    assert regions.decide(transfer, receiver).refusal is None
    regions.drain()


def _back_up(stores: Stores, regions: Regions, region: str) -> Any:
    regions.leave(region)
    return stores.backup(regions.settings[region])


def _put_back(stores: Stores, regions: Regions, region: str, kept: Any) -> None:
    regions.leave(region)
    stores.put_back(regions.settings[region], kept)


def _mend(regions: Regions, region: str) -> None:
    assert regions.is_behind() == {region}
    regions.reconcile(region)
    regions.drain()


def _held(regions: Regions, person: int) -> dict[str, tuple[State, int]]:
    said = {one: regions.custody(one, person) for one in (A, B, C)}
    return {one: (it.state, it.epoch) for one, it in said.items() if it.state.answers}


def _samples(regions: Regions, region: str, person: int) -> set[int]:
    return {row["id"] for row in regions.rows(region, samples, samples.c.person_id == person)}


def _wrong(regions: Regions) -> list[Any]:
    report = asyncio.run(check_custody(list(regions.settings.values())))
    assert not report.missing
    return report.findings


def _is_whole(regions: Regions, person: int, custodian: str) -> None:
    """One custodian, above whom all go: from region to region, and nothing is wrong."""
    regions.drain()
    assert regions.custodians(person) == [custodian]
    assert regions.settle() == Settled()
    assert _wrong(regions) == []
    holder = custodian
    for number, region in enumerate(one for one in (A, B, C, A) if one != custodian):
        if region != holder:
            _hand_over(regions, person, f"on{number}", holder, region)
            holder = region
    assert regions.custodians(person) == [holder]
    assert _wrong(regions) == []


def test_who_is_told_that_it_is_behind_sends_what_it_wrote(
    stores: Stores, regions: Regions
) -> None:
    """A was put back to before it handed over, and offers the person once more to who has it."""
    person = regions.register(A)
    kept = _back_up(stores, regions, A)
    _hand_over(regions, person, "t1", A, B)
    _put_back(stores, regions, A, kept)
    lost = regions.add_sample(A, person)
    assert _held(regions, person).keys() == {A, B}
    regions.offer("t2", [person], A, B)
    regions.drain()
    assert _held(regions, person).keys() == {B}
    assert regions.custody(A, person).state is State.FENCED
    assert lost in _samples(regions, B, person)
    _mend(regions, A)
    _is_whole(regions, person, B)


def _late_acceptance(stores: Stores, regions: Regions, upto: str) -> int:
    """A was put back to before it handed over; the acceptance comes again before it is found."""
    person = regions.register(A)
    if upto == "the offer":
        regions.offer("t1", [person], A, B)
        regions.drain()
    kept = _back_up(stores, regions, A)
    if upto == "nothing":
        regions.offer("t1", [person], A, B)
        regions.drain()
    if upto == "a second offer":
        regions.offer("t0", [person], A, C)
        regions.cancel("t0", A)
        regions.drain()
        regions.offer("t1", [person], A, B)
        regions.drain()
    regions.decide("t1", B)
    regions.dies_at = "transfer.decision/deliver/after"
    with pytest.raises(Killed):
        regions.carry_lane(B, A)
    regions.carry_lane(A, B)
    assert _held(regions, person).keys() == {B}
    _put_back(stores, regions, A, kept)
    regions.add_sample(B, person)
    regions.drain()
    return person


@pytest.mark.parametrize("upto", ["nothing", "a second offer"])
def test_who_keeps_a_person_by_an_acceptance_that_comes_again_yields(
    stores: Stores, regions: Regions, upto: str
) -> None:
    """B has the person by a handover that A had lost: it prevails, at whatever epoch A is."""
    person = _late_acceptance(stores, regions, upto)
    lost, theirs = regions.add_sample(A, person), _samples(regions, B, person)
    released = update(contacts).where(contacts.c.person_id == person).values(outcome="RELEASED")
    regions.do(B, lambda connection: connection.execute(released))
    held = _held(regions, person)
    assert held.keys() == {A, B}
    _mend(regions, A)
    assert _held(regions, person).keys() == {A, B}
    assert regions.settle() == Settled([Yielded(person, A, B, AT)])
    assert _held(regions, person).keys() == {B}
    assert regions.custody(B, person).epoch > max(epoch for _, epoch in held.values())
    regions.drain()
    # What both wrote is there, and once; what A had written stays there, and is no living row.
    assert _samples(regions, B, person) == theirs | {lost}
    (row,) = regions.rows(B, contacts, contacts.c.person_id == person)
    assert (row["outcome"], row["kept_in"]) == ("RELEASED", None)
    (row,) = regions.rows(A, people, people.c.id == person)
    assert row["kept_in"] == B
    told = [row for row in regions.rows(A, transfer_events) if row["event"] == "FENCED"]
    assert orjson.loads(told[-1]["detail"]) == {"twoCustodians": [A, B]}
    # What was acknowledged stands: the handover, at both ends.
    for region in (A, B):
        (part,) = regions.rows(region, transfer_people, transfer_people.c.transfer_id == "t1")
        assert part["outcome"] == "HANDED"
    _is_whole(regions, person, B)


def test_an_acceptance_that_comes_again_to_its_offer_hands_over_again(
    stores: Stores, regions: Regions
) -> None:
    person = _late_acceptance(stores, regions, "the offer")
    assert regions.is_behind() == set()  # it has done all of it again
    _is_whole(regions, person, B)


def test_who_has_a_person_from_a_store_that_had_handed_over_before_yields(
    stores: Stores, regions: Regions
) -> None:
    """A hands over to B, is put back in place, and hands over to C before it is found."""
    person = regions.register(A)
    kept = _back_up(stores, regions, A)
    _hand_over(regions, person, "t1", A, B)
    by_b = regions.add_sample(B, person)
    _put_back(stores, regions, A, kept)
    by_a = regions.add_sample(A, person)
    _hand_over(regions, person, "t2", A, C)
    by_c = regions.add_sample(C, person)
    assert _held(regions, person) == {B: (State.OWNED, 1), C: (State.OWNED, 1)}
    _mend(regions, A)
    assert _held(regions, person).keys() == {B, C}
    assert regions.settle() == Settled([Yielded(person, C, B, AT)])
    regions.drain()
    assert _samples(regions, B, person) >= {by_a, by_b, by_c}
    _is_whole(regions, person, B)


def test_what_a_third_region_wrote_goes_after_who_was_handed_on(
    stores: Stores, regions: Regions
) -> None:
    """B hands over to A before what C has of the person has come."""
    person = regions.register(A)
    kept = _back_up(stores, regions, A)
    _hand_over(regions, person, "t1", A, B)
    _put_back(stores, regions, A, kept)
    _hand_over(regions, person, "t2", A, C)
    by_c = regions.add_sample(C, person)
    _mend(regions, A)
    regions.settle()
    regions.offer("t3", [person], B, A)
    regions.carry_lane(B, A)
    regions.decide("t3", A)
    regions.carry_lane(A, B)
    # On the way: nobody knows yet that it has arrived.
    regions.carry_lane(C, B)
    regions.drain()
    assert by_c in _samples(regions, A, person)
    ids = [row["id"] for row in regions.rows(C, post_outbox, post_outbox.c.topic == EVIDENCE)]
    assert {one.split(":")[-2] for one in ids} == {"yielded", "after"}
    _is_whole(regions, person, A)


def test_who_lost_its_second_offer_is_above_whom_it_calls_off(
    stores: Stores, regions: Regions
) -> None:
    person = regions.register(A)
    regions.offer("t1", [person], A, B)
    regions.drain()
    kept = _back_up(stores, regions, A)
    regions.cancel("t1", A)
    regions.drain()
    regions.offer("t2", [person], A, C)
    regions.drain()
    _put_back(stores, regions, A, kept)
    _mend(regions, A)
    assert regions.custody(C, person).state is State.CLOSED
    _is_whole(regions, person, A)


def test_who_lost_a_handover_is_fenced_where_a_third_offers_the_person_to_its_receiver(
    stores: Stores, regions: Regions
) -> None:
    person = regions.register(A)
    kept = _back_up(stores, regions, A)
    _hand_over(regions, person, "t1", A, B)
    _hand_over(regions, person, "t2", B, C)
    regions.offer("t3", [person], C, B)
    regions.drain()
    _put_back(stores, regions, A, kept)
    _mend(regions, A)
    assert regions.custody(A, person).state is State.FENCED
    assert _held(regions, person) == {C: (State.RELEASING, 3)}
    assert regions.decide("t3", B).refusal is None
    _is_whole(regions, person, B)


def test_the_custodian_is_told_what_a_third_has_seen(stores: Stores, regions: Regions) -> None:
    """A has lost an offer to C that it took back, and hands over to B before it is found."""
    person = regions.register(A)
    kept = _back_up(stores, regions, A)
    regions.offer("t1", [person], A, C)
    regions.drain()
    regions.cancel("t1", A)
    regions.drain()
    _put_back(stores, regions, A, kept)
    _hand_over(regions, person, "t2", A, B)
    assert regions.custody(B, person).epoch < regions.custody(C, person).epoch
    _mend(regions, A)
    assert regions.custody(B, person).epoch > regions.custody(C, person).epoch
    _hand_over(regions, person, "t3", B, C)
    _is_whole(regions, person, C)


def test_who_refuses_what_it_had_accepted_and_lost_has_the_person(
    stores: Stores, regions: Regions
) -> None:
    person = regions.register(A)
    regions.offer("t1", [person], A, B)
    regions.drain()
    kept = _back_up(stores, regions, B)
    regions.decide("t1", B)
    regions.drain()
    _put_back(stores, regions, B, kept)
    assert regions.decide("t1", B, accept=[], refuse={person: "NO_CAPACITY"}).refusal is None
    # Its word conflicts with what it had said, and waits.
    assert _held(regions, person) == {}
    _mend(regions, B)
    for region in (A, B):
        (part,) = regions.rows(region, transfer_people, transfer_people.c.transfer_id == "t1")
        assert (part["outcome"], part["reason_code"]) == ("HANDED", None)
    assert regions.custodians(person) == [B]
    _hand_over(regions, person, "t2", B, A)
    assert regions.custodians(person) == [A]


def test_who_is_handed_over_between_two_looks_at_stores_is_not_judged(
    files: Regions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One store is looked at before, the other after: both seem to answer."""
    person = files.register(A)
    files.do(A, lambda connection: lift(connection, fence(connection, A, AT), AT))
    rows, looks = doubled._rows, []

    async def found(_: Any) -> set[int]:
        return {person}

    async def torn(stores: Any, persons: Any) -> Any:
        said = await rows(stores, persons)
        looks.append(said)
        if len(looks) == 2:
            said[B] = {person: Custody(State.OWNED, 1, A, "t")}
        return said

    monkeypatch.setattr(doubled, "_doubled", found)
    monkeypatch.setattr(doubled, "_rows", torn)
    assert files.settle() == Settled(waiting={person})
    assert _held(files, person) == {A: (State.OWNED, 0)}
    assert len(looks) == 2


def test_nobody_is_judged_while_a_message_of_the_person_waits(
    stores: Stores, regions: Regions
) -> None:
    person = _late_acceptance(stores, regions, "nothing")
    _mend(regions, A)
    before = _held(regions, person)
    regions.offer("t2", [person], A, C)
    assert regions.settle() == Settled(waiting={person})
    assert _held(regions, person) == before | {A: (State.RELEASING, before[A][1] + 1)}
    regions.drain()
    # Its offer falls with it.
    assert regions.settle() == Settled([Yielded(person, A, B, AT)])
    regions.drain()
    assert regions.custody(C, person).state is State.CLOSED
    assert regions.decide("t2", C).state == "CANCELLED"
    _is_whole(regions, person, B)


def test_nobody_is_judged_behind_a_fence_nor_where_no_store_was_put_back(
    stores: Stores, files: Regions
) -> None:
    person = _late_acceptance(stores, files, "nothing")
    assert files.settle() == Settled()  # nobody knows yet
    before = _held(files, person)
    assert files.is_behind() == {A}
    assert files.settle() == Settled()
    assert _held(files, person) == before
    _mend(files, A)

    def forget(connection: Connection) -> None:
        connection.execute(delete(store_fences))

    for region in (A, B, C):
        files.do(region, forget)
    assert files.settle() == Settled()
    assert _held(files, person).keys() == {A, B}


def test_with_a_region_away_it_waits(stores: Stores, files: Regions) -> None:
    person = _late_acceptance(stores, files, "nothing")
    _mend(files, A)
    before = _held(files, person)
    away = files.settings[C].path
    assert away is not None
    files.leave(C)
    away.rename(away.with_suffix(".away"))
    with pytest.raises(RegionUnavailable):
        asyncio.run(mend_custody(list(files.settings.values()), files.keys))
    away.with_suffix(".away").rename(away)
    assert _held(files, person) == before
    done = asyncio.run(mend_custody(list(files.settings.values()), files.keys))
    assert ([one.region for one in done.doubled.yielded], done.stores) == ([A], [])
    _is_whole(files, person, B)


def test_a_step_is_not_taken_where_the_store_says_another_thing_by_then(
    stores: Stores, files: Regions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gateways look at the same time: the second finds what the first has done."""
    person = _late_acceptance(stores, files, "nothing")
    _mend(files, A)
    seen: list[tuple[int, Any]] = []
    do = doubled._do

    def overtaken(connection: Connection, number: int, **given: Any) -> Any:
        seen.append((number, given))
        return do(connection, number, **given)

    monkeypatch.setattr(doubled, "_do", overtaken)
    files.settle()
    after = _held(files, person)
    assert after.keys() == {B}
    for number, given in seen:
        again = files.do(given["store"].settings.code, partial(_again, do, number, given))
        assert again == []
    assert _held(files, person) == after
    _is_whole(files, person, B)


def _again(do: Any, number: int, given: Any, connection: Connection) -> Any:
    return do(connection, number, **given)


@pytest.mark.no_cover  # the lines of the tests above, again and again
@pytest.mark.parametrize("way", ["kept", "handed on"])
def test_whoever_is_killed_meanwhile_leaves_somebody_who_answers(
    stores: Stores, regions: Regions, way: str
) -> None:
    if way == "kept":
        person = _late_acceptance(stores, regions, "nothing")
    else:
        person = regions.register(A)
        kept = _back_up(stores, regions, A)
        _hand_over(regions, person, "t1", A, B)
        _put_back(stores, regions, A, kept)
        _hand_over(regions, person, "t2", A, C)
    _mend(regions, A)
    held: list[list[str]] = []
    settings = list(regions.settings.values())
    for region in (A, B, C):
        regions.leave(region)
    while (ended := settle_and_die(settings, regions.keys, len(held))) == -signal.SIGKILL:
        held.append(sorted(_held(regions, person)))
        for region in (A, B, C):
            regions.leave(region)
    assert ended == 0
    assert len(held) > 1
    assert all(B in one for one in held)
    regions.drain()
    _is_whole(regions, person, B)


def test_the_gateway_settles_and_the_check_tells(stores: Stores, files: Regions) -> None:
    person = _late_acceptance(stores, files, "nothing")
    _mend(files, A)
    assert [one.kind for one in _wrong(files)] == ["TWO_CUSTODIANS"]

    async def tend(written: Written) -> list[Any]:
        clock = [0.0]
        mender = Mender(written, clock=lambda: clock[0])
        seen: list[Any] = []
        for seconds in (0, 4, 2, 6, 5):
            clock[0] += seconds
            seen.append(await mender.settle(await mender.look(AT), AT))
        assert await mender.settle(Look(), AT) == Settled()
        return seen

    first, *others = files._beside(tend)
    assert first == Settled([Yielded(person, A, B, AT)])
    assert others == [Settled()] * 4
    files.drain()
    report = asyncio.run(check_custody(list(files.settings.values())))
    assert (report.findings, report.yielded) == ([], [Yielded(person, A, B, AT)])
    assert not files.rows(B, custody, custody.c.state != "OWNED")


def test_a_store_that_is_fenced_meanwhile_takes_no_step(files: Regions) -> None:
    person = files.register(A)
    before = files.custody(A, person)
    due = {person: doubled._Due(before, before.epoch + 5, None, (A, B), "")}

    def rises() -> None:
        files.do(A, lambda one: doubled._do(one, 0, store=files.stores[A], due=due, at=AT))

    tokens = files.do(A, lambda connection: fence(connection, A, AT))
    rises()
    assert files.custody(A, person) == before
    files.do(A, lambda connection: lift(connection, tokens, AT))
    rises()
    assert files.custody(A, person).epoch > before.epoch + 5
