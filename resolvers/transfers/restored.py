"""How a store that was put back from an older backup is mended, beside all others.

In this order:

1. of everybody in a message it has sent and lost (`behind`), or of whom the peer says that it
   answers, its custody is set beside that of the peer (`comparing`): where the peer had the
   person since, it is FENCED, and what it has of the person goes to the custodian (`evidence`);
   where it is the custodian still, it takes an epoch above what the peer has seen, be it by a
   message, by an answer to its own, or by looking;
2. the transfers it had sent are written again by what their receivers have, and the messages stand
   in its outbox again, answered (`remembering`);
3. every message to it that was answered and is not in its inbox is delivered again: dossiers it
   has lost come back, and what it had taken over it takes over again;
4. cards it had corrected become what their copies are (`regaining`).

It can be done at any time, again, and while messages are delivered. Who does it when is
`mending`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, select, update

from regions.post import EMPTIED, post_inbox, post_outbox
from regions.text import among, among_texts
from regions.transfers import custody, transfer_people
from resolvers.transfers.applying import CANCEL, COMMIT, Work, cancel_body, reopen, step_of
from resolvers.transfers.behind import answered, other_than, received, texts, unreceived
from resolvers.transfers.comparing import SAY_OF_PEER, compare
from resolvers.transfers.evidence import send_evidence
from resolvers.transfers.ledger import custodies, ids_array
from resolvers.transfers.regaining import copies, dossiers, newer, take_back
from resolvers.transfers.remembering import (
    TRACE,
    Offered,
    emptied,
    forgotten,
    learn,
    offers_of,
    remember,
)
from resolvers.transfers.states import Custody, State, Step
from resolvers.writing.stores import Store, Stores

__all__ = ["Reconciled", "reconcile"]

T = TypeVar("T")

_PEOPLE = 2_000  # read at once
_CARDS = 100  # taken back in one transaction


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was mended in a store: people fenced, people whose epoch was raised, messages that come
    again, and those that cannot: they were answered so long ago that their senders have emptied
    them; cards of cases that were corrected since, as their copies have it.
    """

    region: str
    fenced: tuple[int, ...] = ()
    raised: tuple[int, ...] = ()
    again: int = 0
    gone: int = 0
    cards: int = 0


async def reconcile(stores: Stores, region: str, at: str) -> Reconciled:
    """Mends the store of a region that was restored, beside all others. `at` is recorded.

    Raises WriteFailed where a store does not answer: it can be done again.
    """
    store = stores.of_region(region)
    if store is None:
        return Reconciled(region)
    fenced: set[int] = set()  # several may have had a person since
    raised: set[int] = set()
    again = gone = 0
    others = [one for one in stores.regions if one is not store]
    for other in others:
        there = other.settings.code
        seen: dict[int, Custody] = {}
        known: list[dict[str, Any]] = []
        offers: list[Offered] = []
        after = ""
        while sent := await other.write(0, _call(received, region, after)):
            after = sent[-1][0]
            lost = sorted(await store.write(0, _call(other_than, sent)))
            seen |= await other.write(0, _call(_seen, lost))
            known += await other.write(0, _call(forgotten, lost))
            offers += await other.write(0, _call(offers_of, region, lost))
        last: int | None = -1
        while last is not None:
            said, last = await other.write(0, _call(_said_of, region, last))
            seen |= said
        done = await store.write(0, _call(_mend, store, there, seen, at))
        await store.write(0, _call(remember, store, there, known, offers, at))
        fenced |= done.fenced
        raised |= done.raised
        await other.write(0, _call(_reopen_all, done.resend))
    for other in others:
        after_seq = -1
        while rows := await other.write(0, _call(answered, region, after_seq)):
            after_seq = rows[-1][0]
            keys = [key for _, key in rows]
            unknown = await store.write(0, _call(unreceived, other.settings.code, keys))
            again += await other.write(0, _call(_open_again, sorted(unknown)))
            empty = await other.write(0, _call(emptied, sorted(unknown)))
            gone += await store.write(0, _call(learn, other.settings.code, empty))
    cards = 0
    for other in others:
        person: int | None = -1
        while person is not None:
            found, person = await other.write(0, _call(copies, region, person))
            behind = await store.write(0, _call(newer, found))
            for begin in range(0, len(behind), _CARDS):
                some = behind[begin : begin + _CARDS]
                back = await other.write(0, _call(dossiers, other, some))
                cards += await store.write(0, _call(take_back, store, back))
    kept = sorted(raised - fenced)
    return Reconciled(region, tuple(sorted(fenced)), tuple(kept), again, gone, cards)


