"""Messages of many transfers at once: what is plain, in some statements for all of them.

Plain is a message that does to each of its people what is expected of it, where nobody else in the
batch is about the same people. Whatever is not (an offer that fell, a store that is behind, an
erased person, a refusal) goes the way of a message alone, in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from regions.bulk import insert_rows
from regions.person_keys import ERASED, salts_of
from regions.shares import end_many, open_many
from regions.statements import Prepared, text_value
from regions.text import among_texts
from regions.transfers import transfer_people, transfers
from regions.writes import Writer, Writes
from resolvers.post.messages import Letter, Message, put_all
from resolvers.transfers import protocol
from resolvers.transfers.applying import COMMIT, Work, share_source, step_of
from resolvers.transfers.bodies import (
    KEEP_TRANSFER,
    epochs_of,
    people_of,
    reply_of,
    transfer_of,
    words_of,
)
from resolvers.transfers.dossier import Dossier, content_hashes, gather
from resolvers.transfers.flags import unknown_references
from resolvers.transfers.here import take_pathways
from resolvers.transfers.ledger import (
    Part,
    custodies,
    keep_custodies,
    keep_states,
    note_all,
    offered_at,
    parts_of_all,
    state_with,
    texts_array,
    transfer_rows,
)
from resolvers.transfers.left_behind import come_back, known_before, leave_behind
from resolvers.transfers.parcels import PARTS, Parcel, joined, sealed_marks
from resolvers.transfers.pathways import close_pathways, gather_pathways, pathways_of, posted
from resolvers.transfers.states import Custody, Event, State, Step, Word
from resolvers.transfers.storing import Place, store_dossier, store_preview
from resolvers.transfers.terms import Who
from resolvers.writing.stores import Store

__all__ = [
    "Given",
    "commit_body",
    "commits",
    "decisions",
    "known_transfers",
    "offers",
    "settle_commits",
]

Given = tuple[Message, Any, int]
"""A message, its parcel, the first of its ids."""

Replies = dict[str, dict[str, Any]]
"""Replies by the messages' ids."""


def _apart(messages: Iterable[Message]) -> set[str]:
    """Messages about people whom no other of them is about."""
    some = {one.id: people_of(one) for one in messages}
    count = Counter(person for people in some.values() for person in people)
    return {one for one, people in some.items() if all(count[person] == 1 for person in people)}


def _persons(messages: Iterable[Message]) -> set[int]:
    return {person for one in messages for person in people_of(one)}


def _is(steps: Mapping[int, Step], event: Event) -> bool:
    """Whether to each person what is expected has happened, and nothing besides."""
    return bool(steps) and all(
        one.event is event and one.dropped is None and one.resend is None for one in steps.values()
    )


def _work(connection: Connection, store: Store, given: Given, at: str) -> Work:
    message, _, first = given
    transfer = message.body["transfer"]
    return Work(connection, store, transfer, trace=message.trace, at=at, first_id=first)


def _write(
    connection: Writer, made: Sequence[tuple[Work, Mapping[int, Step]]], at: str, **detail: Any
) -> None:
    """Custody and events of all. `detail` goes with the events, by the transfer."""
    kept = {person: step.custody for _, steps in made for person, step in steps.items()}
    keep_custodies(connection, kept, at)
    noted = []
    for work, steps in made:
        more = detail.get(work.transfer, {})
        for person, step in steps.items():
            work.noted.step(work.transfer, person, step, **more)
        noted.append((work.noted, work.take(len(work.noted.rows))))
    note_all(connection, noted)


# Offers.


def offers(connection: Connection, store: Store, given: Sequence[Given], at: str) -> Replies:
    """Takes in the plain ones of some offers: of transfers not known here, of people who wait for
    no other.
    """
    messages = [one for one, _, _ in given]
    known = known_transfers(connection, [one.body["transfer"] for one in messages])
    before = custodies(connection, _persons(messages))
    apart, made = _apart(messages), []
    for one in given:
        message, parcel, _ = one
        transfer, epochs = message.body["transfer"], epochs_of(message.body["people"])
        if message.id in apart and transfer not in known and not parcel.dossier.erased:
            steps = {
                person: protocol.receive(before[person], transfer, epoch, message.from_region)
                for person, epoch in epochs.items()
            }
            if _is(steps, Event.RECEIVED):
                made.append((message, parcel, _work(connection, store, one, at), steps))
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
        _write(writes, [(work, steps) for _, _, work, steps in made], at)
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


# Decisions.


def decisions(connection: Connection, store: Store, given: Sequence[Given], at: str) -> Replies:
    """Hands over by the plain ones of some decisions: all accepted, of people who wait for it."""
    messages = [one for one, _, _ in given]
    wanted = [one.body["transfer"] for one in messages]
    known = transfer_rows(connection, wanted, "SENT")
    before = custodies(connection, _persons(messages))
    apart, made = _apart(messages), []
    for one in given:
        message = one[0]
        transfer = message.body["transfer"]
        if message.id in apart and transfer in known and not message.body["refused"]:
            steps = {
                person: protocol.accepted(before[person], transfer, epoch)
                for person, epoch in epochs_of(message.body["accepted"]).items()
            }
            if _is(steps, Event.HANDED):
                made.append((message, _work(connection, store, one, at), steps))
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
        _keep_parts(writes, "SENT", steps_of, hashes)
        _write(writes, steps_of, at, **units)
        keep_states(writes, _handed_over(steps_of, known, parts), "SENT", at)
    return {message.id: reply_of(steps) for message, _, steps in made}


