"""Letters that their issuer's store has lost: it was put back from a backup of before they were
written, and their receivers have them.

The receiver tells the issuer of every step of a letter. Where the issuer answers that it has no
such letter, the receiver sends its copy: the letter, its people and answers, everything that
happened to it. What the letter did not let the receiver see was never there and does not come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from regions.assist import assist_copies, assist_events, assist_people, assist_requests
from regions.cases import cases
from regions.contacts import contacts
from resolvers.assist.delivering import LETTER_COLUMNS, PERSON_COLUMNS
from resolvers.assist.delivering_events import NEWS, PERSON_NEWS
from resolvers.assist.handling import AboutLetter
from resolvers.assist.news import REGAIN
from resolvers.assist.rows import (
    RECEIVED,
    SENT,
    Copy,
    Ids,
    sealed_letter,
    write_copies,
    write_people,
)
from resolvers.assist.states import OPEN, Event
from resolvers.assist.steps import share_at_issuer
from resolvers.post.messages import Message
from resolvers.writing.envelopes import opened
from resolvers.writing.stores import Store

__all__ = ["RegainHandler"]


class RegainHandler(AboutLetter):
    """Gives the issuer its letter back, as the receiver has it."""

    topic = REGAIN

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """The receiver's copy, whole."""
        copy = Copy.find(connection, store, message.body["number"], RECEIVED, lock=False)
        assert copy is not None  # the message was put for it
        (items,) = opened(connection, store, assist_requests, [copy.row])
        people = copy.load()
        clear = opened(connection, store, assist_people, people)
        c = assist_events.c
        events = connection.execute(
            select(assist_events).where(c.request_id == copy.id).order_by(c.at, c.id)
        )
        copies = select(assist_copies.c.unit_id).where(assist_copies.c.number == copy.number)
        return {
            "letter": {name: copy.row[name] for name in (*LETTER_COLUMNS, *NEWS)},
            "items": items,
            "people": [
                {name: one[name] for name in (*PERSON_COLUMNS, *PERSON_NEWS)} | {"items": own}
                for one, own in zip(people, clear, strict=True)
            ],
            "events": [row._asdict() for row in events],
            "copies": list(connection.scalars(copies)),
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
        """Writes the issuer's copy, unless it is there."""
        if Copy.find(connection, store, message.body["number"], SENT) is not None:
            return {"letter": "THERE"}
        copy = _letter(connection, store, parcel, at)
        _people(copy, parcel["people"], at)
        copy.take_events(parcel["events"], at)
        write_copies(connection, copy, parcel["copies"], at)
        if copy.state in OPEN:
            share_at_issuer(copy, at)
        return {"letter": "REGAINED"}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is to be kept of it."""


def _letter(connection: Connection, store: Store, parcel: Any, at: str) -> Copy:
    letter = parcel["letter"]
    number = Ids(connection, store).take()
    row: dict[str, Any] = dict.fromkeys(column.name for column in assist_requests.columns)
    row |= letter | {
        "id": number,
        "side": SENT,
        "code": letter["from_code"],
        "person_id": connection.scalar(
            select(cases.c.person_id).where(cases.c.id == letter["case_id"])
        ),
        "reporter": _writer(parcel["events"]),
        "reporter_unit": letter["from_unit"],
        "created_at": letter["sent_at"] or at,
        "updated_at": at,
    }
    row["sealed"] = sealed_letter(connection, store, row, parcel["items"])
    connection.execute(insert(assist_requests).values(row))
    return Copy.of_id(connection, store, number)


def _writer(events: Sequence[Mapping[str, Any]]) -> str | None:
    """Who sent the letter, and so sees what it says."""
    sent = (one["actor"] for one in events if one["event"] == Event.SUBMIT.name and one["actor"])
    found: str | None = next(sent, None)
    return found


def _people(copy: Copy, people: Sequence[Mapping[str, Any]], at: str) -> None:
    """The people of the letter; each row has the reporter of the contact it is of, as when it was
    written: whoever may not see that one does not see it here.
    """
    connection, letter = copy.connection, copy.row
    wanted = [one["issuer_contact_id"] for one in people if one["issuer_contact_id"] is not None]
    c = contacts.c
    asked = select(c.id, c.person_id, c.reporter).where(c.id.in_(wanted))
    known = {row.id: row for row in connection.execute(asked)}
    first = Ids(connection, copy.store).take(len(people))
    rows = []
    for number, one in enumerate(people, first):
        of = known.get(one["issuer_contact_id"])
        typed = letter["reporter"] if one["issuer_contact_id"] is None else None
        row: dict[str, Any] = dict.fromkeys(column.name for column in assist_people.columns)
        row |= {name: one[name] for name in (*PERSON_COLUMNS, *PERSON_NEWS)}
        row |= {
            "id": number,
            "request_id": copy.id,
            "number": copy.number,
            "person_id": of.person_id if of is not None else None,
            "holder_unit": letter["to_unit"],
            "open": 0,
            "code": letter["code"],
            "reporter": of.reporter if of is not None else typed,
            "reporter_unit": letter["from_unit"],
            "created_at": at,
            "updated_at": at,
        }
        rows.append(row)
    write_people(connection, copy.store, rows, [one["items"] for one in people])
