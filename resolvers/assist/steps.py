"""One event of a letter, decided in the transaction of the store that decides it (table C).

The receiver's copy decides once a letter has arrived, the issuer's before. What was decided travels
as news to the other side (`resolvers.assist.news`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, or_, select

from regions.contacts import contacts, samples
from regions.people import people
from regions.shares import end_shares, open_shares, shares
from resolvers.assist.clocks import REPORT_HOURS, AssistLimits, after_hours, starting
from resolvers.assist.news import put_end
from resolvers.assist.rows import RECEIVED, Copy, Who
from resolvers.assist.states import (
    ENDED,
    OPEN,
    REPORTED,
    Clock,
    Event,
    Facts,
    Guard,
    Party,
    State,
    Subject,
)
from resolvers.assist.table import added_up, step
from resolvers.writing.stores import Store

__all__ = [
    "close_shares",
    "decide_letter",
    "decide_person",
    "decide_wish",
    "effective",
    "end_everywhere",
    "has_positive",
    "settle_people",
    "share_at_issuer",
    "source",
]

_WORKING = frozenset({State.IN_PROGRESS, *REPORTED})
_OF_LETTER = frozenset({State.DRAFT, State.SENT, State.RECEIVED, State.REFUSED, *ENDED})
_TOGETHER = _OF_LETTER - {State.CLOSED}  # of a closed letter each keeps what became of it
_WISHES = frozenset(
    {
        Event.WITHDRAW,
        Event.ACCEPT,
        Event.ASK_MORE,
        Event.CONFIRM_EXCLUSION,
        Event.DISPUTE_EXCLUSION,
    }
)


def source(number: str) -> str:
    """The source of what a letter shares (`regions.shares`), and the reason in the access log."""
    return f"assist:{number}"


def effective(letter: State, person: State) -> State:
    """The state by which an event of a person is decided: the letter's before it is worked on and
    once it has ended, and while an answer waits for the issuer.
    """
    if letter in _OF_LETTER:
        return letter
    if letter is State.FEEDBACK_GIVEN and person is State.CONTROLLED:
        return letter
    return person


def decide_letter(
    copy: Copy,
    event: Event,
    party: Party,
    who: Who,
    limits: AssistLimits,
    *,
    failing: Iterable[Guard] = (),
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
    phase: str = "DECIDED",
    **values: Any,
) -> None:
    """An event of the letter. `values` are further columns it sets. Raises StateRefused."""
    facts = Facts(party, frozenset({*failing, *_standing_guards(copy)}))
    before = copy.state
    found = step(Subject.LETTER, before, event, facts)
    copy.row |= values
    copy.row["state"] = found.next.name
    sent_at = copy.row["sent_at"] or who.at
    copy.row |= starting(found.clock, who.at, sent_at, limits)
    if found.next in ENDED:
        copy.row["ended_at"] = who.at
    if reason is not None:
        copy.row["reason_code"] = reason
    _count(copy)
    if found.next in _TOGETHER or (event is Event.ASSIGN and before is State.RECEIVED):
        copy.spread(found.next)
    copy.note(event.name, phase, who, reason=reason, detail=detail)


def decide_person(
    copy: Copy,
    person: dict[str, Any],
    event: Event,
    party: Party,
    who: Who,
    *,
    failing: Iterable[Guard] = (),
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    """An event of one person of the letter. Raises StateRefused."""
    state = effective(copy.state, State[person["state"]])
    found_failing = {*failing, *_standing_guards(copy)}
    if person["proposed"] != State.EXCLUDED.name:
        found_failing.add(Guard.PROPOSED)
    if person["case_id"] is not None or values.get("case_id") is None:
        found_failing.add(Guard.NEW_CASE)
    found = step(Subject.PERSON, state, event, Facts(party, frozenset(found_failing)))
    person |= values
    person["state"] = found.next.name
    if found.clock is Clock.REPORT:
        person |= {"positive_at": who.at, "case_due": after_hours(who.at, REPORT_HOURS)}
    if event is Event.POSITIVE and person["case_id"] is not None:
        person["case_at"] = who.at
    if event is not Event.EXCLUDE:
        person["proposed"] = None
    if reason is not None:
        person["reason_code"] = reason
    _count(copy)
    copy.note(event.name, "DECIDED", who, person=person, reason=reason, detail=detail)


def _count(copy: Copy) -> None:
    """Counts a decision of the receiver's copy: news of an earlier one are told by it."""
    if copy.row["side"] == RECEIVED:
        copy.row["revision"] += 1


