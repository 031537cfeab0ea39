"""Stores that were restored from an older backup: how they are found, and how they are mended.

A message stands in the sender's outbox for good, and in the receiver's inbox for good, emptied as
it may be by now (`resolvers.post.pruning`). So whoever lost what it did is seen by its peers: their
inboxes hold messages it never sent, or their outboxes hold answers it never gave. `is_behind`
compares all of them, by their names and hashes.

`reconcile` mends such a store, in this order:

1. of everybody in a message it has sent and lost, its custody is set beside that of the peer
   (`protocol.compare`): where the peer had the person since, it is FENCED; where it is the
   custodian still, it takes an epoch above what the peer has seen;
2. the transfers it had sent are written again by what their receivers have, and the messages stand
   in its outbox again, answered: bodies are lost, ids and replies are not;
3. every message to it that was answered and is not in its inbox is delivered again: dossiers it
   has lost come back, and what it had taken over it takes over again.

Both can be done at any time, again, and while messages are delivered. Who does them when is
`mending`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    BindParameter,
    Connection,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from regions.ids import take_ids
from regions.people import people
from regions.post import EMPTIED, post_inbox, post_order, post_outbox
from regions.text import among, among_texts
from regions.transfers import custody, transfer_people, transfers
from resolvers.transfers import protocol
from resolvers.transfers.applying import CANCEL, COMMIT, Work, cancel_body, reopen, step_of
from resolvers.transfers.ledger import (
    custodies,
    ids_array,
    parts_of,
    transfer_row,
    write_state,
)
from resolvers.transfers.protocol import Custody, State, Step
from resolvers.writing.stores import Store, Stores

__all__ = ["Reconciled", "is_behind", "reconcile"]

T = TypeVar("T")

_AT_ONCE = 2_000
_TOPICS = "transfer."
_TRACE = "reconcile"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was mended in a store: people fenced, people whose epoch was raised, messages that come
    again, and those that cannot: they were answered so long ago that their senders have emptied
    them.
    """

    region: str
    fenced: tuple[int, ...] = ()
    raised: tuple[int, ...] = ()
    again: int = 0
    gone: int = 0


async def is_behind(store: Store, other: Store) -> bool:
    """Whether another store knows more of what one sent or received than that one does itself.

    All their messages are compared: which is the latest only a clock could say, and clocks jump.
    Raises WriteFailed where one of them does not answer.
    """
    region = store.settings.code
    after = ""
    while sent := await other.read(partial(_received, sender=region, after=after)):
        after = sent[-1][0]
        if await store.read(partial(_other_than, sent=sent)):
            return True
    seq = -1
    while rows := await other.read(partial(_answered, to_region=region, after=seq)):
        seq, keys = rows[-1][0], [key for _, key in rows]
        if await store.read(partial(_unreceived, sender=other.settings.code, keys=keys)):
            return True
    return False


async def reconcile(stores: Stores, region: str, at: str) -> Reconciled:
    """Mends the store of a region that was restored, beside all others. `at` is recorded.

    Raises WriteFailed where a store does not answer: it can be done again.
    """
    store = stores.of_region(region)
    if store is None:
        return Reconciled(region)
    fenced: list[int] = []
    raised: list[int] = []
    again = gone = 0
    others = [one for one in stores.regions if one is not store]
    for other in others:
        there = other.settings.code
        seen: dict[int, Custody] = {}
        forgotten: list[dict[str, Any]] = []
        offers: list[_Offered] = []
        after = ""
        while sent := await other.write(0, _call(_received, region, after)):
            after = sent[-1][0]
            lost = sorted(await store.write(0, _call(_other_than, sent)))
            seen |= await other.write(0, _call(_seen, lost))
            forgotten += await other.write(0, _call(_forgotten, lost))
            offers += await other.write(0, _call(_offers_of, region, lost))
        done = await store.write(0, _call(_mend, store, there, seen, at))
        await store.write(0, _call(_remember, store, there, forgotten, offers, at))
        fenced += done.fenced
        raised += done.raised
        await other.write(0, _call(_reopen_all, done.resend))
    for other in others:
        after_seq = -1
        while rows := await other.write(0, _call(_answered, region, after_seq)):
            after_seq = rows[-1][0]
            keys = [key for _, key in rows]
            unknown = await store.write(0, _call(_unreceived, other.settings.code, keys))
            again += await other.write(0, _call(_open_again, sorted(unknown)))
            empty = await other.write(0, _call(_empty, sorted(unknown)))
            gone += await store.write(0, _call(_learn, other.settings.code, empty))
    return Reconciled(region, tuple(fenced), tuple(raised), again, gone)


def _call(work: Callable[..., T], *arguments: Any) -> Callable[[Connection, int], T]:
    """A transaction that needs no ids."""
    return lambda connection, _: work(connection, *arguments)


