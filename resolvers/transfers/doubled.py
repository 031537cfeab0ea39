"""People whom two regions answer for, which only a store that was put back brings about: one of
them is made the custodian, and has what the others wrote.

Who that is, `comparing` decides by the handovers that were through. What follows is a transaction
of one store for each step: who prevails takes an epoch above all others; with the next look each
of the others yields (FENCED), and posts what it has of the person in the same transaction
(`evidence`). Whoever dies on the way leaves what the next look finds, and any number of gateways
may do it at once: a step is taken only where the store still says what was seen of it.

A person is judged

- only where a store was ever put back, all stores answer, and no fence stands;
- only where two looks have seen the same: then both stores answered at one instant, and nobody was
  merely handed over between a look at the one and at the other;
- only where nothing waits of any transfer of the person: what was lost has come again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection, select

from regions.fencing import fences, is_fenced
from regions.ids import region_of
from regions.people import people
from regions.post import post_outbox
from regions.text import among, among_texts
from regions.transfers import custody, transfer_people, transfers
from resolvers.transfers.applying import COMMIT, Work
from resolvers.transfers.behind import texts
from resolvers.transfers.comparing import Handover, above, prevails, yields
from resolvers.transfers.evidence import send_evidence
from resolvers.transfers.ledger import custodies, ids_array
from resolvers.transfers.remembering import TRACE
from resolvers.transfers.states import Custody, State, Step
from resolvers.writing.stores import Store, Stores

__all__ = ["YIELDED", "Settled", "Yielded", "settle_doubled"]

YIELDED = "yielded"
"""In the ids of messages: why evidence was sent."""

_AT_ONCE = 2_000  # ids a store is asked at once
_JUDGED = 200  # people judged together
_LOOKS = 2  # at a person: who prevails rises, then the others yield
_ANSWER = ("OWNED", "RELEASING")


@dataclass(frozen=True, slots=True, order=True)
class Yielded:
    """A person, the region that yielded, the one that is the custodian, and when."""

    person: int
    region: str
    to: str
    at: str


@dataclass(slots=True)
class Settled:
    """What came of a look. `waiting` are people whom two regions answer for still: they can be
    judged once what waits is delivered, or take another look.
    """

    yielded: list[Yielded] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)


async def settle_doubled(stores: Stores, at: str) -> Settled:
    """Finds everybody whom more than one region answers for, and makes one of them the custodian
    where that can be judged; `at` is recorded.

    Raises WriteFailed where a store does not answer: it can be done again.
    """
    done = Settled()
    states = [await store.read(_may_judge) for store in stores.regions]
    if not any(was for was, _ in states) or any(fenced for _, fenced in states):
        return done
    found = sorted(await _doubled(stores))
    for begin in range(0, len(found), _JUDGED):
        some: Collection[int] = found[begin : begin + _JUDGED]
        for _ in range(_LOOKS):
            some = await _settle(stores, some, at, done)
    return done


def _may_judge(connection: Connection) -> tuple[bool, bool]:
    """Whether the store was ever found to be put back, and whether a fence stands."""
    return bool(fences(connection)), is_fenced(connection)


async def _doubled(stores: Stores) -> set[int]:
    """Whom more than one region seems to answer for."""
    held: dict[int, str] = {}
    found: set[int] = set()
    by_home: dict[str, list[int]] = {}
    for store in stores.regions:
        after: int | None = -1
        while after is not None:
            some, after = await store.read(partial(_held, after=after))
            for person in some:
                home = region_of(person)
                if home == store.settings.code:
                    continue
                if person in held:
                    found.add(person)
                else:
                    held[person] = store.settings.code
                    by_home.setdefault(home, []).append(person)
    for home, persons in by_home.items():
        at_home = stores.of_region(home)
        if at_home is not None:
            for begin in range(0, len(persons), _AT_ONCE):
                ask = partial(_said, region=home, persons=persons[begin : begin + _AT_ONCE])
                said = await at_home.read(ask)
                found.update(person for person, one in said.items() if one.state.answers)
    return found


def _held(connection: Connection, after: int) -> tuple[list[int], int | None]:
    """People behind an id whom this store says it answers for, and the last of them; None where
    there are no more.
    """
    c = custody.c
    query = select(c.person_id).where(c.person_id > after, c.state.in_(_ANSWER))
    found = list(connection.scalars(query.order_by(c.person_id).limit(_AT_ONCE)))
    return found, found[-1] if found else None


def _said(connection: Connection, region: str, persons: Collection[int]) -> dict[int, Custody]:
    """What a store says of people, without a lock; nothing of those it says nothing of."""
    c = custody.c
    rows = connection.execute(select(custody).where(among(c.person_id, ids_array(persons))))
    found = {
        row.person_id: Custody(State[row.state], row.epoch, row.peer, row.transfer_id)
        for row in rows
    }
    of_here = [one for one in persons if one not in found and region_of(one) == region]
    living = select(people.c.id).where(
        among(people.c.id, ids_array(of_here)), people.c.kept_in.is_(None)
    )
    return found | dict.fromkeys(connection.scalars(living), Custody(State.OWNED, 0))


@dataclass(frozen=True, slots=True)
class _Part:
    """A person's part of a transfer, as a store has it."""

    transfer: str
    epoch: int
    sender: str
    receiver: str
    handed: bool


