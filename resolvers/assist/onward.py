"""Letters that go on: forwarded as a whole or for one person, and what is heard of them (C2, C3).

Whoever forwards is the issuer of the new letter: the chain is kept by `parent_number` and `hops`,
the clock keeps its start. What is heard of the new letter is told to the issuer of the first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import insert

from regions.assist import assist_people, assist_requests
from resolvers.assist.answers import ANSWERS, OUTCOME, take_answers
from resolvers.assist.attachments import carry_attachments
from resolvers.assist.clocks import AssistLimits, starting
from resolvers.assist.news import put_letter, put_news
from resolvers.assist.numbers import new_number
from resolvers.assist.routing import Route
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
from resolvers.assist.states import Clock, Event, State
from resolvers.assist.steps import share_at_issuer
from resolvers.writing.envelopes import opened

__all__ = ["carry_on", "held_by", "relay"]

_LETTER = (
    *("version", "root_number", "disease", "case_id", "case_classification", "case_onset_on"),
    *("asked", "shared_items", "sent_at"),
)
_PERSON = (
    *("position", "person_id", "contact_id", "issuer_contact_id", "level", "manner"),
    *("last_contact_on", "whereabouts_code"),
)


def held_by(copy: Copy) -> frozenset[str]:
    """The units that issued or held the letter: none of them is forwarded to (loop guard)."""
    return frozenset({*orjson.loads(copy.row["hops"]), copy.row["from_unit"], copy.row["to_unit"]})


def carry_on(
    copy: Copy,
    route: Route,
    code: str,
    positions: Collection[int] | None,
    who: Who,
    limits: AssistLimits,
) -> dict[str, Any]:
    """Writes and sends the letter that carries people of a received one on, all unless positions
    are given. `code` is that of the unit that forwards. Returns what the event of it tells: the new
    letter's number, whom it goes to, and the people.

    Nobody of the forwarding unit is its reporter: what the letter lets the unit see ends with it.
    """
    connection, store, letter = copy.connection, copy.store, copy.row
    people = [one for one in copy.load(positions) if one["state"] != State.FORWARDED.name]
    clear = opened(connection, store, assist_people, people)
    (items,) = opened(connection, store, assist_requests, [letter])
    number = new_number(connection, code, who.at)
    first = Ids(connection, store).take(1 + len(people))
    row = dict.fromkeys(column.name for column in assist_requests.columns)
    row |= {name: letter[name] for name in _LETTER}
    row |= {
        "id": first,
        "number": number,
        "side": SENT,
        "version": 1,
        "read_version": 0,
        "state": State.SENT.name,
        "revision": 0,
        "from_unit": letter["to_unit"],
        "from_code": code,
        "from_region": store.settings.code,
        "to_unit": route.unit,
        "to_code": route.code,
        "to_region": route.region,
        "parent_number": copy.number,
        "hops": orjson.dumps([*orjson.loads(letter["hops"]), letter["from_unit"]]).decode(),
        "people_count": len(people),
        "code": letter["code"],
        "reporter_unit": letter["to_unit"],
        "created_at": who.at,
        "updated_at": who.at,
    }
    row |= starting(Clock.ACKNOWLEDGE, who.at, letter["sent_at"] or who.at, limits)
    row["sealed"] = sealed_letter(connection, store, row, items)
    connection.execute(insert(assist_requests).values(row))
    onward = Copy.of_id(connection, store, first)
    rows = []
    for i, one in enumerate(people):
        made = dict.fromkeys(column.name for column in assist_people.columns)
        made |= {name: one[name] for name in _PERSON}
        made |= {
            "id": first + 1 + i,
            "request_id": first,
            "number": number,
            "state": State.SENT.name,
            "open": 0,
            "code": letter["code"],
            "reporter_unit": letter["to_unit"],
            "created_at": who.at,
            "updated_at": who.at,
        }
        rows.append(made)
    own = [{name: v for name, v in one.items() if name not in ANSWERS} for one in clear]
    write_people(connection, store, rows, own)
    write_copies(connection, onward, route.copies, who.at)
    onward.note("SUBMIT", "DECIDED", who, detail={"parent": copy.number})
    share_at_issuer(onward, who.at)
    put_letter(onward, Event.SUBMIT, who, people=None)
    carry_attachments(copy, onward, [one["position"] for one in people], who)
    return {
        "number": number,
        "toUnit": route.unit,
        "toRegion": route.region,
        "people": [one["position"] for one in people],
    }


def relay(
    onward: Copy,
    people: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    who: Who,
) -> None:
    """Takes what was heard of a letter that goes on into the copy it came from, and tells that
    one's issuer. `people` as news tell of them, `events` as they travel.
    """
    parent = Copy.find(onward.connection, onward.store, onward.row["parent_number"], RECEIVED)
    if parent is None or not events:
        return
    by_position = {one["position"]: one for one in people}
    rows = parent.load(by_position)
    for row in rows:
        row |= {name: by_position[row["position"]][name] for name in OUTCOME}
    take_answers(parent, rows, [by_position[row["position"]]["items"] for row in rows])
    parent.keys = parent.take_events(events, who.at)
    if not parent.keys:
        return
    parent.row["revision"] += 1
    changed = parent.save(who.at)
    put_news(parent, who, changed)
