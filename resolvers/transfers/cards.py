"""Corrected cards: what its first reporter still corrects goes after a person who moved (B8, B14).

The card of a case stays with the institution that reported it, wherever its person is. Whoever
answers for the person has a copy, and follows the pathway by it: each correction is posted there,
in the transaction that makes it, as a message of the transfer the person left by, and so behind the
commit that brings the copy (SORMAS 11886). A region that has handed the person on passes it on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, select

from regions.cases import cases
from regions.errors import CustodyUnknown
from regions.people import people
from regions.transfers import custody
from resolvers.pathway.correcting import follow_correction
from resolvers.pathway.storing import Who
from resolvers.post.messages import Message, put
from resolvers.transfers.dossier import Dossier, gather_card
from resolvers.transfers.states import State
from resolvers.transfers.storing import store_card
from resolvers.writing.stores import Store

__all__ = ["CARD", "CardHandler", "Corrected", "tell_card"]

CARD = "transfer.card"

_MOST_HOPS = 16  # from region to region, where the person was handed on and on


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction of a card: the row before and after it, the ids of its lines in the history, and
    who made it.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    lines: Sequence[int]
    who: Who


def tell_card(connection: Connection, store: Store, made: Corrected, trace: str) -> str | None:
    """Posts a correction to the region that its person went to; None where the person is here.

    To be called in the transaction that corrects: a handoff and the correction wait for each other.
    """
    before, after = made.before, made.after
    changed = [str(one) for one in before if before[one] != after[one] and one != "sealed"]
    body = {
        "case": before["id"],
        "person": before["person_id"],
        "lines": sorted(made.lines),
        "was": {name: before[name] for name in changed},
        "is": {name: after[name] for name in changed},
        "by": [made.who.account, made.who.unit_id, made.who.now],
        "hops": 0,
    }
    return _pass_on(connection, store, body, trace, made.who.now)


def _pass_on(
    connection: Connection, store: Store, body: dict[str, Any], trace: str, at: str
) -> str | None:
    """Posts to whoever answers for the person, as far as this store knows; None: that is itself.

    Raises CustodyUnknown where it has gone on for too long: two stores name each other.
    """
    person, here = body["person"], store.settings.code
    kept_in = connection.execute(
        select(people.c.kept_in).where(people.c.id == person).with_for_update(read=True)
    ).scalar()
    # A statement of its own: it must see what was committed while the row was waited for.
    row = connection.execute(
        select(custody.c.state, custody.c.peer, custody.c.transfer_id).where(
            custody.c.person_id == person
        )
    ).first()
    if row is None or State[row.state].answers:
        return None
    peer = row.peer or kept_in
    if peer is None or body["hops"] >= _MOST_HOPS:
        raise _unknown(person, here)
    subject = row.transfer_id or f"person:{person}"
    said = dict(body) | {"hops": body["hops"] + 1}
    step = sha256(orjson.dumps([said, trace], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    return put(
        connection,
        store,
        topic=CARD,
        subject=subject,
        to_region=peer,
        body=said,
        trace=trace,
        at=at,
        step=step,
    )


def _unknown(person: int, here: str) -> CustodyUnknown:
    return CustodyUnknown(
        f"region {here} does not know who answers for person:{person}",
        hint="the message waits; where that lasts, compare the stores: `epigate custody check`",
        store=here,
    )


class CardHandler:
    """A correction arrives: the copy here becomes what the card is, with its history, and the
    pathway follows it as it would where the card is.
    """

    topic = CARD
    of_custody = True  # told to a store that is behind, a correction would end there

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The person, the case, and the lines of its history."""
        body = message.body
        return {"person": [body["person"]], "case": [body["case"]], "correction": body["lines"]}

    def gather(self, connection: Connection, store: Store, message: Message) -> Dossier:
        """The card as it is by now, and all of its history."""
        return gather_card(connection, store, message.body["case"], message.body["person"])

    def ids(self, message: Message, parcel: Dossier) -> int:
        """None are needed: everything keeps its id."""
        return 0

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Dossier,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Takes the correction in, and passes it on where the person has left since.

        Raises CustodyUnknown where the person is not here yet.
        """
        body = message.body
        if not store_card(connection, store, parcel, message.from_region):
            raise _unknown(body["person"], store.settings.code)
        if _pass_on(connection, store, body, message.trace, at) is not None:
            return {"card": "PASSED_ON"}
        card = connection.execute(select(cases).where(cases.c.id == body["case"])).mappings().one()
        follow_correction(
            connection, "cases", {**card, **body["was"]}, {**card, **body["is"]}, Who(*body["by"])
        )
        return {"card": "TAKEN"}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is left to do."""
