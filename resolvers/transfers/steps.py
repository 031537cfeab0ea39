"""The steps of a transfer that people and machines take: each is one local transaction (D, design).

Every step can be tried again: what was done is not done twice, and the same transfer id with
another offer is refused by name. The other region hears of a step by the post. In a store that was
put back from an older backup each raises StoreRestored until it is mended, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from regions.bulk import insert_rows
from regions.fencing import require_whole
from regions.person_keys import ERASED, salts_for, salts_of
from regions.shares import open_shares
from regions.transfers import custody, transfer_people, transfers
from resolvers.post.messages import put
from resolvers.transfers import protocol
from resolvers.transfers.applying import (
    ARRIVAL,
    CANCEL,
    DECISION,
    OFFER,
    Work,
    cancel_body,
    ids_for,
    share_source,
    step_of,
)
from resolvers.transfers.applying import ERASED as ERASED_TOPIC
from resolvers.transfers.dossier import drop_preview
from resolvers.transfers.here import move_here
from resolvers.transfers.ledger import (
    Part,
    custodies,
    keep_outcomes,
    parts_of,
    transfer_row,
)
from resolvers.transfers.protocol import Step
from resolvers.transfers.terms import (
    MOST_PEOPLE,
    Offer,
    Outcome,
    PersonOutcome,
    Refusal,
    Who,
)
from resolvers.writing.stores import Store

__all__ = [
    "cancel_transfer",
    "decide_transfer",
    "ids_for",
    "offer_transfer",
    "record_arrival",
    "tell_erased",
]

_PARTS = (
    *("id", "transfer_id", "side", "person_id", "epoch", "outcome"),
    *("reason_code", "dossier_hash", "decided_at", "sealed"),
)


def offer_transfer(
    connection: Connection,
    store: Store,
    first_id: int,
    offer: Offer,
    who: Who,
    *,
    trace: str,
    at: str,
) -> Outcome:
    """Offers people of this store to a unit of another region, or of this one.

    Taken or refused whole: where one person cannot be offered, `people` says so of each such
    person and nothing is written. `first_id` is the first of `ids_for(len(offer.people))`.
    """
    require_whole(connection, store.settings.code)
    wanted = {one.person_id: one for one in offer.people}
    refusal = _unfit(offer, wanted, who)
    if refusal is not None:
        return Outcome(offer.transfer_id, None, {}, refusal=refusal)
    known = _known(connection, store, offer, who)
    if known is not None:
        return known
    work = Work(
        connection,
        store,
        offer.transfer_id,
        trace=trace,
        at=at,
        first_id=first_id,
        actor=who.account,
        unit_id=who.unit_id,
    )
    here = offer.to_region == work.region
    before = custodies(connection, wanted)
    steps: dict[int, Step] = {}
    refused: dict[int, PersonOutcome] = {}
    gone = {person for person, salt in salts_of(connection, wanted).items() if salt == ERASED}
    for person, one in wanted.items():
        made = protocol.offer(before[person], offer.transfer_id, offer.to_region, one.epoch)
        if person in gone and not isinstance(made, Refusal):
            made = Refusal.ERASED
        if isinstance(made, Refusal):
            refused[person] = PersonOutcome(None, refusal=made)
        else:
            steps[person] = made
    if refused:
        first = next(iter(refused.values())).refusal
        return Outcome(offer.transfer_id, None, refused, refusal=first)
    _write_transfer(connection, store, offer, who, here, at)
    _write_parts(work, steps, wanted, ("SENT", "RECEIVED") if here else ("SENT",))
    work.apply("SENT", before, steps)
    if here:
        source = share_source(offer.transfer_id)
        open_shares(connection, wanted, offer.to_unit, source, offer.items, at)
    else:
        epochs = {person: step.custody.epoch for person, step in steps.items()}
        body = {
            **_meta(offer, who, offer_hash(store, offer, who)),
            "toCode": offer.to_code,
            "items": sorted(set(offer.items)),
            "people": {str(person): epoch for person, epoch in sorted(epochs.items())},
        }
        work.post(OFFER, offer.to_region, body, step_of(epochs))
    state = work.finish(*(("RECEIVED", "SENT") if here else ("SENT",)))
    people = dict.fromkeys(wanted, PersonOutcome("OFFERED"))
    return Outcome(offer.transfer_id, state, people, tuple(work.messages))


def _unfit(offer: Offer, wanted: Collection[int], who: Who) -> Refusal | None:
    if not wanted:
        return Refusal.EMPTY
    if len(wanted) > MOST_PEOPLE:
        return Refusal.TOO_MANY
    return Refusal.SAME_UNIT if offer.to_unit == who.unit_id else None


def _known(connection: Connection, store: Store, offer: Offer, who: Who) -> Outcome | None:
    """What became of this offer before; None where it is new."""
    kept = transfer_row(connection, offer.transfer_id, "SENT")
    if kept is None:
        other = transfer_row(connection, offer.transfer_id, "RECEIVED")
        if other is None:
            return None
        return Outcome(offer.transfer_id, None, {}, refusal=Refusal.TRANSFER_CONFLICT)
    number = int(kept["offer_hash"].partition(":")[0])
    if kept["offer_hash"] != offer_hash(store, offer, who, number):
        return Outcome(offer.transfer_id, None, {}, refusal=Refusal.TRANSFER_CONFLICT)
    parts = parts_of(connection, offer.transfer_id, "SENT")
    return Outcome(offer.transfer_id, kept["state"], _people(parts), repeated=True)


def offer_hash(store: Store, offer: Offer, who: Who, number: int | None = None) -> str:
    """A keyed hash of what is offered and by which unit, with the index key of a number."""
    said = [
        *(offer.to_region, offer.to_unit, offer.reason, offer.planned_at, offer.departed_at),
        sorted(set(offer.items)),
        who.unit_id,
        [[one.person_id, one.escort, one.remarks] for one in _ordered(offer)],
    ]
    indexer = store.indexer if number is None else store.indexer.under(number)
    return indexer.content(orjson.dumps(said))


def _ordered(offer: Offer) -> list[Any]:
    return sorted(offer.people, key=lambda one: one.person_id)


def _meta(offer: Offer, who: Who, hashed: str) -> dict[str, Any]:
    """What both sides keep of a transfer."""
    return {
        "transfer": offer.transfer_id,
        "offerHash": hashed,
        "fromUnit": who.unit_id,
        "toUnit": offer.to_unit,
        "why": offer.reason,
        "plannedAt": offer.planned_at,
        "departedAt": offer.departed_at,
        "account": who.account,
    }


def _write_transfer(
    connection: Connection, store: Store, offer: Offer, who: Who, here: bool, at: str
) -> None:
    row = {
        "id": offer.transfer_id,
        "side": "SENT",
        "from_region": store.settings.code,
        "to_region": offer.to_region,
        "from_unit": who.unit_id,
        "to_unit": offer.to_unit,
        "reason": offer.reason,
        "planned_at": offer.planned_at,
        "departed_at": offer.departed_at,
        "state": "OFFERED",
        "offer_hash": offer_hash(store, offer, who),
        "created_at": at,
        "updated_at": at,
        "reporter": who.account,
        "reporter_unit": who.unit_id,
        "code": who.code,
    }
    rows = [row, row | {"side": "RECEIVED", "code": offer.to_code}] if here else [row]
    connection.execute(insert(transfers), rows)


def _write_parts(
    work: Work, steps: Mapping[int, Step], wanted: Mapping[int, Any], sides: tuple[str, ...]
) -> None:
    told = [one.person_id for one in wanted.values() if one.escort or one.remarks]
    salts = salts_for(work.connection, told)
    rows = []
    number = work.take(len(steps) * len(sides))
    for side in sides:
        for person, step in sorted(steps.items()):
            sealed = None
            if person in salts:
                items = {"escort": wanted[person].escort, "remarks": wanted[person].remarks}
                sealer = work.store.sealer.person(salts[person])
                sealed = sealer.seal("transfer_people", number, items)
            epoch = step.custody.epoch
            rows.append(
                (
                    *(number, work.transfer, side, person, epoch, "OFFERED", None, None, None),
                    sealed,
                )
            )
            number += 1
    insert_rows(work.connection, transfer_people, _PARTS, rows)


def decide_transfer(
    connection: Connection,
    store: Store,
    first_id: int,
    transfer_id: str,
    *,
    accept: Collection[int] | None,
    refuse: Mapping[int, str],
    who: Who,
    trace: str,
    at: str,
) -> Outcome:
    """The receiving unit accepts some people and refuses others, each for a code of a reason.

    `accept` None means everybody who waits to be decided and is not refused here. Of each person
    the outcome says what became of the person: one who cannot be decided on hinders nobody else.
    """
    require_whole(connection, store.settings.code)
    row = transfer_row(connection, transfer_id, "RECEIVED")
    if row is None:
        return Outcome(transfer_id, None, {}, refusal=Refusal.NO_SUCH_TRANSFER)
    if row["to_unit"] != who.unit_id:
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.NOT_RECEIVER)
    if accept is not None and set(accept) & set(refuse):
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.CONTRADICTION)
    parts = parts_of(connection, transfer_id, "RECEIVED")
    taking = set(accept) if accept is not None else _waiting(parts) - set(refuse)
    work = Work(
        connection,
        store,
        transfer_id,
        trace=trace,
        at=at,
        first_id=first_id,
        actor=who.account,
        unit_id=who.unit_id,
    )
    here = row["from_region"] == work.region
    before = custodies(connection, (taking | set(refuse)) & set(parts))
    rule = protocol.decide_here if here else protocol.decide
    steps: dict[int, Step] = {}
    refused: dict[int, Refusal] = {}
    repeated = True
    for person in sorted(taking | set(refuse)):
        part = parts.get(person)
        if part is None:
            refused[person] = Refusal.NOT_IN_TRANSFER
            continue
        wants = person in taking
        made = rule(before[person], transfer_id, part.outcome, accept=wants, unit=who.unit_id)
        if not isinstance(made, Refusal):
            steps[person], repeated = made, False
        elif not _repeats(part, wants):
            refused[person], repeated = made, False
    reasons = {person: refuse.get(person) for person in steps}
    work.apply("RECEIVED", before, steps, reasons)
    taken = {person for person in steps if person in taking}
    back = set(steps) - taken
    if here:
        outcomes = {person: (step.outcome or "", reasons[person]) for person, step in steps.items()}
        keep_outcomes(connection, transfer_id, "SENT", outcomes, at)
        move_here(connection, taken, who, at)
        work.shares_end(steps)
    elif steps:
        work.shares_end(back)
        drop_preview(connection, work.region, back)
        _post_decision(work, row, before, taken, {p: refuse[p] for p in back}, who)
    sides = ("SENT", "RECEIVED") if here else ("RECEIVED",)
    state = work.finish(*sides) if steps else row["state"]
    return _decided(work, state, "RECEIVED", refused, done=bool(steps), repeated=repeated)


def _waiting(parts: Mapping[int, Part]) -> set[int]:
    return {person for person, part in parts.items() if part.outcome == "OFFERED"}


def _repeats(part: Part, accepting: bool) -> bool:
    """Whether what is asked was done before."""
    return part.outcome in (("ACCEPTED", "HANDED") if accepting else ("REFUSED",))


def _post_decision(
    work: Work,
    row: Mapping[str, Any],
    before: Mapping[int, Any],
    taken: Collection[int],
    refused: Mapping[int, str],
    who: Who,
) -> None:
    epochs = {person: before[person].epoch for person in (*taken, *refused)}
    body = {
        "transfer": work.transfer,
        "accepted": {str(person): epochs[person] for person in sorted(taken)},
        "refused": {str(person): [epochs[person], refused[person]] for person in sorted(refused)},
        "account": who.account,
        "unit": who.unit_id,
        "code": who.code,
        "decidedAt": work.at,
    }
    work.post(DECISION, row["from_region"], body, step_of(epochs))


def cancel_transfer(
    connection: Connection,
    store: Store,
    first_id: int,
    transfer_id: str,
    *,
    people: Collection[int] | None,
    reason_code: str | None,
    who: Who,
    trace: str,
    at: str,
) -> Outcome:
    """The offering unit takes people back, all who are still offered (`people` None) or some.

    Whoever was accepted may be taken back as long as the acceptance has not come in here: what
    comes first to this store counts.
    """
    require_whole(connection, store.settings.code)
    row = transfer_row(connection, transfer_id, "SENT")
    if row is None:
        return Outcome(transfer_id, None, {}, refusal=Refusal.NO_SUCH_TRANSFER)
    if row["from_unit"] != who.unit_id:
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.NOT_SENDER)
    parts = parts_of(connection, transfer_id, "SENT")
    wanted = _waiting(parts) if people is None else set(people)
    work = Work(
        connection,
        store,
        transfer_id,
        trace=trace,
        at=at,
        first_id=first_id,
        actor=who.account,
        unit_id=who.unit_id,
    )
    here = row["to_region"] == work.region
    before = custodies(connection, wanted & set(parts))
    steps: dict[int, Step] = {}
    refused: dict[int, Refusal] = {}
    repeated = True
    for person in sorted(wanted):
        part = parts.get(person)
        if part is None:
            refused[person] = Refusal.NOT_IN_TRANSFER
            continue
        made = protocol.cancel(before[person], transfer_id, part.outcome)
        if not isinstance(made, Refusal):
            steps[person], repeated = made, False
        elif part.outcome != "CANCELLED":
            refused[person], repeated = made, False
    reasons = dict.fromkeys(steps, reason_code)
    work.apply("SENT", before, steps, reasons)
    if here:
        outcomes = dict.fromkeys(steps, ("CANCELLED", reason_code))
        keep_outcomes(connection, transfer_id, "RECEIVED", outcomes, at)
        work.shares_end(steps)
    elif steps:
        epochs = {person: before[person].epoch for person in steps}
        body = cancel_body(transfer_id, epochs, reason_code)
        work.post(CANCEL, row["to_region"], body, step_of(epochs))
    sides = ("RECEIVED", "SENT") if here else ("SENT",)
    state = work.finish(*sides) if steps else row["state"]
    return _decided(work, state, "SENT", refused, done=bool(steps), repeated=repeated)


def record_arrival(
    connection: Connection,
    store: Store,
    first_id: int,
    transfer_id: str,
    *,
    arrived_at: str,
    who: Who,
    trace: str,
    at: str,
) -> Outcome:
    """The receiving unit records that those handed over have arrived. The first record counts."""
    require_whole(connection, store.settings.code)
    row = transfer_row(connection, transfer_id, "RECEIVED")
    if row is None:
        return Outcome(transfer_id, None, {}, refusal=Refusal.NO_SUCH_TRANSFER)
    if row["to_unit"] != who.unit_id:
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.NOT_RECEIVER)
    parts = parts_of(connection, transfer_id, "RECEIVED")
    if row["arrived_at"] is not None:
        return Outcome(transfer_id, row["state"], _people(parts), repeated=True)
    if not any(part.outcome == "HANDED" for part in parts.values()):
        return Outcome(transfer_id, row["state"], _people(parts), refusal=Refusal.NOT_HANDED)
    work = Work(
        connection,
        store,
        transfer_id,
        trace=trace,
        at=at,
        first_id=first_id,
        actor=who.account,
        unit_id=who.unit_id,
    )
    here = row["from_region"] == work.region
    where = [transfers.c.id == transfer_id]
    if not here:
        where.append(transfers.c.side == "RECEIVED")
        work.post(ARRIVAL, row["from_region"], {"transfer": transfer_id, "arrivedAt": arrived_at})
    connection.execute(update(transfers).where(*where).values(arrived_at=arrived_at))
    work.noted.add(transfer_id, None, "ARRIVED", None)
    state = work.finish(*(("SENT", "RECEIVED") if here else ("RECEIVED",)))
    return Outcome(transfer_id, state, _people(parts), tuple(work.messages))


def _decided(
    work: Work,
    state: str | None,
    side: str,
    refused: Mapping[int, Refusal],
    *,
    done: bool,
    repeated: bool,
) -> Outcome:
    """What became of everybody of the transfer. The step is refused where it did nothing at all."""
    parts = parts_of(work.connection, work.transfer, side)
    people = _people(parts)
    for person, why in refused.items():
        part = parts.get(person)
        people[person] = PersonOutcome(
            part.outcome if part else None, part.reason_code if part else None, why
        )
    first = next(iter(refused.values())) if refused and not done else None
    return Outcome(
        work.transfer,
        state,
        people,
        tuple(work.messages),
        refusal=first,
        repeated=repeated and first is None,
    )


def _people(parts: Mapping[int, Part]) -> dict[int, PersonOutcome]:
    return {person: PersonOutcome(part.outcome, part.reason_code) for person, part in parts.items()}


def tell_erased(
    connection: Connection, store: Store, person: int, *, trace: str, at: str
) -> tuple[str, ...]:
    """Posts to every region this store has exchanged a person with that the person was erased.

    To be called in the transaction that erases: whatever is on the way then, the person is not
    brought back. Returns the ids of the messages.
    """
    c = transfer_people.c
    rows = connection.execute(
        select(transfers.c.from_region, transfers.c.to_region)
        .join(
            transfer_people,
            (c.transfer_id == transfers.c.id) & (c.side == transfers.c.side),
        )
        .where(c.person_id == person)
    ).all()
    peers = connection.execute(
        select(custody.c.peer).where(custody.c.person_id == person)
    ).scalars()
    told = {region for row in rows for region in row} | {peer for peer in peers if peer}
    body = {"people": [person]}
    return tuple(
        put(
            connection,
            store,
            topic=ERASED_TOPIC,
            subject=f"person:{person}",
            to_region=region,
            body=body,
            trace=trace,
            at=at,
            step=region,
        )
        for region in sorted(told - {store.settings.code})
    )
