"""What is written of a contact while a letter about the person is open: told to the other side.

Of the issuer's contact it is a version of the letter, which the receiver must read (C, "later
samples and edits flow"); of the receiver's it is news. In the transaction that writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from regions.assist import ASSIST_PERSON_ITEMS, assist_people, assist_requests
from resolvers.assist.answers import reseal
from resolvers.assist.clocks import AssistLimits
from resolvers.assist.news import put_letter, put_news
from resolvers.assist.rows import RECEIVED, SENT, Copy, Who
from resolvers.assist.states import OPEN, Event, Party, State
from resolvers.assist.steps import decide_letter
from resolvers.writing.envelopes import opened
from resolvers.writing.stores import Store

__all__ = ["amend_letters", "raise_case", "tell_care"]

_COLUMNS = ("level", "manner", "last_contact_on")
_OPEN = sorted(state.name for state in OPEN)
_PEOPLE, _LETTERS = assist_people.c, assist_requests.c


def tell_care(
    connection: Connection, store: Store, contact: int, kind: str, number: int, who: Who
) -> None:
    """Tells that a sample or visit (`kind`) was recorded of a contact."""
    told = {"record": f"{kind}:{number}"}
    for copy, position in _letters(connection, store, SENT, _PEOPLE.issuer_contact_id == contact):
        _amend(copy, [position], {"changed": [f"people.{position}.{kind}s"]} | told, who)
    for copy, position in _letters(connection, store, RECEIVED, _PEOPLE.contact_id == contact):
        (person,) = copy.load([position])
        copy.row["revision"] += 1
        copy.note("CARE", "NOTED", who, person=person, detail=told)
        copy.save(who.at)
        put_news(copy, who, [position])


def raise_case(
    connection: Connection, store: Store, case: int, person: int, disease: str, who: Who
) -> None:
    """Links a case just registered of a person to the letters that wait for it, and tells it."""
    asked = (
        select(_LETTERS.id, _PEOPLE.position)
        .join(assist_people, _PEOPLE.request_id == _LETTERS.id)
        .where(
            _PEOPLE.person_id == person,
            _PEOPLE.state == State.CASE_RAISED.name,
            _PEOPLE.case_id.is_(None),
            _LETTERS.side == RECEIVED,
            _LETTERS.disease == disease,
        )
        .order_by(_LETTERS.id)
    )
    for request, position in connection.execute(asked).all():
        copy = Copy.of_id(connection, store, request)
        (row,) = copy.load([position])
        row |= {"case_id": case, "case_at": who.at}
        copy.row["revision"] += 1
        copy.note("CARE", "NOTED", who, person=row, detail={"record": f"case:{case}"})
        copy.save(who.at)
        put_news(copy, who, [position])


def amend_letters(
    connection: Connection,
    store: Store,
    record: str,
    number: int,
    columns: Mapping[str, Any],
    items: Mapping[str, Any],
    who: Who,
) -> None:
    """Takes a correction of a person or contact of the issuer's into the letters about them."""
    whose = _PEOPLE.person_id if record == "Person" else _PEOPLE.issuer_contact_id
    new = {name: value for name, value in columns.items() if name in _COLUMNS}
    private = {name: value for name, value in items.items() if name in ASSIST_PERSON_ITEMS}
    if record == "Contact":
        private.pop("remarks", None)  # of the contact: the letter has its own
    if not new and not private:
        return
    for copy, position in _letters(connection, store, SENT, whose == number):
        people = copy.load([position])
        (known,) = opened(connection, store, assist_people, people)
        reseal(copy, people, [known | private])
        people[0].update(new)
        names = [f"people.{position}.{name}" for name in sorted({*new, *private})]
        _amend(copy, [position], {"changed": names}, who)


def _letters(
    connection: Connection, store: Store, side: str, about: ColumnElement[bool]
) -> list[tuple[Copy, int]]:
    """The open letters of a side about somebody, and where in them."""
    asked = (
        select(_LETTERS.id, _PEOPLE.position)
        .join(assist_people, _PEOPLE.request_id == _LETTERS.id)
        .where(about, _LETTERS.side == side, _LETTERS.state.in_(_OPEN))
        .order_by(_LETTERS.id)
    )
    found = connection.execute(asked).all()
    return [(Copy.of_id(connection, store, row.id), row.position) for row in found]


def _amend(copy: Copy, positions: list[int], detail: Mapping[str, Any], who: Who) -> None:
    copy.row["version"] += 1
    copy.row["pending"] = Event.AMEND.name
    decide_letter(
        copy, Event.AMEND, Party.ISSUER, who, AssistLimits(), detail=detail, phase="REQUESTED"
    )
    copy.save(who.at)
    put_letter(copy, Event.AMEND, who, people=positions)
