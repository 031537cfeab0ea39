"""Offering people: the first step of a transfer, one local transaction of the sender's store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.fencing import require_whole
from regions.person_keys import ERASED, salts_for, salts_of
from regions.shares import open_shares
from regions.transfers import transfer_people, transfers
from resolvers.transfers import protocol
from resolvers.transfers.applying import OFFER, Work, share_source, step_of
from resolvers.transfers.ledger import both_sides, custodies, parts_of, people_of
from resolvers.transfers.parcels import PARTS
from resolvers.transfers.states import Step
from resolvers.transfers.terms import MOST_PEOPLE, Offer, Outcome, PersonOutcome, Refusal, Who
from resolvers.writing.stores import Store

__all__ = ["offer_transfer"]

_TRANSFER = tuple(column.name for column in transfers.columns if column.name != "arrived_at")


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
    hashed = offer_hash(store, offer, who)
    _write_transfer(connection, store, offer, who, hashed, at)
    _write_parts(work, steps, wanted, ("SENT", "RECEIVED") if here else ("SENT",))
    work.apply("SENT", before, steps)
    if here:
        source = share_source(offer.transfer_id)
        open_shares(connection, wanted, offer.to_unit, source, offer.items, at)
    else:
        epochs = {person: step.custody.epoch for person, step in steps.items()}
        body = {
            **_meta(offer, who, hashed),
            "toCode": offer.to_code,
            "items": sorted(set(offer.items)),
            "people": {str(person): epoch for person, epoch in sorted(epochs.items())},
        }
        work.post(OFFER, offer.to_region, body, step_of(epochs))
    work.finish()  # its state is written already
    people = dict.fromkeys(wanted, PersonOutcome("OFFERED"))
    return Outcome(offer.transfer_id, "OFFERED", people, tuple(work.messages))


def _unfit(offer: Offer, wanted: Collection[int], who: Who) -> Refusal | None:
    if not wanted:
        return Refusal.EMPTY
    if len(wanted) > MOST_PEOPLE:
        return Refusal.TOO_MANY
    return Refusal.SAME_UNIT if offer.to_unit == who.unit_id else None


def _known(connection: Connection, store: Store, offer: Offer, who: Who) -> Outcome | None:
    """What became of this offer before; None where it is new."""
    sides = both_sides(connection, offer.transfer_id)
    if not sides:
        return None
    kept = sides.get("SENT")
    if kept is None:
        return Outcome(offer.transfer_id, None, {}, refusal=Refusal.TRANSFER_CONFLICT)
    number = int(kept["offer_hash"].partition(":")[0])
    if kept["offer_hash"] != offer_hash(store, offer, who, number):
        return Outcome(offer.transfer_id, None, {}, refusal=Refusal.TRANSFER_CONFLICT)
    parts = parts_of(connection, offer.transfer_id, "SENT")
    return Outcome(offer.transfer_id, kept["state"], people_of(parts), repeated=True)


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
    connection: Connection, store: Store, offer: Offer, who: Who, hashed: str, at: str
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
        "offer_hash": hashed,
        "created_at": at,
        "updated_at": at,
        "reporter": who.account,
        "reporter_unit": who.unit_id,
        "code": who.code,
    }
    rows = [row]
    if offer.to_region == store.settings.code:
        rows.append(row | {"side": "RECEIVED", "code": offer.to_code})
    names = _TRANSFER
    insert_rows(connection, transfers, names, [tuple(one[name] for name in names) for one in rows])


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
    insert_rows(work.connection, transfer_people, PARTS, rows)
