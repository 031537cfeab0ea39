"""What a region that answered for a person wrongly has of the person goes to the custodian, who has
all that was written then, and is told what others have seen (`restored`, `doubled`).

Of what both have the custodian's rows stand, as they are; the other's are added, with their
history, and stay as evidence where they were written. Whoever got an offer of the other's has seen
an epoch: the custodian takes one above it, or would be taken for behind itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, select

from regions.errors import CustodyUnknown
from regions.people import people
from regions.post import post_outbox
from regions.text import among
from resolvers.post.messages import Message, put
from resolvers.transfers import comparing
from resolvers.transfers.applying import Work, ids_for
from resolvers.transfers.dossier import TABLES, Dossier, gather
from resolvers.transfers.ledger import custodies, ids_array
from resolvers.transfers.states import State, Step
from resolvers.transfers.storing import Place, store_dossier
from resolvers.transfers.taking import erase_all
from resolvers.writing.stores import Store

__all__ = ["EVIDENCE", "EvidenceHandler", "send_evidence", "yielded"]

EVIDENCE = "transfer.evidence"

_MOST_HOPS = 16  # after a person who is handed on and on


def send_evidence(
    connection: Connection,
    store: Store,
    person: int,
    step: Step,
    why: str,
    *,
    trace: str,
    at: str,
    to: str | None = None,
) -> None:
    """Posts what this store has of a person, and what others have seen of it, to whom it takes for
    the custodian by a step, in the transaction of the step; nothing where the step `tells` nothing.
    `why` is a word of the message's id. `to` is another: this store itself, which will be the
    custodian once what it has lost comes again.
    """
    to = to or step.custody.peer
    if step.tells is not None and to is not None:
        said = {"people": {str(person): step.custody.epoch}, "seen": step.tells, "hops": 0}
        subject = step.custody.transfer_id or f"person:{person}"
        _post(connection, store, subject, to, f"{person}:{why}", said, trace, at)


def _post(
    connection: Connection,
    store: Store,
    subject: str,
    to: str,
    step: str,
    body: Mapping[str, Any],
    trace: str,
    at: str,
) -> None:
    said = sha256(orjson.dumps([to, body], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    put(
        connection,
        store,
        topic=EVIDENCE,
        subject=subject,
        to_region=to,
        body=body,
        trace=trace,
        at=at,
        step=f"{step}:{said}",
    )


def yielded(connection: Connection, why: str) -> list[tuple[int, str, str]]:
    """People of whom this store has sent evidence for a reason: to which region and when, oldest
    first.
    """
    c = post_outbox.c
    rows = connection.execute(
        select(c.id, c.to_region, c.created_at)
        .where(c.topic == EVIDENCE, c.id.like(f"%:{why}:%"))
        .order_by(c.seq)
    )
    return [(int(row.id.rsplit(":", 3)[1]), row.to_region, row.created_at) for row in rows]


class EvidenceHandler:
    """What another region has of a person is added to what is here."""

    topic = EVIDENCE
    of_custody = True  # a store that is behind does not know whether it is the custodian

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The person."""
        return {"person": [_person(message)]}

    def gather(self, connection: Connection, store: Store, message: Message) -> Dossier:
        """All of the person: nobody writes there since it answers no longer."""
        return gather(connection, store, [_person(message)])

    def ids(self, message: Message, parcel: Dossier) -> int:
        """Of events: the rows keep theirs."""
        return ids_for(1)

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Dossier,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Adds it where this region is the custodian, else says where to ask.

        Raises CustodyUnknown where the person is on the way here, or was never here.
        """
        person, here = _person(message), store.settings.code
        before = custodies(connection, [person])
        mine = before[person]
        if not mine.state.answers:
            comes = mine.state is State.PENDING and mine.epoch <= message.body.get("handed", -1)
            if message.from_region == here:
                comes |= mine.state in (State.PENDING, State.CLOSED)
            if mine.peer is None or comes:
                raise CustodyUnknown(
                    f"region {here} does not know who answers for person:{person}",
                    hint="the message waits; where that lasts: `epigate custody check`",
                    store=here,
                )
            handed = {"handed": mine.epoch} if mine.state is State.HANDED else {}
            return {"evidence": "ELSEWHERE", "at": mine.peer, **handed}
        erase_all(connection, parcel, [person], at)
        missing = _missing(connection, parcel)
        place = _place(connection, here, person, parcel)
        if place is not None:
            store_dossier(connection, store, missing, message.from_region, {person: place})
        if mine.epoch <= message.body["seen"]:
            step = comparing.above(mine, message.body["seen"])
            of = "" if step.dropped else mine.transfer_id or ""
            work = Work(connection, store, of, trace=message.trace, at=at, first_id=first_id)
            work.apply("SENT", before, {person: step})
            work.finish()
        return {"evidence": "ADDED", "rows": sum(map(len, missing.rows.values()))}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Goes after the person, unless the person is back here."""
        hops = message.body["hops"] + 1
        to = reply.get("at")
        if to in (None, store.settings.code) or hops > _MOST_HOPS:
            return
        said = {**message.body, "hops": hops, "handed": reply.get("handed", -1)}
        step = f"{_person(message)}:after"
        _post(connection, store, message.subject, to, step, said, message.trace, at)


def _person(message: Message) -> int:
    (person,) = message.body["people"]
    return int(person)


def _missing(connection: Connection, dossier: Dossier) -> Dossier:
    """The rows of a dossier that this store does not have."""
    rows = {}
    for table in TABLES:
        given = dossier.rows.get(table.name, [])
        ids = ids_array(row["id"] for row, _ in given)
        known = set(connection.scalars(select(table.c.id).where(among(table.c.id, ids))))
        rows[str(table.name)] = [one for one in given if one[0]["id"] not in known]
    return Dossier(rows, dossier.erased, dossier.units)


def _place(connection: Connection, here: str, person: int, dossier: Dossier) -> Place | None:
    """Where the person is here: what is added is the direct reporter's of the person."""
    row = connection.execute(select(people).where(people.c.id == person)).first()
    if row is not None:
        return Place(here, row.code, row.reporter, row.reporter_unit)
    return next(
        (
            Place(here, told["code"], told["reporter"], told["reporter_unit"])
            for told, _ in dossier.rows.get("people", ())
        ),
        None,
    )
