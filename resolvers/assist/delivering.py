"""The handler of letters and their versions (`resolvers.assist.news` puts them).

What the receiver is told is cut to what the letter lets it see: the rest never leaves the issuer's
store (leak channel 39).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from regions.assist import assist_copies, assist_people, assist_requests
from resolvers.assist.answers import ANSWERS, reseal
from resolvers.assist.clocks import AssistLimits
from resolvers.assist.handling import AboutLetter, take_refusal
from resolvers.assist.news import LETTER, put_news
from resolvers.assist.notices import ARRIVED, put_notice
from resolvers.assist.rows import (
    RECEIVED,
    SENT,
    Copy,
    Ids,
    Who,
    sealed_letter,
    write_copies,
    write_people,
)
from resolvers.assist.states import Event, Facts, Party, State, Subject
from resolvers.assist.steps import (
    decide_letter,
    settle_people,
)
from resolvers.assist.table import StateRefused, step
from resolvers.catalog import RECORDS
from resolvers.post.messages import Message
from resolvers.writing.envelopes import opened
from resolvers.writing.stores import Store
from schema.fields import PrivateSource

__all__ = ["LETTER_COLUMNS", "PERSON_COLUMNS", "LetterHandler", "allowed_items"]

LETTER_COLUMNS = (
    *("number", "version", "from_unit", "from_code", "from_region", "to_unit", "to_code"),
    *("to_region", "parent_number", "root_number", "hops", "disease", "case_id"),
    *("case_classification", "case_onset_on", "asked", "shared_items", "people_count"),
    *("sent_at", "acknowledge_due", "control_due", "feedback_due"),
)
"""What the receiver's copy has of the issuer's."""

PERSON_COLUMNS = (
    *("position", "level", "manner", "last_contact_on", "whereabouts_code"),
    "issuer_contact_id",
)


def allowed_items(name: str, shared: Iterable[str]) -> frozenset[str]:
    """The sealed items of a letter (`AssistRequest`) or its people that a letter lets be seen."""
    seen = frozenset(shared)
    found = set()
    for field in RECORDS[name].fields.values():
        if isinstance(field.source, PrivateSource) and field.source.item.name in seen:
            found.add(field.source.name)
    return frozenset(found)


def _cut(items: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in items.items() if name in allowed}


class LetterHandler(AboutLetter):
    """Delivers letters and their versions to the receiver."""

    topic = LETTER

    def __init__(self, limits: AssistLimits | None = None) -> None:
        self._limits = limits or AssistLimits()

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """The letter as it stands, with the people the message is about."""
        copy = Copy.find(connection, store, message.body["number"], SENT, lock=False)
        assert copy is not None
        shared = orjson.loads(copy.row["shared_items"])
        (items,) = opened(connection, store, assist_requests, [copy.row])
        people = copy.load(message.body["people"])
        clear = opened(connection, store, assist_people, people)
        allowed = allowed_items("AssistPerson", shared) - set(ANSWERS)
        return {
            "letter": {name: copy.row[name] for name in LETTER_COLUMNS},
            "revision": copy.row["revision"],
            "items": _cut(items, allowed_items("AssistRequest", shared)),
            "people": [
                {name: one[name] for name in PERSON_COLUMNS} | {"items": _cut(own, allowed)}
                for one, own in zip(people, clear, strict=True)
            ],
            "events": copy.events(message.body["keys"]),
            "copies": list(
                connection.execute(
                    select(assist_copies.c.unit_id).where(assist_copies.c.number == copy.number)
                ).scalars()
            ),
        }

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Writes the letter, or a version of it as far as the receiver's copy takes one now."""
        body = message.body
        who = Who(body["actor"], body["unit"], at, message.trace)
        event = Event[body["event"]]
        copy = Copy.find(connection, store, body["number"], RECEIVED)
        if copy is None:
            copy = self._new(connection, store, parcel, at)
            copy.take_events(parcel["events"], at)
            copy.note("DELIVER", "NOTED", who)
            copy.spread_to = State.SENT.name
        else:
            copy.take_events(parcel["events"], at)
            refused = self._version(copy, event, parcel, body, who)
            if refused is not None:
                return {"refused": refused}
        write_copies(connection, copy, parcel["copies"], at)
        copy.open_people()
        copy.save(at)
        if event is Event.SUBMIT:
            put_notice(copy, ARRIVED, copy.row["version"], [copy.row["to_unit"]], at)
        put_news(copy, who, decides=event)
        return {"refused": None}

    def _new(self, connection: Connection, store: Store, parcel: Any, at: str) -> Copy:
        ids = Ids(connection, store)
        letter, people = parcel["letter"], parcel["people"]
        number = ids.take(1 + len(people))
        row = dict.fromkeys(column.name for column in assist_requests.columns)
        row |= letter | {
            "id": number,
            "side": RECEIVED,
            "read_version": 0,
            "state": State.SENT.name,
            "revision": parcel["revision"],  # of a receiver that has lost the letter, what it told
            "code": letter["to_code"],
            "reporter_unit": letter["to_unit"],
            "created_at": at,
            "updated_at": at,
        }
        row["sealed"] = sealed_letter(connection, store, row, parcel["items"])
        connection.execute(insert(assist_requests).values(row))
        copy = Copy.of_id(connection, store, number)
        _add_people(copy, people, number + 1, at)
        return copy

    def _version(
        self, copy: Copy, event: Event, parcel: Any, body: Mapping[str, Any], who: Who
    ) -> str | None:
        """Takes a version of a letter that is there; the reason if it is refused."""
        added = set(body["added"])
        try:
            if event is Event.SUBMIT:
                found = step(Subject.LETTER, copy.state, event, Facts(Party.ISSUER))
                copy.row["state"] = found.next.name
                copy.row["reason_code"] = None
                copy.row["revision"] += 1
                copy.spread(found.next)
                copy.note("DELIVER", "NOTED", who)
            else:
                if added and copy.state is State.FEEDBACK_GIVEN:
                    raise StateRefused("FEEDBACK_GIVEN")
                detail = {"version": parcel["letter"]["version"]}
                decide_letter(copy, event, Party.ISSUER, who, self._limits, detail=detail)
        except StateRefused as refusal:
            return refusal.reason
        _take_letter(copy, parcel)
        known = {one["position"] for one in copy.load(one["position"] for one in parcel["people"])}
        _take_people(copy, [one for one in parcel["people"] if one["position"] in known])
        new = [one for one in parcel["people"] if one["position"] not in known]
        if new:
            _add_people(copy, new, Ids(copy.connection, copy.store).take(len(new)), who.at)
            settle_people(copy, who, self._limits)
        return None

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Notes at the issuer's that a version was refused."""
        take_refusal(connection, store, message, reply, at)


