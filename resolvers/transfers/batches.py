"""Offers and decisions of many transfers at once: what is plain, in a few statements for all.

Plain is a message that does to each of its people what is expected of it, where nobody else in the
batch is about the same people. Whatever is not (an offer that fell, a store that is behind, an
erased person, a refusal) goes the way of a message alone, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from regions.bulk import insert_rows
from regions.shares import open_many
from regions.statements import Prepared
from regions.text import among_texts
from regions.transfers import transfer_people, transfers
from regions.writes import Writes
from resolvers.post.messages import Letter, Message, put_all
from resolvers.transfers import protocol
from resolvers.transfers.applying import COMMIT, Work, share_source, step_of
from resolvers.transfers.batching import (
    Given,
    Replies,
    apart_from_others,
    handed_over,
    is_plain,
    keep_handed,
    persons_of,
    work_of,
    write_steps,
)
from resolvers.transfers.bodies import (
    KEEP_TRANSFER,
    epochs_of,
    reply_of,
    transfer_of,
)
from resolvers.transfers.dossier import content_hashes, gather
from resolvers.transfers.ledger import (
    custodies,
    keep_states,
    parts_of_all,
    texts_array,
    transfer_rows,
)
from resolvers.transfers.left_behind import known_before
from resolvers.transfers.parcels import PARTS, Parcel, joined, sealed_marks
from resolvers.transfers.pathways import close_pathways, gather_pathways, posted
from resolvers.transfers.states import Event, Step
from resolvers.transfers.storing import store_preview
from resolvers.writing.stores import Store

__all__ = ["commit_body", "decisions", "known_transfers", "offers"]


def offers(connection: Connection, store: Store, given: Sequence[Given], at: str) -> Replies:
    """Takes in the plain ones of some offers: of transfers not known here, of people who wait for
    no other.
    """
    messages = [one for one, _, _ in given]
    known = known_transfers(connection, [one.body["transfer"] for one in messages])
    before = custodies(connection, persons_of(messages))
    apart, made = apart_from_others(messages), []
    for one in given:
        message, parcel, _ = one
        transfer, epochs = message.body["transfer"], epochs_of(message.body["people"])
        if message.id in apart and transfer not in known and not parcel.dossier.erased:
            steps = {
                person: protocol.receive(before[person], transfer, epoch, message.from_region)
                for person, epoch in epochs.items()
            }
            if is_plain(steps, Event.RECEIVED):
                made.append((message, parcel, work_of(connection, store, one, at), steps))
    if not made:
        return {}
    rows = [transfer_of(message, message.body["toCode"], at) for message, _, _, _ in made]
    persons = {person for _, _, _, steps in made for person in steps}
    fresh = persons - known_before(connection, store.settings.code, persons)
    dossier = joined(parcel.dossier for _, parcel, _, _ in made)
    parts = _parts(connection, store, [(parcel, work, steps) for _, parcel, work, steps in made])
    opened = [
        (steps, one.body["toUnit"], share_source(work.transfer), one.body["items"])
        for one, _, work, steps in made
    ]
    with Writes(connection) as writes:
        KEEP_TRANSFER.run_all(writes, sorted(rows, key=lambda one: one["id"]))
        store_preview(connection, store, dossier, made[0][0].from_region, fresh, writes)
        insert_rows(writes, transfer_people, PARTS, parts)
        open_many(writes, opened, at)
        write_steps(writes, [(work, steps) for _, _, work, steps in made], at)
    return {message.id: reply_of(steps) for message, _, _, steps in made}


def known_transfers(connection: Connection, wanted: Iterable[str]) -> set[str]:
    """Those of some transfers of which this store has a record, of whichever side."""
    return set(_KNOWN.run(connection, ids=texts_array(wanted)).scalars())


# Locked before the people are, as in every step.
_KNOWN = Prepared(
    select(transfers.c.id)
    .where(among_texts(transfers.c.id, bindparam("ids")))
    .order_by(transfers.c.id, transfers.c.side)
    .with_for_update()
)


def _parts(
    connection: Connection,
    store: Store,
    given: Sequence[tuple[Parcel, Work, Mapping[int, Step]]],
) -> list[tuple[Any, ...]]:
    """The rows of people's parts of transfers that were offered to this store."""
    numbers: dict[int, int] = {}
    marks: dict[int, list[str]] = {}
    rows = []
    for parcel, work, steps in given:
        first = work.take(len(steps))
        numbers.update((person, first + i) for i, person in enumerate(sorted(steps)))
        marks.update(parcel.marks)
    sealed = sealed_marks(connection, store, numbers, marks)
    for _, work, steps in given:
        for person in sorted(steps):
            number, epoch = numbers[person], steps[person].custody.epoch
            what = (number, work.transfer, "RECEIVED", person, epoch, "OFFERED", None, None)
            rows.append((*what, work.at, sealed.get(person)))
    return rows