def _parts(connection: Connection, persons: Collection[int]) -> dict[int, list[_Part]]:
    p, t = transfer_people.c, transfers.c
    query = (
        select(p.person_id, p.transfer_id, p.epoch, t.from_region, t.to_region, p.outcome)
        .join(transfers, (t.id == p.transfer_id) & (t.side == p.side))
        .where(among(p.person_id, ids_array(persons)))
        .order_by(p.person_id, p.transfer_id, p.side)
    )
    found: dict[int, list[_Part]] = {}
    for row in connection.execute(query):
        through = row.outcome == "HANDED"
        part = _Part(row.transfer_id, row.epoch, row.from_region, row.to_region, through)
        found.setdefault(row.person_id, []).append(part)
    return found


def _waiting(connection: Connection, subjects: Collection[str]) -> set[str]:
    """Those of some transfers of which a message of this store waits."""
    c = post_outbox.c
    waits = among_texts(c.subject, texts(sorted(subjects)))
    return set(connection.scalars(select(c.subject).where(waits, c.answered_at.is_(None))))


def _lost(connection: Connection, subjects: Collection[str]) -> set[str]:
    """Those of some transfers whose commit this store had sent, and lost."""
    c = post_outbox.c
    sent = among_texts(c.subject, texts(sorted(subjects)))
    lost = select(c.subject).where(sent, c.topic == COMMIT, c.trace == TRACE)
    return set(connection.scalars(lost))


Rows = dict[str, dict[int, Custody]]


async def _rows(stores: Stores, persons: Collection[int]) -> Rows:
    return {
        one.settings.code: await one.read(partial(_said, region=one.settings.code, persons=persons))
        for one in stores.regions
    }


async def _settle(stores: Stores, persons: Collection[int], at: str, done: Settled) -> set[int]:
    """A look at some people, and the steps that follow; who wants another look."""
    if not persons:
        return set()
    first = await _rows(stores, persons)
    parts: dict[int, list[_Part]] = {}
    for store in stores.regions:
        for person, some in (await store.read(partial(_parts, persons=persons))).items():
            parts.setdefault(person, []).extend(some)
    subjects = {one.transfer for some in parts.values() for one in some}
    waiting: set[str] = set()
    lost: set[str] = set()
    for store in stores.regions:
        waiting |= await store.read(partial(_waiting, subjects=subjects))
        lost |= await store.read(partial(_lost, subjects=subjects))
    second = await _rows(stores, persons)
    due: dict[str, dict[int, _Due]] = {}
    for person in persons:
        rows = {region: said[person] for region, said in second.items() if person in said}
        then = {region: said[person] for region, said in first.items() if person in said}
        theirs = parts.get(person, [])
        if sum(one.state.answers for one in rows.values()) < 2:
            continue
        done.waiting.add(person)
        if rows == then and not any(one.transfer in waiting for one in theirs):
            for region, one in _decide(person, rows, theirs, lost).items():
                due.setdefault(region, {})[person] = one
    risen: set[int] = set()
    for region, steps in sorted(due.items()):
        writing = stores.of_region(region)
        assert writing is not None
        yielded = await writing.write(0, partial(_do, store=writing, due=steps, at=at))
        done.yielded += yielded
        done.waiting -= {one.person for one in yielded}
        risen |= {person for person, one in steps.items() if one.to is None}
    return risen


@dataclass(frozen=True, slots=True)
class _Due:
    """A store of which this was `seen` takes an epoch above this one, or yields `to` a region that
    answers at it. `regions` are all that answered.
    """

    seen: Custody
    epoch: int
    to: str | None
    regions: tuple[str, ...]
    transfer: str  # that the trail names

    def step(self) -> Step:
        if self.to is None:
            return above(self.seen, self.epoch)
        return yields(self.seen, self.epoch, self.to)


def _decide(
    person: int, rows: Mapping[str, Custody], parts: Sequence[_Part], lost: Collection[str]
) -> dict[str, _Due]:
    """What is to be done about a person, by region."""
    answering = {region: one for region, one in rows.items() if one.state.answers}
    through = {
        one.transfer: Handover(
            one.epoch, one.transfer, one.sender, one.receiver, one.transfer in lost
        )
        for one in parts
        if one.handed
    }
    custodian = prevails(answering, through.values(), region_of(person))
    mine, regions = rows[custodian], tuple(sorted(answering))
    top = max(one.epoch for region, one in rows.items() if region != custodian)
    if mine.epoch <= top:
        of = "" if mine.state is State.RELEASING else mine.transfer_id or ""
        return {custodian: _Due(mine, top, None, regions, of)}
    others = {region: one for region, one in answering.items() if region != custodian}
    by = mine.transfer_id or ""
    return {region: _Due(one, mine.epoch, custodian, regions, by) for region, one in others.items()}


def _do(
    connection: Connection, _: int, *, store: Store, due: Mapping[int, _Due], at: str
) -> list[Yielded]:
    """Takes the steps of one store, of whom it still says what was seen."""
    here = store.settings.code
    if is_fenced(connection):
        return []
    before = custodies(connection, due)
    by_transfer: dict[tuple[str, tuple[str, ...]], dict[int, Step]] = {}
    for person, one in due.items():
        now = replace(before[person], unit_id=None, since=None)
        if now == replace(one.seen, unit_id=None, since=None):
            step = replace(one, seen=before[person]).step()
            by_transfer.setdefault((one.transfer, one.regions), {})[person] = step
    yielded = []
    for (transfer, regions), steps in sorted(by_transfer.items()):
        work = Work(connection, store, transfer, trace=TRACE, at=at)
        work.apply("SENT", before, steps, detail={"twoCustodians": list(regions)})
        work.finish()
        for person, step in steps.items():
            to = due[person].to
            if to is not None:
                send_evidence(connection, store, person, step, YIELDED, trace=TRACE, at=at)
                yielded.append(Yielded(person, here, to, at))
    return yielded