def _take_letter(copy: Copy, parcel: Any) -> None:
    """The letter's own columns and items by a new version; due instants stay the receiver's."""
    kept = ("acknowledge_due", "control_due", "feedback_due", "sent_at")
    resent = copy.row["state"] == State.SENT.name
    copy.row |= {
        name: value for name, value in parcel["letter"].items() if resent or name not in kept
    }
    copy.row["sealed"] = sealed_letter(copy.connection, copy.store, copy.row, parcel["items"])


def _take_people(copy: Copy, given: Sequence[Mapping[str, Any]]) -> None:
    """What the issuer changed of people, beside what the receiver wrote of them."""
    by_position = {one["position"]: one for one in given}
    rows = copy.load(by_position)
    clear = opened(copy.connection, copy.store, assist_people, rows)
    reseal(
        copy,
        rows,
        [
            {name: items.get(name) for name in ANSWERS}
            | {
                name: value
                for name, value in by_position[row["position"]]["items"].items()
                if name not in ANSWERS
            }
            for row, items in zip(rows, clear, strict=True)
        ],
    )
    for row in rows:
        row |= {name: by_position[row["position"]][name] for name in PERSON_COLUMNS}


def _add_people(copy: Copy, people: Sequence[Mapping[str, Any]], first: int, at: str) -> None:
    letter = copy.row
    working = State[letter["state"]] not in (State.SENT, State.RECEIVED, State.REFUSED)
    state = State.IN_PROGRESS.name if working else letter["state"]
    rows = []
    for i, one in enumerate(people):
        row = dict.fromkeys(column.name for column in assist_people.columns)
        row |= {name: one[name] for name in PERSON_COLUMNS}
        row |= {
            "id": first + i,
            "request_id": copy.id,
            "number": copy.number,
            "state": state,
            "holder_unit": letter["to_unit"],
            "open": 1,
            "code": letter["code"],
            "reporter_unit": letter["to_unit"],
            "created_at": at,
            "updated_at": at,
        }
        rows.append(row)
    write_people(copy.connection, copy.store, rows, [one["items"] for one in people])
