"""Stores put back from an older backup: found, fenced, mended, whoever is killed on the way."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, event, insert

from gateway.custody import check_custody
from regions.errors import StoreRestored
from regions.fencing import fence, fences, lift
from regions.people import people
from regions.post import post_inbox, post_outbox
from regions.transfers import transfer_events, transfer_people, transfers
from resolvers.post.messages import CustodyHandler
from resolvers.post.pump import Pump
from resolvers.transfers.behind import answered
from resolvers.transfers.custodians import guard
from resolvers.transfers.delivering import TRANSFER_HANDLERS
from resolvers.transfers.mending import Look, Mender
from resolvers.transfers.remembering import learn
from resolvers.transfers.states import State
from resolvers.transfers.steps import record_arrival
from resolvers.transfers.terms import Refusal
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores as Written
from tests.resolvers.transfers.dying import mend_and_die
from tests.resolvers.transfers.regional import AT, A, B, C, Regions, who
from tests.stores import Stores

T = TypeVar("T")


def _beside(regions: Regions, work: Callable[[Written], Awaitable[T]]) -> T:
    """What a gateway does with the stores."""
    for region in regions.stores:
        regions.leave(region)
    written = Written(list(regions.settings.values()), regions.keys)

    async def run() -> T:
        try:
            return await work(written)
        finally:
            await written.close()

    return regions.loop.run_until_complete(run())


def _fenced(regions: Regions, region: str) -> bool:
    return any(not one.mended for one in regions.do(region, fences))


def _put_back(stores: Stores, regions: Regions, region: str, kept: Any) -> None:
    regions.leave(region)
    stores.put_back(regions.settings[region], kept)


def _back_up(stores: Stores, regions: Regions, region: str) -> Any:
    regions.leave(region)
    return stores.backup(regions.settings[region])


def _hand_over(regions: Regions, person: int, transfer: str, sender: str, receiver: str) -> None:
    assert regions.offer(transfer, [person], sender, receiver).refusal is None
    regions.drain()
    assert regions.decide(transfer, receiver).refusal is None
    regions.drain()


def test_behind_a_fence_no_step_of_custody_is_taken(regions: Regions) -> None:
    kept, coming = regions.register(A), regions.register(B)
    regions.offer("in", [coming], B, A)
    regions.drain()
    tokens = regions.do(A, lambda connection: fence(connection, A, AT))
    parts = regions.rows(A, transfer_people)

    def arrival(connection: Connection) -> Any:
        store = regions.stores[A]
        return record_arrival(
            connection, store, 1, "in", arrived_at=AT, who=who(A), trace="t", at=AT
        )

    steps: list[Callable[[], Any]] = [
        lambda: regions.offer("out", [kept], A, B),
        lambda: regions.decide("in", A),
        lambda: regions.cancel("out", A),
        lambda: regions.do(A, arrival),
        lambda: regions.do(A, lambda connection: guard(connection, A, [kept])),
        lambda: regions.do(A, lambda connection: guard(connection, A, [kept], adding=True)),
    ]
    for step in steps:
        with pytest.raises(StoreRestored) as refused:
            step()
        assert refused.value.extensions()["code"] == "STORE_RESTORED"
    assert regions.rows(A, transfer_people) == parts
    assert not regions.rows(A, post_outbox)
    regions.do(A, lambda connection: lift(connection, tokens, AT))
    for step in steps[:3]:
        assert step().refusal is None


def test_messages_of_custody_wait_before_a_fence(regions: Regions) -> None:
    person = regions.register(A)
    tokens = regions.do(B, lambda connection: fence(connection, B, AT))
    regions.offer("t", [person], A, B)

    async def sweep(written: Written) -> None:
        await Pump(written, TRANSFER_HANDLERS).sweep()

    _beside(regions, sweep)
    (waiting,) = regions.rows(A, post_outbox)
    assert (waiting["answered_at"], waiting["last_error"]) == (None, f"STORE_RESTORED {B}")
    assert regions.custody(B, person).state is State.ABSENT
    regions.do(B, lambda connection: lift(connection, tokens, AT))
    _beside(regions, sweep)
    (answered,) = regions.rows(A, post_outbox)
    assert (answered["answered_at"] is None, answered["last_error"]) == (False, None)
    assert regions.custody(B, person).state is State.PENDING


def test_all_that_transfers_say_waits_before_a_fence() -> None:
    """A correction or an erasure told to a store that is behind would end there."""
    for handler in TRANSFER_HANDLERS:
        assert isinstance(handler, CustodyHandler), handler.topic
        assert handler.of_custody


def test_a_store_put_back_before_the_answer_to_a_commit_leaves_its_rows_behind(
    files: Regions, tmp_path: Path
) -> None:
    """Handed to B, whose answer is not there; since then back, and on to C."""
    regions = files
    person = regions.register(A)
    regions.offer("t1", [person], A, B)
    regions.drain()
    regions.decide("t1", B)
    regions.dies_at = "transfer.commit/deliver/after"
    while regions.dies_at:
        regions.round()
    assert regions.custody(A, person).state is State.HANDED
    assert regions.rows(A, people)[0]["kept_in"] is None
    regions.back_up(A, tmp_path / "kept")
    regions.drain()
    for transfer, sender, receiver in (("t2", B, A), ("t3", A, C)):
        regions.offer(transfer, [person], sender, receiver)
        regions.drain()
        regions.decide(transfer, receiver)
        regions.drain()
    regions.put_back(A, tmp_path / "kept")
    regions.reconcile(A)
    regions.drain()
    assert regions.custodians(person) == [C]
    kept = [row["kept_in"] for row in regions.rows(A, people, people.c.id == person)]
    assert kept == [C]


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.parametrize("region", [A, B], ids=["the sender", "the receiver"])
def test_whoever_is_killed_while_mending_leaves_the_fence(
    stores: Stores, regions: Regions, region: str
) -> None:
    person = regions.register(A)
    regions.offer("t", [person], A, B)
    regions.drain()
    kept = _back_up(stores, regions, region)
    regions.decide("t", B)
    regions.drain()
    _put_back(stores, regions, region, kept)
    fenced: list[bool] = []
    settings = list(regions.settings.values())
    while (ended := mend_and_die(settings, regions.keys, region, len(fenced))) == -signal.SIGKILL:
        fenced.append(_fenced(regions, region))
    assert ended == 0
    # Not before it stood, nor perhaps behind the commit that lifted it.
    assert not fenced[0]
    assert all(fenced[1:-1])
    assert len(fenced) > 6
    assert not _fenced(regions, region)
    regions.drain()
    assert regions.is_behind() == set()
    assert asyncio.run(check_custody(settings)).findings == []
    assert regions.custodians(person) == [B]
    _hand_over(regions, person, "back", B, A)
    assert regions.custodians(person) == [A]


@pytest.mark.parametrize("lost", ["what it sent", "what it received"])
def test_either_end_of_a_message_tells_that_it_was_lost(
    files: Regions, stores: Stores, lost: str
) -> None:
    sender, receiver = (B, A) if lost == "what it sent" else (A, B)
    person = files.register(sender)
    kept = _back_up(stores, files, B)
    assert files.offer("t", [person], sender, receiver).refusal is None
    if sender == A:
        files.drain()
    else:  # taken in, and the answer lost on its way
        for message in files.rows(B, post_outbox):
            files.do(A, partial(_take_in, message=message))
    _put_back(stores, files, B, kept)
    assert files.is_behind() == {B}


def _take_in(connection: Connection, message: dict[str, Any]) -> None:
    row = {name: message[name] for name in ("id", "topic", "subject", "hash")}
    row |= {"from_region": B, "reply": "{}", "received_at": AT}
    connection.execute(insert(post_inbox), [row])


def test_it_is_fenced_until_all_regions_answer(files: Regions, stores: Stores) -> None:
    person = files.register(A)
    kept = _back_up(stores, files, A)
    _hand_over(files, person, "t", A, B)
    _put_back(stores, files, A, kept)
    away = files.settings[C].path
    assert away is not None
    files.leave(C)
    away.rename(away.with_suffix(".away"))

    async def tend(written: Written) -> Look:
        mender = Mender(written)
        found = await mender.look(AT)
        with pytest.raises(WriteFailed):
            await mender.mend(A, AT)
        return found

    found = _beside(files, tend)
    assert (found.behind, set(found.silent)) == ({A}, {C})
    with pytest.raises(StoreRestored):
        files.offer("u", [person], A, C)
    away.with_suffix(".away").rename(away)
    assert files.is_behind() == {A}
    files.reconcile(A)
    assert not _fenced(files, A)
    assert files.offer("u", [person], A, C).refusal is Refusal.FENCED
    assert files.custodians(person) == [B]


def test_it_is_found_by_what_it_was_before(regions: Regions, stores: Stores) -> None:
    """Its peers know nothing of what it has lost; its next ids do."""
    first = regions.register(A)
    kept = _back_up(stores, regions, A)
    lost = regions.register(A)

    async def tend(written: Written) -> list[set[str]]:
        mender = Mender(written)
        seen = [(await mender.look(AT)).behind]
        for store in written.regions:
            await store.close()
        await asyncio.to_thread(stores.put_back, regions.settings[A], kept)
        seen.append((await mender.look(AT)).behind)
        await mender.mend(A, AT)
        seen.append((await mender.look(AT)).behind)
        return seen

    assert _beside(regions, tend) == [set(), {A}, set()]
    again = regions.register(A)
    assert first < lost < again  # what was given before is not given again
    assert again - lost > 1_000_000


def test_it_is_found_by_its_file(files: Regions, tmp_path: Path) -> None:
    path = files.settings[A].path
    assert path is not None
    person = files.register(A)
    files.leave(A)
    shutil.copyfile(path, tmp_path / "kept.db")

    async def tend(written: Written) -> Exception | None:
        store = written.regions[0]
        await store.read(fences)
        os.replace(tmp_path / "kept.db", path)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        try:  # nobody has looked for it yet
            await store.carry(0, lambda connection, _: guard(connection, A, [person]))
        except StoreRestored as refused:
            return refused
        return None

    assert isinstance(_beside(files, tend), StoreRestored)
    assert _fenced(files, A)


def test_each_fence_is_lifted_by_who_has_seen_it(files: Regions) -> None:
    tokens = files.do(A, lambda connection: fence(connection, A, AT))
    assert files.do(A, lambda connection: fence(connection, A, AT)) == tokens
    files.do(A, lambda connection: lift(connection, ["another"], AT))
    assert _fenced(files, A)
    files.do(A, lambda connection: lift(connection, tokens, AT))
    assert not _fenced(files, A)
    assert files.do(A, lambda connection: fence(connection, A, AT)) != tokens


@pytest.mark.parametrize("upto", ["nothing", "the offer"])
def test_a_handover_that_a_restored_store_has_lost_is_known_there_again(
    stores: Stores, regions: Regions, upto: str
) -> None:
    """B took the person over and handed the person on: it answers no longer, and did so."""
    person, stays = regions.register(A), regions.register(A)
    if upto == "the offer":
        regions.offer("t1", [person], A, B)
        regions.drain()
    kept = _back_up(stores, regions, B)
    if upto == "nothing":
        regions.offer("t1", [person], A, B)
        regions.drain()
    regions.decide("t1", B)
    regions.drain()
    _hand_over(regions, person, "t2", B, C)
    regions.offer("t3", [stays], A, B)
    regions.drain()
    regions.decide("t3", B, accept=[], refuse={stays: "NO_PLACE"})
    regions.drain()
    _put_back(stores, regions, B, kept)
    done = regions.reconcile(B)
    regions.drain()
    assert done.fenced == tuple(sorted((person, stays)))  # each once: A and C have had the person
    assert _wrong(regions) == []
    parts = {row["transfer_id"]: row for row in regions.rows(B, transfer_people)}
    assert {name: row["outcome"] for name, row in parts.items()} == {
        "t1": "HANDED",
        "t2": "HANDED",
        "t3": "CANCELLED",
    }
    (sent,) = regions.rows(A, transfer_people, transfer_people.c.transfer_id == "t1")
    assert parts["t1"]["dossier_hash"] == sent["dossier_hash"]
    assert (parts["t1"]["epoch"], parts["t1"]["reason_code"]) == (sent["epoch"], None)
    assert parts["t3"]["reason_code"] == "EPOCH"
    states = {row["id"]: row["state"] for row in regions.rows(B, transfers)}
    assert states == {"t1": "COMMITTED", "t2": "COMMITTED", "t3": "CANCELLED"}
    assert [row["event"] for row in regions.rows(B, transfer_events, _OF_T1)][-1] == "RESTORED"
    # Nothing of the person is there; offered again, the unit sees a preview.
    regions.offer("t4", [person], C, B)
    regions.drain()
    (row,) = regions.rows(B, people, people.c.id == person)
    assert (row["kept_in"], row["reporter"]) == (C, None)
    regions.decide("t4", B)
    regions.drain()
    assert regions.custodians(person) == [B]
    assert _wrong(regions) == []


@pytest.mark.parametrize("upto", ["nothing", "the offer"])
def test_who_lost_an_offer_that_it_took_back_answers_above_what_was_seen_of_it(
    stores: Stores, regions: Regions, upto: str
) -> None:
    """B took the person over, offered the person to C and took that back; and knows nothing of it.

    C knows an epoch of it that whoever has the person from B must be above.
    """
    person = regions.register(A)
    kept = _back_up(stores, regions, B)
    regions.offer("t1", [person], A, B)
    regions.drain()
    if upto == "the offer":
        kept = _back_up(stores, regions, B)
    regions.decide("t1", B)
    regions.drain()
    regions.offer("t2", [person], B, C)
    regions.drain()
    regions.cancel("t2", B)
    regions.drain()
    seen = regions.custody(C, person)
    _put_back(stores, regions, B, kept)
    regions.reconcile(B)
    regions.drain()
    assert regions.custodians(person) == [B]
    assert regions.custody(B, person).epoch > seen.epoch
    _hand_over(regions, person, "t3", B, A)
    _hand_over(regions, person, "t4", A, C)
    assert regions.custodians(person) == [C]
    assert _wrong(regions) == []


_OF_T1 = transfer_events.c.transfer_id == "t1"


def _wrong(regions: Regions) -> list[Any]:
    report = asyncio.run(check_custody(list(regions.settings.values())))
    assert not report.missing
    return report.findings


def test_what_another_gateway_has_mended_is_left_alone(regions: Regions, stores: Stores) -> None:
    """Each of them knew the store as it was before."""
    person = regions.register(A)
    kept = _back_up(stores, regions, A)
    regions.offer("t", [person], A, B)  # posted, and lost for good

    async def tend(written: Written) -> list[Any]:
        one, other, late = (Mender(written) for _ in range(3))
        for mender in (one, other, late):
            assert (await mender.look(AT)).behind == set()
        for store in written.regions:
            await store.close()
        await asyncio.to_thread(stores.put_back, regions.settings[A], kept)
        seen: list[Any] = [(await mender.look(AT)).behind for mender in (one, other)]
        seen.append(await one.mend(A, AT) is not None)
        seen.append(await other.mend(A, AT) is not None)
        seen += [(await mender.look(AT)).behind for mender in (one, other, late, late)]
        return seen

    assert _beside(regions, tend) == [{A}, {A}, True, False, set(), set(), set(), set()]
    assert len(regions.do(A, fences)) == 1
    assert regions.offer("t", [person], A, B).refusal is None


@pytest.mark.parametrize("fenced", [False, True], ids=["whole", "behind a fence"])
def test_a_file_is_fenced_once_whoever_opens_it_and_when(
    files: Regions, tmp_path: Path, fenced: bool
) -> None:
    """What one process has mended another one does not take for a restore, hours later."""
    path = files.settings[A].path
    assert path is not None
    files.register(A)
    if fenced:  # the backup was taken behind a fence, which comes back
        files.do(A, lambda connection: fence(connection, A, AT))
    files.leave(A)
    shutil.copyfile(path, tmp_path / "kept.db")
    later = Written(list(files.settings.values()), files.keys)

    async def tend(written: Written) -> list[int]:
        counts = []
        try:
            for stores in (written, later):
                await stores.regions[0].read(fences)
            os.replace(tmp_path / "kept.db", path)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            counts.append(len(await written.regions[0].read(fences)))
            assert await Mender(written).mend(A, AT) is not None
            counts.append(len(await later.regions[0].read(fences)))
        finally:
            await later.close()
        return counts

    assert _beside(files, tend) == [1, 1]
    assert not _fenced(files, A)


def test_two_who_mend_at_once_enter_the_same(regions: Regions) -> None:
    lost = {
        "id": "transfer.offer:t",
        "topic": "transfer.offer",
        "subject": "t",
        "hash": "h",
        "reply": "{}",
        "received_at": AT,
    }
    entered = [regions.do(B, lambda connection: learn(connection, A, [lost])) for _ in range(2)]
    assert entered == [1, 0]
    assert [row["id"] for row in regions.rows(B, post_inbox)] == [lost["id"]]


def test_answered_messages_to_a_region_are_found_without_those_to_others(files: Regions) -> None:
    told: list[str] = []

    def look(connection: Connection) -> None:
        event.listen(connection, "before_cursor_execute", explain)
        answered(connection, B, 0)

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        told.extend(row[3] for row in cursor.fetchall())

    files.do(A, look)
    (plan,) = told
    assert "ix_post_outbox_answered (to_region=? AND seq>?)" in plan


@pytest.mark.parametrize("knew", ["the first offer", "nothing"])
def test_who_had_looked_at_what_was_lost_is_risen_above(
    files: Regions, stores: Stores, knew: str
) -> None:
    """A yielded to B by looking at an offer of B's that B lost, with the handover, before it was
    sent: what no message tells of, A has seen.
    """
    person = files.register(A)
    nothing = _back_up(stores, files, A), _back_up(stores, files, B)
    assert files.offer("lost", [person], A, B).refusal is None
    files.drain()
    _put_back(stores, files, A, nothing[0])
    assert files.offer("again", [person], A, B).refusal is None
    kept = nothing[1] if knew == "nothing" else _back_up(stores, files, B)
    files.drain()  # B has seen that epoch: A takes one above
    _hand_over(files, person, "t", A, B)
    assert files.offer("back", [person], B, A).refusal is None
    assert files.custody(B, person).epoch > files.custody(A, person).epoch
    files.reconcile(A)
    seen = files.custody(A, person)
    assert (seen.state, seen.epoch) == (State.FENCED, files.custody(B, person).epoch)
    _put_back(stores, files, B, kept)
    files.reconcile(B)
    files.drain()
    assert files.custodians(person) == [B]
    assert files.custody(B, person).epoch > seen.epoch
    _hand_over(files, person, "to C", B, C)
    _hand_over(files, person, "to A", C, A)
    assert files.custodians(person) == [A]
    report = asyncio.run(check_custody(list(files.settings.values())))
    assert report.findings == []


def test_who_was_told_of_an_epoch_by_an_answer_that_was_lost_is_risen_above(
    files: Regions, stores: Stores
) -> None:
    """A has answered B from an offer that A lost before it was sent."""
    person = files.register(A)
    assert files.offer("t", [person], A, B).refusal is None
    files.carry_lane(A, B)
    assert files.decide("t", B).refusal is None
    assert files.cancel("t", A).refusal is None
    kept = _back_up(stores, files, A)
    assert files.offer("lost", [person], A, C).refusal is None
    files.carry_lane(B, A)  # it is kept, says A: from the epoch of the offer that will be lost
    seen = files.custody(B, person)
    assert (seen.state, seen.epoch) == (State.CLOSED, files.custody(A, person).epoch)
    _put_back(stores, files, A, kept)
    assert files.custody(A, person).epoch < seen.epoch
    files.reconcile(A)
    files.drain()
    assert files.custody(A, person).epoch > seen.epoch
    _hand_over(files, person, "to C", A, C)
    _hand_over(files, person, "to B", C, B)
    assert files.custodians(person) == [B]