@dataclass(slots=True)
class _Mended:
    fenced: list[int]
    raised: list[int]
    resend: set[str]


def _received(connection: Connection, sender: str, after: str) -> list[tuple[str, str]]:
    """Ids and hashes of messages from a region, in the order of their ids."""
    c = post_inbox.c
    rows = connection.execute(
        select(c.id, c.hash)
        .where(c.from_region == sender, c.id > after, c.topic.startswith(_TOPICS, autoescape=True))
        .order_by(c.id)
        .limit(_AT_ONCE)
    )
    return [(row.id, row.hash) for row in rows]


def _texts(keys: Iterable[str]) -> BindParameter[str]:
    return literal(orjson.dumps(list(keys)).decode())


def _other_than(connection: Connection, sent: Sequence[tuple[str, str]]) -> set[str]:
    """Those of some messages (id, hash) that this store has not sent, as far as it knows, or that
    it has put again with another content since it was restored: what came first has taken effect.
    """
    c = post_outbox.c
    rows = connection.execute(
        select(c.id, c.hash).where(among_texts(c.id, _texts(key for key, _ in sent)))
    )
    known = {(row.id, row.hash) for row in rows}
    return {key for key, hashed in sent if (key, hashed) not in known}


def _forgotten(connection: Connection, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Messages as their receiver has them."""
    c = post_inbox.c
    rows = connection.execute(
        select(c.id, c.topic, c.subject, c.hash, c.reply, c.received_at)
        .where(among_texts(c.id, _texts(keys)))
        .order_by(c.received_at, c.id)
    )
    return [row._asdict() for row in rows]


@dataclass(frozen=True, slots=True)
class _Offered:
    """A transfer as its receiver has it, and its people."""

    transfer: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]


def _offers_of(connection: Connection, sender: str, keys: Sequence[str]) -> list[_Offered]:
    """The transfers that messages received from a region are of."""
    if not keys:
        return []
    subjects = connection.execute(
        select(post_inbox.c.subject).where(among_texts(post_inbox.c.id, _texts(keys)))
    ).scalars()
    rows = connection.execute(
        select(transfers).where(
            transfers.c.side == "RECEIVED",
            transfers.c.from_region == sender,
            among_texts(transfers.c.id, _texts(set(subjects))),
        )
    ).all()
    c = transfer_people.c
    found = []
    for row in rows:
        parts = connection.execute(
            select(c.person_id, c.epoch, c.outcome, c.reason_code, c.dossier_hash, c.decided_at)
            .where(c.transfer_id == row.id, c.side == "RECEIVED")
            .order_by(c.person_id)
        )
        found.append(_Offered(row._asdict(), [part._asdict() for part in parts]))
    return found


def _remember(
    connection: Connection,
    store: Store,
    there: str,
    rows: Sequence[Mapping[str, Any]],
    offers: Sequence[_Offered],
    at: str,
) -> None:
    """Writes again what this store had sent: its transfers, by what their receiver has, and their
    messages as answered ones.
    """
    for offer in offers:
        _resume(connection, store, offer, at)
    top = select(func.coalesce(func.max(post_outbox.c.seq), 0) + 1).scalar_subquery()
    sqlite_store = connection.dialect.name == "sqlite"
    # All of them, but in a second run.
    missing = _other_than(connection, [(row["id"], row["hash"]) for row in rows])
    connection.execute(
        delete(post_outbox).where(among_texts(post_outbox.c.id, _texts(sorted(missing))))
    )
    for row in rows:
        if row["id"] not in missing:
            continue
        connection.execute(
            insert(post_outbox).values(
                id=row["id"],
                seq=top if sqlite_store else post_order.next_value(),
                topic=row["topic"],
                subject=row["subject"],
                to_region=there,
                body=EMPTIED,
                hash=row["hash"],
                trace=_TRACE,
                created_at=row["received_at"],
                answered_at=row["received_at"],
                reply=row["reply"],
                attempts=0,
            )
        )


def _resume(connection: Connection, store: Store, offer: _Offered, at: str) -> None:
    """Writes a transfer of this store again: those who were handed over are, and whoever still
    waited was called off.
    """
    transfer = offer.transfer["id"]
    if transfer_row(connection, transfer, "SENT") is None:
        persons = [part["person_id"] for part in offer.parts]
        code = connection.execute(
            select(func.min(people.c.code)).where(among(people.c.id, ids_array(persons)))
        ).scalar()
        row = dict(offer.transfer) | {"side": "SENT", "code": code or store.settings.code}
        connection.execute(insert(transfers).values(row))
    known = parts_of(connection, transfer, "SENT")
    missing = [part for part in offer.parts if part["person_id"] not in known]
    if missing:
        first = take_ids(connection, store.settings.code, len(missing))
        connection.execute(
            insert(transfer_people),
            [
                {"id": number, "transfer_id": transfer, "side": "SENT", **part}
                for number, part in enumerate(missing, first)
            ],
        )
    c = transfer_people.c
    for part in offer.parts:
        ended = part["outcome"] if part["outcome"] not in ("OFFERED", "ACCEPTED") else "CANCELLED"
        told = {name: part[name] for name in ("epoch", "reason_code", "dossier_hash")}
        connection.execute(
            update(transfer_people)
            .where(
                c.transfer_id == transfer,
                c.side == "SENT",
                c.person_id == part["person_id"],
                c.epoch <= part["epoch"],  # else it was offered again since
            )
            .values(outcome=ended, **told)
        )
    write_state(connection, transfer, "SENT", at)


def _seen(connection: Connection, keys: Sequence[str]) -> dict[int, Custody]:
    """What this store says of the people in messages it has received."""
    if not keys:
        return {}
    subjects = connection.execute(
        select(post_inbox.c.subject).where(among_texts(post_inbox.c.id, _texts(keys)))
    ).scalars()
    persons = connection.execute(
        select(transfer_people.c.person_id).where(
            among_texts(transfer_people.c.transfer_id, _texts(set(subjects)))
        )
    ).scalars()
    wanted = set(persons)
    rows = connection.execute(select(custody).where(among(custody.c.person_id, ids_array(wanted))))
    return {
        row.person_id: Custody(State[row.state], row.epoch, row.peer, row.transfer_id)
        for row in rows
    }


def _mend(
    connection: Connection, store: Store, there: str, seen: Mapping[int, Custody], at: str
) -> _Mended:
    """Sets this store's custody of people beside what a peer says, and writes what follows."""
    done = _Mended([], [], set())
    before = custodies(connection, seen)
    by_transfer: dict[str, dict[int, Step]] = {}
    calls_off: dict[str, dict[int, int]] = {}
    for person, other in seen.items():
        step = protocol.compare(before[person], other, store.settings.code, there, lost=True)
        if step.calls_off is not None:
            calls_off.setdefault(step.calls_off, {})[person] = other.epoch
        if step.resend is not None:
            done.resend.add(step.resend)
        if step.event is not None:
            transfer = other.transfer_id or before[person].transfer_id or ""
            by_transfer.setdefault(transfer, {})[person] = replace(step, resend=None)
            (done.raised if step.custody.state is State.OWNED else done.fenced).append(person)
    for transfer in sorted({*by_transfer, *calls_off}):
        work = Work(connection, store, transfer, trace=_TRACE, at=at)
        work.apply("SENT", before, by_transfer.get(transfer, {}))
        if epochs := calls_off.get(transfer):
            work.post(CANCEL, there, cancel_body(transfer, epochs, None), step_of(epochs))
        work.finish()
    return done


def _reopen_all(connection: Connection, transfers: Collection[str]) -> None:
    for transfer in sorted(transfers):
        reopen(connection, COMMIT, transfer)


def _answered(connection: Connection, to_region: str, after: int) -> list[tuple[int, str]]:
    c = post_outbox.c
    rows = connection.execute(
        select(c.seq, c.id)
        .where(c.to_region == to_region, c.answered_at.is_not(None), c.seq > after)
        .order_by(c.seq)
        .limit(_AT_ONCE)
    )
    return [(row.seq, row.id) for row in rows]


def _unreceived(connection: Connection, sender: str, keys: Sequence[str]) -> set[str]:
    known = connection.execute(
        select(post_inbox.c.id).where(
            post_inbox.c.from_region == sender, among_texts(post_inbox.c.id, _texts(keys))
        )
    ).scalars()
    return set(keys) - set(known)


def _open_again(connection: Connection, keys: Sequence[str]) -> int:
    if not keys:
        return 0
    c = post_outbox.c
    opened = connection.execute(
        update(post_outbox)
        .where(among_texts(c.id, _texts(keys)), c.body != EMPTIED)
        .values(answered_at=None, reply=None)
    )
    return opened.rowcount


def _empty(connection: Connection, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Those of some messages that are empty, as their receiver would have them."""
    if not keys:
        return []
    c = post_outbox.c
    rows = connection.execute(
        select(c.id, c.topic, c.subject, c.hash, c.reply, c.answered_at.label("received_at"))
        .where(among_texts(c.id, _texts(keys)), c.body == EMPTIED, c.answered_at.is_not(None))
        .order_by(c.seq)
    )
    return [row._asdict() for row in rows]


def _learn(connection: Connection, sender: str, empty: Sequence[Mapping[str, Any]]) -> int:
    """Enters messages as received that cannot come again, with the replies their sender has."""
    if empty:
        connection.execute(insert(post_inbox), [{**one, "from_region": sender} for one in empty])
    return len(empty)