def decisions(connection: Connection, store: Store, given: Sequence[Given], at: str) -> Replies:
    """Hands over by the plain ones of some decisions: all accepted, of people who wait for it."""
    messages = [one for one, _, _ in given]
    wanted = [one.body["transfer"] for one in messages]
    known = transfer_rows(connection, wanted, "SENT")
    before = custodies(connection, persons_of(messages))
    apart, made = apart_from_others(messages), []
    for one in given:
        message = one[0]
        transfer = message.body["transfer"]
        if message.id in apart and transfer in known and not message.body["refused"]:
            steps = {
                person: protocol.accepted(before[person], transfer, epoch)
                for person, epoch in epochs_of(message.body["accepted"]).items()
            }
            if is_plain(steps, Event.HANDED):
                made.append((message, work_of(connection, store, one, at), steps))
    if not made:
        return {}
    persons = {person for _, _, steps in made for person in steps}
    hashes = content_hashes(gather(connection, store, persons), store.indexer, persons)
    paths = gather_pathways(connection, persons)
    if paths["pathways"]:
        close_pathways(connection, [one["id"] for one in paths["pathways"]])
    parts = parts_of_all(connection, {work.transfer for _, work, _ in made}, "SENT")
    letters = []
    for message, work, steps in made:
        epochs = {person: step.custody.epoch for person, step in steps.items()}
        body = commit_body(known[work.transfer], message, epochs, hashes, paths)
        letters.append(
            Letter(COMMIT, work.transfer, message.from_region, body, message.trace, step_of(epochs))
        )
    put_all(connection, store, letters, at)
    units = {work.transfer: {"unit": message.body["unit"]} for message, work, _ in made}
    steps_of = [(work, steps) for _, work, steps in made]
    with Writes(connection) as writes:
        keep_handed(writes, "SENT", steps_of, hashes)
        write_steps(writes, steps_of, at, **units)
        keep_states(writes, handed_over(steps_of, known, parts), "SENT", at)
    return {message.id: reply_of(steps) for message, _, steps in made}


def commit_body(
    row: Mapping[str, Any],
    decision: Message,
    epochs: Mapping[int, int],
    hashes: Mapping[int, str],
    paths: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """What a commit says: of a transfer by the sender's row, of people at these epochs, with the
    hashes and pathways of (at least) these.
    """
    return {
        "transfer": row["id"],
        "offerHash": row["offer_hash"],
        "fromUnit": row["from_unit"],
        "toUnit": row["to_unit"],
        "why": row["reason"],
        "plannedAt": row["planned_at"],
        "departedAt": row["departed_at"],
        "account": row["reporter"],
        "people": {str(person): epoch for person, epoch in sorted(epochs.items())},
        "hashes": {str(person): hashes[person] for person in sorted(epochs)},
        "by": {name: decision.body[name] for name in ("account", "unit", "code", "decidedAt")},
        "pathways": posted(paths, epochs),
    }
