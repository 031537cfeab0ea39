"""Commits of many transfers at once, and the answers to them: the plain ones, as in `batches`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from regions.person_keys import ERASED, salts_of
from regions.shares import end_many, open_many
from regions.writes import Writes
from resolvers.post.messages import Message
from resolvers.transfers import protocol
from resolvers.transfers.applying import Work, share_source
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
    epochs_of,
    reply_of,
    words_of,
)
from resolvers.transfers.dossier import Dossier, content_hashes
from resolvers.transfers.flags import unknown_references
from resolvers.transfers.here import take_pathways
from resolvers.transfers.ledger import (
    custodies,
    keep_states,
    offered_at,
    parts_of_all,
    transfer_rows,
)
from resolvers.transfers.left_behind import come_back, leave_behind
from resolvers.transfers.parcels import joined
from resolvers.transfers.pathways import pathways_of
from resolvers.transfers.states import Custody, Event, State, Step, Word
from resolvers.transfers.storing import Place, store_dossier
from resolvers.transfers.terms import Who
from resolvers.writing.stores import Store

__all__ = ["commits", "settle_commits"]


def commits(connection: Connection, store: Store, given: Sequence[Given], at: str) -> Replies:
    """Takes over by the plain ones of some commits: of transfers known here, of people who wait for
    it.
    """
    messages = [one for one, _, _ in given]
    known = transfer_rows(connection, [one.body["transfer"] for one in messages], "RECEIVED")
    before = custodies(connection, persons_of(messages))
    offered = offered_at(connection, before)
    parts = parts_of_all(connection, known, "RECEIVED")
    apart, made = apart_from_others(messages), []
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
            if is_plain(steps, Event.OWNED) and steps.keys() <= parts[transfer].keys():
                made.append((message, parcel, work_of(connection, store, one, at), steps))
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
        keep_handed(writes, "RECEIVED", steps_of, hashes)
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
        write_steps(writes, steps_of, at)
        keep_states(writes, handed_over(steps_of, known, parts), "RECEIVED", at)
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
    apart, done, left = apart_from_others(one for one, _ in given), set(), set()
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