def _call(work: Callable[..., T], *arguments: Any) -> Callable[[Connection, int], T]:
    """A transaction that needs no ids."""
    return lambda connection, _: work(connection, *arguments)


@dataclass(slots=True)
class _Mended:
    fenced: set[int]
    raised: set[int]
    resend: set[str]


def _seen(connection: Connection, keys: Sequence[str]) -> dict[int, Custody]:
    """What this store says of the people in messages it has received."""
    if not keys:
        return {}
    subjects = connection.execute(
        select(post_inbox.c.subject).where(among_texts(post_inbox.c.id, texts(keys)))
    ).scalars()
    persons = connection.execute(
        select(transfer_people.c.person_id).where(
            among_texts(transfer_people.c.transfer_id, texts(set(subjects)))
        )
    ).scalars()
    wanted = set(persons)
    rows = connection.execute(select(custody).where(among(custody.c.person_id, ids_array(wanted))))
    return {row.person_id: _as_custody(row) for row in rows}


def _said_of(
    connection: Connection, region: str, after: int
) -> tuple[dict[int, Custody], int | None]:
    """What this store says of people behind an id for whom it takes a region to answer; the last of
    them, None where there were no more.
    """
    c = custody.c
    states = [one.name for one in SAY_OF_PEER]
    rows = connection.execute(
        select(custody)
        .where(c.person_id > after, c.peer == region, c.state.in_(states))
        .order_by(c.person_id)
        .limit(_PEOPLE)
    )
    found = {row.person_id: _as_custody(row) for row in rows}
    return found, max(found, default=None)


def _as_custody(row: Any) -> Custody:
    return Custody(State[row.state], row.epoch, row.peer, row.transfer_id)


def _mend(
    connection: Connection, store: Store, there: str, seen: Mapping[int, Custody], at: str
) -> _Mended:
    """Sets this store's custody of people beside what a peer says, and writes what follows."""
    done = _Mended(set(), set(), set())
    before = custodies(connection, seen)
    by_transfer: dict[str, dict[int, Step]] = {}
    calls_off: dict[str, dict[int, int]] = {}
    told: dict[int, tuple[Step, str | None]] = {}
    here = store.settings.code
    for person, other in seen.items():
        step = compare(before[person], other, here, there)
        if step.calls_off is not None:
            calls_off.setdefault(step.calls_off, {})[person] = other.epoch
        if step.resend is not None:
            done.resend.add(step.resend)
        if step.tells is not None:
            told[person] = step, here if other.state is State.FENCED else None
        if step.event is not None:
            transfer = other.transfer_id or before[person].transfer_id or ""
            by_transfer.setdefault(transfer, {})[person] = replace(step, resend=None)
            (done.raised if step.custody.state is State.OWNED else done.fenced).add(person)
    for transfer in sorted({*by_transfer, *calls_off}):
        work = Work(connection, store, transfer, trace=TRACE, at=at)
        work.apply("SENT", before, by_transfer.get(transfer, {}))
        if epochs := calls_off.get(transfer):
            work.post(CANCEL, there, cancel_body(transfer, epochs, None), step_of(epochs))
        work.finish()
    for person, (step, to) in told.items():
        send_evidence(connection, store, person, step, "restored", trace=TRACE, at=at, to=to)
    return done


def _reopen_all(connection: Connection, transfers: Collection[str]) -> None:
    for transfer in sorted(transfers):
        reopen(connection, COMMIT, transfer)


def _open_again(connection: Connection, keys: Sequence[str]) -> int:
    if not keys:
        return 0
    c = post_outbox.c
    opened = connection.execute(
        update(post_outbox)
        .where(among_texts(c.id, texts(keys)), c.body != EMPTIED)
        .values(answered_at=None, reply=None)
    )
    return opened.rowcount
