"""Suspected events in a store's transaction: their numbers, and which signals are part of one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from regions.alerts import signals
from regions.alerts_forms import investigations, signal_attachments
from regions.cases import cases
from regions.ids import take_ids
from regions.person_keys import ERASED, salts_of
from resolvers.alerts.acting import Held
from resolvers.alerts.numbers import new_event_number
from resolvers.alerts.states import Event
from resolvers.lifecycles import StateRefused
from resolvers.users.levels import cdc_of

__all__ = ["event_of", "issue", "join", "member_rows", "open_event", "person_of", "save_event"]

_OPEN = ("SUSPECTED", "INVESTIGATING", "CONCLUDED")


def issue(held: Held) -> dict[str, Any]:
    """A new event of the signal, which gets its number."""
    at, row = held.who.at, held.row
    event = {
        "id": take_ids(held.connection, held.region, 1),
        "number": new_event_number(held.connection, row["code"], at),
        "state": "SUSPECTED",
        "code": row["code"],
        "unit_id": cdc_of(row["code"]),
        "disease": row["disease"],
        "conclusion": None,
        "joined_to": None,
        "issued_at": at,
        "started_at": None,
        "ended_at": None,
        "form_due": None,
        "concluded_at": None,
        "forms": 0,
        "updated_at": at,
    }
    held.connection.execute(insert(investigations).values(event))
    return event


def open_event(held: Held, number: str) -> dict[str, Any]:
    """The open event of the county with a number, held. Raises StateRefused.

    One that is concluded is open while it is watched on.
    """
    c = investigations.c
    asked = select(investigations).where(c.number == number, c.code == held.row["code"])
    found = held.connection.execute(asked.with_for_update()).first()
    event = None if found is None else dict(found._mapping)
    if event is None or event["state"] not in _OPEN or _is_over(event):
        raise StateRefused("NO_EVENT")
    return event


def _is_over(event: dict[str, Any]) -> bool:
    return bool(event["state"] == "CONCLUDED" and event["conclusion"] != "CONTINUED_WATCH")


def event_of(connection: Connection, row: dict[str, Any]) -> dict[str, Any] | None:
    """The event that a signal is part of, held; None where there is none."""
    if row["event_id"] is None:
        return None
    asked = select(investigations).where(investigations.c.id == row["event_id"])
    found = connection.execute(asked.with_for_update()).first()
    return None if found is None else dict(found._mapping)


def save_event(held: Held, event: dict[str, Any], **changed: Any) -> None:
    """Writes what changes of an event."""
    values = changed | {"updated_at": held.who.at}
    held.connection.execute(
        update(investigations).where(investigations.c.id == event["id"]).values(values)
    )
    event |= values


def join(held: Held, row: dict[str, Any], event: dict[str, Any]) -> None:
    """Makes a signal part of an event. The event it was part of before, which nobody investigates
    yet, joins with all its signals and files; what joins one that is investigated is so, too.
    Raises StateRefused where the signal's event has an investigation of its own.
    """
    if row["event_id"] == event["id"]:
        return
    moved, before = [row], event_of(held.connection, row)
    if before is not None:
        if before["state"] != "SUSPECTED":
            raise StateRefused("OTHER_EVENT")
        members = member_rows(held.connection, before)
        moved = [row if one["id"] == row["id"] else one for one in members]
        save_event(held, before, state="JOINED", joined_to=event["id"])
        files = signal_attachments
        held.connection.execute(
            update(files)
            .where(files.c.investigation_id == before["id"])
            .values(investigation_id=event["id"])
        )
    c = signals.c
    changed = {"event_id": event["id"], "version": c.version + 1, "updated_at": held.who.at}
    held.connection.execute(
        update(signals).where(c.id.in_([one["id"] for one in moved])).values(changed)
    )
    for one in moved:
        one |= {"event_id": event["id"], "version": one["version"] + 1}
        if event["state"] != "SUSPECTED" and one["state"] == "SUSPECTED":
            held.event(Event.INVESTIGATE, None if one is held.row else one, event=event["number"])


def member_rows(connection: Connection, event: dict[str, Any]) -> list[dict[str, Any]]:
    """The signals of an event, held: the one that was sent first comes first."""
    c = signals.c
    asked = select(signals).where(c.event_id == event["id"]).with_for_update()
    found = [dict(one._mapping) for one in connection.execute(asked)]
    return sorted(found, key=lambda one: (one["sent_at"] or "9", one["detected_at"], one["id"]))


def person_of(connection: Connection, rows: list[dict[str, Any]]) -> int | None:
    """Whom alone some signals are about: the person of their one case, on record here and not
    erased. What is written of it is sealed under that person's key, and goes with it.
    """
    ids = {one["case_id"] for one in rows}
    if len(ids) != 1 or None in ids:
        return None
    asked = select(cases.c.person_id).where(cases.c.id == ids.pop())
    person: int | None = connection.execute(asked).scalar_one_or_none()
    if person is None or salts_of(connection, [person]).get(person) in (None, ERASED):
        return None
    return person