def _standing_guards(copy: Copy) -> set[Guard]:
    """The guards that fail by what the copy says itself."""
    failing = set()
    if copy.row["read_version"] < copy.row["version"]:
        failing.add(Guard.READ_NOW)
    return failing


def settle_people(copy: Copy, who: Who, limits: AssistLimits) -> None:
    """The letter's state by those of its people, after some were decided on; with what starts once
    something is known of all of them.
    """
    if copy.state not in _WORKING:
        return
    after = added_up(copy.states())
    if after is copy.state:
        return
    before, copy.row["state"] = copy.state, after.name
    if after is State.FORWARDED:
        copy.row["ended_at"] = who.at
    elif before is State.IN_PROGRESS:
        copy.row |= starting(Clock.FEEDBACK, who.at, who.at, limits)
    instants = [person["controlled_at"] for person in copy.load() if person["controlled_at"]]
    if after is not State.IN_PROGRESS and instants:
        copy.row["controlled_at"] = max(instants)


def ask_more(copy: Copy, positions: Collection[int] | None) -> None:
    """Puts the people of whom more is asked back to work: all unless positions are given. Of a case
    that was raised, and of who is with another letter, nothing changes.
    """
    stays = {State.FORWARDED.name, State.CASE_RAISED.name}
    for person in copy.load():
        wanted = positions is None or person["position"] in positions
        if wanted and person["state"] not in stays:
            person["state"] = State.IN_PROGRESS.name
    copy.row["state"] = added_up(copy.states()).name


def decide_wish(
    copy: Copy,
    event: Event,
    who: Who,
    limits: AssistLimits,
    *,
    reason: str | None,
    positions: Sequence[int] | None,
) -> None:
    """What the issuer wishes, decided by the receiver's copy. Raises StateRefused."""
    assert event in _WISHES
    failing = [] if reason else [Guard.REASON]
    if event in (Event.CONFIRM_EXCLUSION, Event.DISPUTE_EXCLUSION):
        people = copy.load(positions or ())
        with copy.noting(len(people)):
            for person in people:
                decide_person(
                    copy, person, event, Party.ISSUER, who, failing=failing, reason=reason
                )
        settle_people(copy, who, limits)
        return
    detail = {"people": list(positions)} if positions is not None else {}
    decide_letter(
        copy, event, Party.ISSUER, who, limits, failing=failing, reason=reason, detail=detail
    )
    if event is Event.ASK_MORE:
        ask_more(copy, positions)
        copy.row["ended_at"] = copy.row["feedback_at"] = None
    copy.open_people()
    close_shares(copy, who.at)


def close_shares(copy: Copy, at: str) -> None:
    """Ends what the letter shares once it is no longer open."""
    if copy.state not in OPEN:
        end_everywhere(copy.connection, copy.store, copy.number, at)


def end_everywhere(connection: Connection, store: Store, number: str, at: str) -> None:
    """Ends what a letter shares in this store, and has it ended in those to which people were
    handed over with it.
    """
    c = shares.c
    asked = (
        select(people.c.kept_in)
        .join(shares, c.person_id == people.c.id)
        .where(c.source == source(number), c.ended_at.is_(None), people.c.kept_in.is_not(None))
        .distinct()
    )
    elsewhere = sorted(connection.execute(asked).scalars())
    end_shares(connection, source(number), at)
    for region in elsewhere:
        put_end(connection, store, number, region, at)


def share_at_issuer(
    copy: Copy,
    at: str,
    unit: str | None = None,
    number: str | None = None,
    positions: Sequence[int] | None = None,
) -> None:
    """Opens the issuer's own records of the letter's people to the unit that looks for them, as far
    as the letter lets it see; with `unit` and `number`, to one that another letter went to, which
    carries on those at `positions`.
    """
    persons = [one["person_id"] for one in copy.load(positions) if one["person_id"] is not None]
    items = orjson.loads(copy.row["shared_items"])
    looks = unit or copy.row["to_unit"]
    open_shares(copy.connection, persons, looks, source(number or copy.number), items, at)


def has_positive(connection: Connection, contact_id: int | None, case_id: int | None) -> bool:
    """Whether a positive result is on record of a contact, or of a case, in this store."""
    ways = []
    if contact_id is not None:
        of_person = select(contacts.c.person_id).where(contacts.c.id == contact_id)
        ways.append(samples.c.person_id == of_person.scalar_subquery())
    if case_id is not None:
        ways.append(samples.c.case_id == case_id)
    if not ways:
        return False
    found = connection.execute(
        select(samples.c.id).where(samples.c.result == "POSITIVE", or_(*ways)).limit(1)
    )
    return found.first() is not None
