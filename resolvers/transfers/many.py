"""Steps that many take at the same time in one store: what is plain of them, in some statements for
all.

Plain is a step that does what it asks for to each of its people, none of whom another step of the
same transaction is about. Whatever is not is left to be taken alone, and nothing is written of it.
Locked is in the order of `steps`: the transfers, all sides of each, then the people by their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from regions.fencing import is_fenced
from regions.person_keys import ERASED, salts_for, salts_of
from regions.writes import Writer, Writes
from resolvers.post.messages import Letter, put_all
from resolvers.transfers import protocol
from resolvers.transfers.applying import DECISION, OFFER, step_of
from resolvers.transfers.batches import known_transfers
from resolvers.transfers.ledger import (
    both_sides_of_all,
    custodies,
    keep_all_outcomes,
    keep_custodies,
    keep_states,
    parts_of_all,
    people_of,
    state_with,
)
from resolvers.transfers.noting import Noted, note_all
from resolvers.transfers.offers import (
    epochs_of,
    offer_body,
    offer_hash,
    remarked,
    rows_of_parts,
    rows_of_transfer,
    unfit,
    write_parts,
    write_transfers,
)
from resolvers.transfers.states import Custody, Step
from resolvers.transfers.steps import decision_body, waiting
from resolvers.transfers.terms import Offer, Outcome, PersonOutcome, Refusal, Who
from resolvers.writing.stores import Store

__all__ = ["Deciding", "Offering", "decide_many", "offer_many"]


@dataclass(frozen=True, slots=True)
class Offering:
    """An offer that somebody makes, as the parameters of `offer_transfer`."""

    offer: Offer
    who: Who
    trace: str
    at: str


@dataclass(frozen=True, slots=True)
class Deciding:
    """An acceptance, as the parameters of `decide_transfer`: of some people, or all where None."""

    transfer_id: str
    accept: Collection[int] | None
    who: Who
    trace: str
    at: str


@dataclass(frozen=True, slots=True)
class _Made:
    """A step that is plain: its place among those given, custody before it, and what becomes of its
    people.
    """

    place: int
    transfer: str
    who: Who
    at: str
    trace: str
    first_id: int
    before: Mapping[int, Custody]
    steps: Mapping[int, Step]


def offer_many(
    connection: Connection, store: Store, given: Sequence[tuple[Offering, int]]
) -> list[Outcome | None]:
    """Makes the plain ones of some offers to other regions; None of each of the others.

    Each is given with the first of its ids.
    """
    outcomes: list[Outcome | None] = [None] * len(given)
    if is_fenced(connection):
        return outcomes
    wanted = [[one.person_id for one in asked.offer.people] for asked, _ in given]
    count = Counter(person for people in wanted for person in people)
    named = Counter(asked.offer.transfer_id for asked, _ in given)
    known = known_transfers(connection, named)
    before = custodies(connection, count)
    gone = {person for person, salt in salts_of(connection, count).items() if salt == ERASED}
    made = []
    for place, (asked, first) in enumerate(given):
        offer, people = asked.offer, wanted[place]
        transfer = offer.transfer_id
        if (
            offer.to_region == store.settings.code
            or unfit(offer, people, asked.who) is not None
            or transfer in known
            or named[transfer] > 1
            or any(count[person] > 1 or person in gone for person in people)
        ):
            continue
        steps = _plain(
            {
                one.person_id: protocol.offer(
                    before[one.person_id], transfer, offer.to_region, one.epoch
                )
                for one in offer.people
            }
        )
        if steps is not None:
            made.append(
                _Made(place, transfer, asked.who, asked.at, asked.trace, first, before, steps)
            )
    messages = _write_offers(connection, store, [(one, given[one.place][0].offer) for one in made])
    for one, message in zip(made, messages, strict=True):
        told = dict.fromkeys(one.steps, PersonOutcome("OFFERED"))
        outcomes[one.place] = Outcome(one.transfer, "OFFERED", told, (message,))
    return outcomes


def _plain(steps: Mapping[int, Step | Refusal]) -> dict[int, Step] | None:
    """The steps of everybody; None where one is refused, or does anything besides."""
    found = {}
    for person, step in steps.items():
        if isinstance(step, Refusal) or step.dropped is not None or step.resend is not None:
            return None
        found[person] = step
    return found or None


def _write_offers(
    connection: Connection, store: Store, made: Sequence[tuple[_Made, Offer]]
) -> list[str]:
    """Writes offers; returns the ids of their messages."""
    if not made:
        return []
    salts = salts_for(connection, {person for _, offer in made for person in remarked(offer)})
    records, parts, letters = [], [], []
    for one, offer in made:
        hashed = offer_hash(store, offer, one.who)
        records += rows_of_transfer(store, offer, one.who, hashed, one.at)
        parts += rows_of_parts(store, offer, one.steps, ("SENT",), salts, one.first_id, one.at)
        epochs = epochs_of(one.steps)
        body = offer_body(offer, one.who, hashed, epochs)
        letters.append(
            Letter(OFFER, one.transfer, offer.to_region, body, one.trace, step_of(epochs))
        )
    offered = [one for one, _ in made]
    with Writes(connection) as writes:
        write_transfers(writes, records)
        write_parts(writes, parts)
        _write_steps(writes, store, offered, [one.first_id + len(one.steps) for one in offered])
    return _put(connection, store, offered, letters)


def _write_steps(
    connection: Writer, store: Store, made: Sequence[_Made], first_ids: Sequence[int]
) -> None:
    """Custody and events; the ids of events begin at those of `first_ids`."""
    region = store.settings.code
    noted = []
    for at, some in _by_instant(made).items():
        keep_custodies(
            connection,
            {
                person: step.custody
                for one in some
                for person, step in one.steps.items()
                if step.custody != one.before[person]
            },
            at,
        )
    for one, first in zip(made, first_ids, strict=True):
        events = Noted(region, one.at, one.who.account, one.who.unit_id)
        for person, step in one.steps.items():
            events.step(one.transfer, person, step)
        noted.append((events, first))
    note_all(connection, noted)


def _by_instant(made: Iterable[_Made]) -> dict[str, list[_Made]]:
    found: dict[str, list[_Made]] = {}
    for one in made:
        found.setdefault(one.at, []).append(one)
    return found


def _put(
    connection: Connection, store: Store, made: Sequence[_Made], letters: Sequence[Letter]
) -> list[str]:
    """Puts the letter of each; returns the ids in their order."""
    ids = [one.id for one in letters]
    for at, some in _by_instant(made).items():
        own = {one.place for one in some}
        put_all(
            connection,
            store,
            [letter for one, letter in zip(made, letters, strict=True) if one.place in own],
            at,
        )
    return ids


def decide_many(
    connection: Connection, store: Store, given: Sequence[tuple[Deciding, int]]
) -> list[Outcome | None]:
    """Takes the plain ones of some acceptances of what other regions offered; None of each of the
    others.

    Each is given with the first of its ids.
    """
    outcomes: list[Outcome | None] = [None] * len(given)
    if is_fenced(connection):
        return outcomes
    named = Counter(asked.transfer_id for asked, _ in given)
    sides = both_sides_of_all(connection, named)
    rows = {one: of["RECEIVED"] for one, of in sides.items() if "RECEIVED" in of}
    parts = parts_of_all(connection, rows, "RECEIVED")
    wanted: dict[int, set[int]] = {}
    for place, (asked, _) in enumerate(given):
        row, of = rows.get(asked.transfer_id), parts.get(asked.transfer_id, {})
        if (
            row is not None
            and named[asked.transfer_id] == 1
            and row["to_unit"] == asked.who.unit_id
            and row["from_region"] != store.settings.code
        ):
            people = set(waiting(of) if asked.accept is None else asked.accept)
            if people and people <= of.keys():
                wanted[place] = people
    count = Counter(person for people in wanted.values() for person in people)
    before = custodies(connection, count)
    made = []
    for place, people in wanted.items():
        asked, first = given[place]
        transfer, who, of = asked.transfer_id, asked.who, parts[asked.transfer_id]
        steps = _plain(
            {
                person: protocol.decide(
                    before[person], transfer, of[person].outcome, accept=True, unit=who.unit_id
                )
                for person in sorted(people)
            }
        )
        if steps is not None and all(count[person] == 1 for person in people):
            made.append(_Made(place, transfer, who, asked.at, asked.trace, first, before, steps))
    if not made:
        return outcomes
    states = {
        one.transfer: state_with(rows[one.transfer], parts[one.transfer], one.steps, "ACCEPTED")
        for one in made
    }
    with Writes(connection) as writes:
        _write_steps(writes, store, made, [one.first_id for one in made])
        for at, some in _by_instant(made).items():
            accepted = [(one.transfer, dict.fromkeys(one.steps, _ACCEPTED)) for one in some]
            keep_all_outcomes(writes, accepted, "RECEIVED", at)
            now = {one.transfer: states[one.transfer] for one in some}
            keep_states(writes, now, "RECEIVED", at)
    letters = []
    for one in made:
        row = rows[one.transfer]
        epochs = {person: before[person].epoch for person in one.steps}
        body = decision_body(one.transfer, epochs, {}, one.who, one.at)
        letters.append(
            Letter(DECISION, one.transfer, row["from_region"], body, one.trace, step_of(epochs))
        )
    messages = _put(connection, store, made, letters)
    for one, message in zip(made, messages, strict=True):
        told = people_of(parts[one.transfer]) | dict.fromkeys(one.steps, PersonOutcome("ACCEPTED"))
        outcomes[one.place] = Outcome(one.transfer, states[one.transfer], told, (message,))
    return outcomes


_ACCEPTED = ("ACCEPTED", None)
