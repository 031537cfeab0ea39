"""The steps of a transfer that people and machines take: each is one local transaction (D, design).
An offer is `offers`.

Every step can be tried again: what was done is not done twice. The other region hears of a step by
the post. In a store that was put back from an older backup each raises StoreRestored until it is
mended, and nothing is written.

Each locks in the same order: the transfer, all sides of it that are here, then the people by their
ids. So none waits for another that waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, update

from regions.fencing import require_whole
from regions.transfers import transfers
from resolvers.transfers import protocol
from resolvers.transfers.applying import ARRIVAL, CANCEL, DECISION, Work, cancel_body, step_of
from resolvers.transfers.here import move_here
from resolvers.transfers.ledger import (
    Part,
    both_sides,
    custodies,
    keep_outcomes,
    keep_states,
    parts_of,
    people_of,
    state_of,
)
from resolvers.transfers.left_behind import drop_preview
from resolvers.transfers.states import Step
from resolvers.transfers.terms import Outcome, PersonOutcome, Refusal, Who
from resolvers.writing.stores import Store

__all__ = [
    "cancel_transfer",
    "decide_transfer",
    "decision_body",
    "record_arrival",
    "waiting",
]


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
    row = both_sides(connection, transfer_id).get("RECEIVED")
    if row is None:
        return Outcome(transfer_id, None, {}, refusal=Refusal.NO_SUCH_TRANSFER)
    if row["to_unit"] != who.unit_id:
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.NOT_RECEIVER)
    if accept is not None and set(accept) & set(refuse):
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.CONTRADICTION)
    parts = parts_of(connection, transfer_id, "RECEIVED")
    taking = set(accept) if accept is not None else waiting(parts) - set(refuse)
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
        accepted = {person: before[person].epoch for person in taken}
        others = {person: (before[person].epoch, refuse[person]) for person in back}
        body = decision_body(transfer_id, accepted, others, who, at)
        epochs = accepted | {person: epoch for person, (epoch, _) in others.items()}
        work.post(DECISION, row["from_region"], body, step_of(epochs))
    if steps:
        work.finish(*(["SENT"] if here else []))
        row["state"] = _now(work, row, parts, steps, reasons)
    return _decided(work, row["state"], parts, refused, done=bool(steps), repeated=repeated)


def _now(
    work: Work,
    row: Mapping[str, Any],
    parts: dict[int, Part],
    steps: Mapping[int, Step],
    reasons: Mapping[int, str | None],
) -> str:
    """Writes what the state of the transfer is after the steps, and has `parts` say so, too.

    They were read after the record was locked: nobody else has changed them since.
    """
    for person, step in steps.items():
        if step.outcome is not None:
            parts[person] = replace(
                parts[person], outcome=step.outcome, reason_code=reasons.get(person)
            )
    outcomes = [one.outcome for one in parts.values()]
    state = state_of(outcomes, arrived=row["arrived_at"] is not None)
    keep_states(work.connection, {work.transfer: state}, row["side"], work.at)
    return state


def waiting(parts: Mapping[int, Part]) -> set[int]:
    """Those of some people who wait to be decided on."""
    return {person for person, part in parts.items() if part.outcome == "OFFERED"}


def _repeats(part: Part, accepting: bool) -> bool:
    """Whether what is asked was done before."""
    return part.outcome in (("ACCEPTED", "HANDED") if accepting else ("REFUSED",))


def decision_body(
    transfer: str,
    accepted: Mapping[int, int],
    refused: Mapping[int, tuple[int, str]],
    who: Who,
    at: str,
) -> dict[str, Any]:
    """What the message of a decision says: of people at these epochs, of those refused the code of
    the reason too.
    """
    return {
        "transfer": transfer,
        "accepted": {str(person): epoch for person, epoch in sorted(accepted.items())},
        "refused": {str(person): list(one) for person, one in sorted(refused.items())},
        "account": who.account,
        "unit": who.unit_id,
        "code": who.code,
        "decidedAt": at,
    }


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
    row = both_sides(connection, transfer_id).get("SENT")
    if row is None:
        return Outcome(transfer_id, None, {}, refusal=Refusal.NO_SUCH_TRANSFER)
    if row["from_unit"] != who.unit_id:
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.NOT_SENDER)
    parts = parts_of(connection, transfer_id, "SENT")
    wanted = waiting(parts) if people is None else set(people)
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
    if steps:
        work.finish(*(["RECEIVED"] if here else []))
        row["state"] = _now(work, row, parts, steps, reasons)
    return _decided(work, row["state"], parts, refused, done=bool(steps), repeated=repeated)


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
    row = both_sides(connection, transfer_id).get("RECEIVED")
    if row is None:
        return Outcome(transfer_id, None, {}, refusal=Refusal.NO_SUCH_TRANSFER)
    if row["to_unit"] != who.unit_id:
        return Outcome(transfer_id, row["state"], {}, refusal=Refusal.NOT_RECEIVER)
    parts = parts_of(connection, transfer_id, "RECEIVED")
    if row["arrived_at"] is not None:
        return Outcome(transfer_id, row["state"], people_of(parts), repeated=True)
    if not any(part.outcome == "HANDED" for part in parts.values()):
        return Outcome(transfer_id, row["state"], people_of(parts), refusal=Refusal.NOT_HANDED)
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
    return Outcome(transfer_id, state, people_of(parts), tuple(work.messages))


def _decided(
    work: Work,
    state: str | None,
    parts: Mapping[int, Part],
    refused: Mapping[int, Refusal],
    *,
    done: bool,
    repeated: bool,
) -> Outcome:
    """What became of everybody of the transfer. The step is refused where it did nothing at all."""
    people = people_of(parts)
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