def _handed_over(
    made: Iterable[tuple[Work, Mapping[int, Step]]],
    known: Mapping[str, Mapping[str, Any]],
    parts: Mapping[str, Mapping[int, Part]],
) -> dict[str, str]:
    """The states of transfers of which these people are handed over."""
    return {
        one.transfer: state_with(known[one.transfer], parts[one.transfer], steps, "HANDED")
        for one, steps in made
    }


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


def _keep_parts(
    connection: Writer,
    side: str,
    made: Sequence[tuple[Work, Mapping[int, Step]]],
    hashes: Mapping[int, str],
) -> None:
    """People handed over, in their parts: the epoch, and the hash of what went."""
    rows = [
        {
            "of": work.transfer,
            "at_side": side,
            "who": person,
            "to": step.custody.epoch,
            "hashed": hashes[person],
            "when": work.at,
        }
        for work, steps in made
        for person, step in sorted(steps.items())
    ]
    _PART.run_all(connection, rows)


_c = transfer_people.c
_PART = Prepared(
    update(transfer_people)
    .where(
        _c.transfer_id == bindparam("of"),
        _c.side == bindparam("at_side"),
        _c.person_id == bindparam("who"),
    )
    .values(
        epoch=bindparam("to"),
        outcome="HANDED",
        reason_code=None,
        dossier_hash=bindparam("hashed"),
        decided_at=func.coalesce(_c.decided_at, text_value("when")),
    )
)


# Commits.


def commits(connection: Connection, store: Store, given: Sequence[Given], at: str) -> Replies:
    """Takes over by the plain ones of some commits: of transfers known here, of people who wait for
    it.
    """
    messages = [one for one, _, _ in given]
    known = transfer_rows(connection, [one.body["transfer"] for one in messages], "RECEIVED")
    before = custodies(connection, _persons(messages))
    offered = offered_at(connection, before)
    parts = parts_of_all(connection, known, "RECEIVED")
    apart, made = _apart(messages), []
    for one in given:
        message, parcel, _ = one
        transfer, by = message.body["transfer"], message.body["by"]
        if message.id in apart and transfer in known and not parcel.dossier.erased:
            sender = message.from_region
            steps = {
                person: protocol.arrive(
                    before[person], transfer, epoch, sender, by["unit"], offered.get(person, 0)
                )
                for person, epoch in epochs_of(message.body["people"]).items()
            }
            if _is(steps, Event.OWNED) and steps.keys() <= parts[transfer].keys():
                made.append((message, parcel, _work(connection, store, one, at), steps))
    if not made:
        return {}
    region, sender = store.settings.code, made[0][0].from_region
    hashes, places = {}, {}
    for message, parcel, _, steps in made:
        by = message.body["by"]
        number = int(next(iter(message.body["hashes"].values())).partition(":")[0])
        hashes.update(content_hashes(parcel.dossier, store.indexer, steps, number))
        place = Place(region, by["code"], by["account"], by["unit"])
        places.update(dict.fromkeys(steps, place))
    steps_of = [(work, steps) for _, _, work, steps in made]
    dossier = joined(parcel.dossier for _, parcel, _, _ in made)
    with Writes(connection) as writes:
        _keep_parts(writes, "RECEIVED", steps_of, hashes)
        store_dossier(connection, store, dossier, sender, places, writes)
    come_back(connection, places)
    for message, _, _, steps in made:
        by = message.body["by"]
        who = Who(by["account"], by["unit"], by["code"])
        paths = pathways_of(message.body["pathways"], steps)
        take_pathways(connection, paths, who, by["decidedAt"])
    lent = [
        ([person], unit, source, items)
        for _, parcel, _, _ in made
        for person, unit, source, items in parcel.shares
    ]
    _note_unknown(dossier, steps_of)
    with Writes(connection) as writes:
        end_many(writes, [(share_source(work.transfer), steps) for work, steps in steps_of], at)
        open_many(writes, lent, at)
        _write(writes, steps_of, at)
        keep_states(writes, _handed_over(steps_of, known, parts), "RECEIVED", at)
    return {message.id: reply_of(steps) for message, _, _, steps in made}


def _note_unknown(dossier: Dossier, made: Iterable[tuple[Work, Mapping[int, Step]]]) -> None:
    works = {person: (work, step) for work, steps in made for person, step in steps.items()}
    for person, codes in unknown_references(dossier).items():
        work, step = works[person]
        work.noted.add(work.transfer, person, "UNKNOWN_CODES", step.custody.epoch, codes=codes)


def settle_commits(
    connection: Connection, given: Sequence[tuple[Message, dict[str, Any]]]
) -> set[str]:
    """Takes home the plain ones of some answers to commits: the receiver has everybody. Returns
    the ids of their messages.
    """
    told = {one.id: words_of(reply) for one, reply in given}
    transfer_rows(connection, [one.body["transfer"] for one, _ in given], "SENT")
    persons = {person for words in told.values() for person in words}
    before = custodies(connection, persons)
    gone = [person for person, salt in salts_of(connection, persons).items() if salt == ERASED]
    apart, done, left = _apart(one for one, _ in given), set(), set()
    for one, _ in given:
        words = told[one.id]
        plain = one.id in apart and not any(person in words for person in gone)
        if plain and all(
            word is Word.OWNED and _handed(before[person], one.body["transfer"], epoch)
            for person, (word, epoch) in words.items()
        ):
            done.add(one.id)
            left |= {*words}
    if left:
        with Writes(connection) as writes:
            leave_behind(writes, left, given[0][0].to_region)
    return done


def _handed(custody: Custody, transfer: str, epoch: int) -> bool:
    """Whether the person was handed over by this transfer, at this epoch, and it stands."""
    return custody.state is State.HANDED and (custody.transfer_id, custody.epoch) == (
        transfer,
        epoch,
    )
