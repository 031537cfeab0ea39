"""Offering people: the first step of a transfer, one local transaction of the sender's store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.fencing import require_whole
from regions.person_keys import ERASED, salts_for, salts_of
from regions.shares import open_shares
from regions.transfers import transfer_people, transfers
from regions.writes import Writer
from resolvers.transfers import protocol
from resolvers.transfers.applying import OFFER, Work, share_source, step_of
from resolvers.transfers.ledger import both_sides, custodies, parts_of, people_of
from resolvers.transfers.parcels import PARTS
from resolvers.transfers.states import Step
from resolvers.transfers.terms import MOST_PEOPLE, Offer, Outcome, PersonOutcome, Refusal, Who
from resolvers.writing.stores import Store

__all__ = [
    "epochs_of",
    "offer_body",
    "offer_hash",
    "offer_transfer",
    "remarked",
    "rows_of_parts",
    "rows_of_transfer",
    "unfit",
    "write_parts",
    "write_transfers",
]

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
    refusal = unfit(offer, wanted, who)
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
        why = next(iter(refused.values())).refusal
        return Outcome(offer.transfer_id, None, refused, refusal=why)
    hashed = offer_hash(store, offer, who)
    write_transfers(connection, rows_of_transfer(store, offer, who, hashed, at))
    sides = ("SENT", "RECEIVED") if here else ("SENT",)
    salts = salts_for(connection, remarked(offer))
    first = work.take(len(steps) * len(sides))
    write_parts(connection, rows_of_parts(store, offer, steps, sides, salts, first, at))
    # What becomes of their parts is written already.
    work.apply("SENT", before, {one: replace(step, outcome=None) for one, step in steps.items()})
    if here:
        source = share_source(offer.transfer_id)
        open_shares(connection, wanted, offer.to_unit, source, offer.items, at)
    else:
        epochs = epochs_of(steps)
        body = offer_body(offer, who, hashed, epochs)
        work.post(OFFER, offer.to_region, body, step_of(epochs))
    work.finish()  # its state is written already
    people = dict.fromkeys(wanted, PersonOutcome("OFFERED"))
    return Outcome(offer.transfer_id, "OFFERED", people, tuple(work.messages))


def unfit(offer: Offer, wanted: Collection[int], who: Who) -> Refusal | None:
    """Why an offer is none, whatever the store says."""
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


def epochs_of(steps: Mapping[int, Step]) -> dict[int, int]:
    """The epoch of each person after a step."""
    return {person: step.custody.epoch for person, step in steps.items()}


def offer_body(offer: Offer, who: Who, hashed: str, epochs: Mapping[int, int]) -> dict[str, Any]:
    """What the message of an offer says: of people who are offered at these epochs."""
    return {
        "transfer": offer.transfer_id,
        "offerHash": hashed,
        "fromUnit": who.unit_id,
        "toUnit": offer.to_unit,
        "why": offer.reason,
        "plannedAt": offer.planned_at,
        "departedAt": offer.departed_at,
        "account": who.account,
        "toCode": offer.to_code,
        "items": sorted(set(offer.items)),
        "people": {str(person): epoch for person, epoch in sorted(epochs.items())},
    }


def rows_of_transfer(
    store: Store, offer: Offer, who: Who, hashed: str, at: str
) -> list[tuple[Any, ...]]:
    """This store's records of a transfer: of one side, or of both."""
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
    return [tuple(one[name] for name in _TRANSFER) for one in rows]


def write_transfers(connection: Writer, rows: Sequence[tuple[Any, ...]]) -> None:
    """Writes what `rows_of_transfer` made."""
    insert_rows(connection, transfers, _TRANSFER, rows)


def remarked(offer: Offer) -> list[int]:
    """The people of whom anything is remarked."""
    return [one.person_id for one in offer.people if one.escort or one.remarks]


def rows_of_parts(
    store: Store,
    offer: Offer,
    steps: Mapping[int, Step],
    sides: Sequence[str],
    salts: Mapping[int, bytes],
    first: int,
    at: str,
) -> list[tuple[Any, ...]]:
    """The parts of people at these sides, with ids from `first` on. `salts` are those of everybody
    `remarked`.
    """
    wanted = {one.person_id: one for one in offer.people}
    rows = []
    for side in sides:
        since = at if side == "SENT" else None
        for person, step in sorted(steps.items()):
            sealed = None
            if person in salts:
                items = {"escort": wanted[person].escort, "remarks": wanted[person].remarks}
                sealed = store.sealer.person(salts[person]).seal("transfer_people", first, items)
            what = (first, offer.transfer_id, side, person, step.custody.epoch, "OFFERED")
            rows.append((*what, None, None, since, sealed))
            first += 1
    return rows


def write_parts(connection: Writer, rows: Sequence[tuple[Any, ...]]) -> None:
    """Writes what `rows_of_parts` made."""
    insert_rows(connection, transfer_people, PARTS, rows)
