"""What travels of a letter: itself and its versions to the receiver, wishes of the issuer to the
receiver, news of what was decided to the issuer. Bodies hold numbers, states and codes alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from resolvers.assist.rows import Copy, Ids, Who
from resolvers.assist.states import Event
from resolvers.post.messages import Message, put
from resolvers.writing.stores import Store

__all__ = [
    "END",
    "EVENT",
    "LETTER",
    "REGAIN",
    "put_back",
    "put_end",
    "put_letter",
    "put_news",
    "put_wish",
]

LETTER = "assist.letter"
"""The topic of a letter and of its versions, from the issuer to the receiver."""

EVENT = "assist.event"
"""The topic of wishes and of news; `to` is the side it is for."""


END = "assist.end"
"""The topic that ends what a letter shares of people who were handed over meanwhile."""


REGAIN = "assist.regain"
"""The topic of a letter that its issuer has lost, from the receiver."""


def put_back(connection: Connection, store: Store, lost: Message, at: str) -> None:
    """Sends a letter back to its issuer, who answered a message that it has no such letter."""
    body = {name: lost.body[name] for name in ("number", "request")}
    put(
        connection,
        store,
        topic=REGAIN,
        subject=lost.subject,
        to_region=lost.to_region,
        body=body,
        trace=lost.trace,
        at=at,
        step=lost.body["keys"][-1],
    )


def put_end(connection: Connection, store: Store, number: str, region: str, at: str) -> None:
    """Has what a letter shares ended in another region."""
    put(
        connection,
        store,
        topic=END,
        subject=number,
        to_region=region,
        body={"number": number},
        trace="",
        at=at,
        step=str(Ids(connection, store).take()),  # it may be opened and ended again
    )


def put_letter(
    copy: Copy, event: Event, who: Who, *, people: Iterable[int] | None, added: Iterable[int] = ()
) -> None:
    """Sends the letter (SUBMIT, with everybody) or a version of it (AMEND, with `people`)."""
    body = {
        "number": copy.number,
        "version": copy.row["version"],
        "event": event.name,
        "keys": copy.keys,
        "people": None if people is None else sorted(people),
        "added": sorted(added),
        "actor": who.account,
        "unit": who.unit_id,
    }
    _put(copy, LETTER, copy.row["to_region"], body, who)


def put_wish(
    copy: Copy, event: Event, who: Who, *, reason: str | None, people: Sequence[int] | None
) -> None:
    """Tells the receiver what the issuer wishes: it is decided there."""
    body = {
        "number": copy.number,
        "to": "RECEIVED",
        "event": event.name,
        "keys": copy.keys,
        "people": None if people is None else sorted(people),
        "reason": reason,
        "actor": who.account,
        "unit": who.unit_id,
    }
    _put(copy, EVENT, copy.row["to_region"], body, who)


def put_news(
    copy: Copy, who: Who, people: Iterable[int] = (), *, decides: Event | None = None
) -> None:
    """Tells the issuer what happened to the letter and to some of its people. `decides`: the wish
    that was decided.
    """
    body = {
        "number": copy.number,
        "to": "SENT",
        "keys": copy.keys,
        "people": sorted(people),
        "spread": copy.spread_to,
        "decides": None if decides is None else decides.name,
    }
    _put(copy, EVENT, copy.row["from_region"], body, who)


def _put(copy: Copy, topic: str, to_region: str, body: dict[str, Any], who: Who) -> None:
    put(
        copy.connection,
        copy.store,
        topic=topic,
        subject=copy.number,
        to_region=to_region,
        body=body | {"request": copy.id},  # the sender's copy, for the access log
        trace=who.trace,
        at=who.at,
        step=copy.keys[-1],
    )
