"""What messages of many transfers at once have in common (`batches`, `batch_commits`): which are
plain, and how the steps of all are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, update

from regions.statements import Prepared, text_value
from regions.transfers import transfer_people
from regions.writes import Writer
from resolvers.post.messages import Message
from resolvers.transfers.applying import Work
from resolvers.transfers.bodies import (
    people_of,
)
from resolvers.transfers.ledger import (
    Part,
    keep_custodies,
    state_with,
)
from resolvers.transfers.noting import note_all
from resolvers.transfers.states import Event, Step
from resolvers.writing.stores import Store

__all__ = [
    "Given",
    "Replies",
    "apart_from_others",
    "handed_over",
    "is_plain",
    "keep_handed",
    "persons_of",
    "work_of",
    "write_steps",
]

Given = tuple[Message, Any, int]
"""A message, its parcel, the first of its ids."""

Replies = dict[str, dict[str, Any]]
"""Replies by the messages' ids."""


def apart_from_others(messages: Iterable[Message]) -> set[str]:
    """Messages about people whom no other of them is about."""
    some = {one.id: people_of(one) for one in messages}
    count = Counter(person for people in some.values() for person in people)
    return {one for one, people in some.items() if all(count[person] == 1 for person in people)}


def persons_of(messages: Iterable[Message]) -> set[int]:
    """Whom some messages are about."""
    return {person for one in messages for person in people_of(one)}


def is_plain(steps: Mapping[int, Step], event: Event) -> bool:
    """Whether to each person what is expected has happened, and nothing besides."""
    return bool(steps) and all(
        one.event is event and one.dropped is None and one.resend is None for one in steps.values()
    )


def work_of(connection: Connection, store: Store, given: Given, at: str) -> Work:
    """The work of a message, which takes its ids from those that are given with it."""
    message, _, first = given
    transfer = message.body["transfer"]
    return Work(connection, store, transfer, trace=message.trace, at=at, first_id=first)


def write_steps(
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


def handed_over(
    made: Iterable[tuple[Work, Mapping[int, Step]]],
    known: Mapping[str, Mapping[str, Any]],
    parts: Mapping[str, Mapping[int, Part]],
) -> dict[str, str]:
    """The states of transfers of which these people are handed over."""
    return {
        one.transfer: state_with(known[one.transfer], parts[one.transfer], steps, "HANDED")
        for one, steps in made
    }


def keep_handed(
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
