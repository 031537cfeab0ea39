"""What a store that was put back writes again of what it had sent and received, by what its peers
have: its transfers, and the messages themselves. Bodies are lost, ids and replies are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from regions.ids import take_ids
from regions.people import people
from regions.post import EMPTIED, post_inbox, post_order, post_outbox
from regions.text import among, among_texts
from regions.transfers import transfer_people, transfers
from resolvers.transfers.behind import other_than, texts
from resolvers.transfers.ledger import ids_array, parts_of, transfer_row, write_state
from resolvers.writing.stores import Store

__all__ = ["TRACE", "Offered", "emptied", "forgotten", "learn", "offers_of", "remember"]

TRACE = "reconcile"
"""The trace of messages that mending writes."""


def forgotten(connection: Connection, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Messages as their receiver has them."""
    c = post_inbox.c
    rows = connection.execute(
        select(c.id, c.topic, c.subject, c.hash, c.reply, c.received_at)
        .where(among_texts(c.id, texts(keys)))
        .order_by(c.received_at, c.id)
    )
    return [row._asdict() for row in rows]


@dataclass(frozen=True, slots=True)
class Offered:
    """A transfer as its receiver has it, and its people."""

    transfer: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]


def offers_of(connection: Connection, sender: str, keys: Sequence[str]) -> list[Offered]:
    """The transfers that messages received from a region are of."""
    if not keys:
        return []
    subjects = connection.execute(
        select(post_inbox.c.subject).where(among_texts(post_inbox.c.id, texts(keys)))
    ).scalars()
    rows = connection.execute(
        select(transfers).where(
            transfers.c.side == "RECEIVED",
            transfers.c.from_region == sender,
            among_texts(transfers.c.id, texts(set(subjects))),
        )
    ).all()
    c = transfer_people.c
    found = []
    for row in rows:
        parts = connection.execute(
            select(c.person_id, c.epoch, c.outcome, c.reason_code, c.dossier_hash, c.decided_at)
            .where(c.transfer_id == row.id, c.side == "RECEIVED")
            .order_by(c.person_id)
        )
        found.append(Offered(row._asdict(), [part._asdict() for part in parts]))
    return found


def remember(
    connection: Connection,
    store: Store,
    there: str,
    rows: Sequence[Mapping[str, Any]],
    offers: Sequence[Offered],
    at: str,
) -> None:
    """Writes again what this store had sent: its transfers, by what their receiver has, and their
    messages as answered ones.
    """
    for offer in offers:
        _resume(connection, store, offer, at)
    top = select(func.coalesce(func.max(post_outbox.c.seq), 0) + 1).scalar_subquery()
    sqlite_store = connection.dialect.name == "sqlite"
    # All of them, but in a second run.
    missing = other_than(connection, [(row["id"], row["hash"]) for row in rows])
    connection.execute(
        delete(post_outbox).where(among_texts(post_outbox.c.id, texts(sorted(missing))))
    )
    builder: Any = sqlite if sqlite_store else postgresql
    for row in rows:
        if row["id"] not in missing:
            continue
        connection.execute(
            # Another gateway may be mending the same store.
            builder.insert(post_outbox)
            .on_conflict_do_nothing()
            .values(
                id=row["id"],
                seq=top if sqlite_store else post_order.next_value(),
                topic=row["topic"],
                subject=row["subject"],
                to_region=there,
                body=EMPTIED,
                hash=row["hash"],
                trace=TRACE,
                created_at=row["received_at"],
                answered_at=row["received_at"],
                reply=row["reply"],
                attempts=0,
            )
        )


def _resume(connection: Connection, store: Store, offer: Offered, at: str) -> None:
    """Writes a transfer of this store again: those who were handed over are, and whoever still
    waited was called off.
    """
    transfer = offer.transfer["id"]
    if transfer_row(connection, transfer, "SENT") is None:
        persons = [part["person_id"] for part in offer.parts]
        code = connection.execute(
            select(func.min(people.c.code)).where(among(people.c.id, ids_array(persons)))
        ).scalar()
        row = dict(offer.transfer) | {"side": "SENT", "code": code or store.settings.code}
        connection.execute(insert(transfers).values(row))
    known = parts_of(connection, transfer, "SENT")
    missing = [part for part in offer.parts if part["person_id"] not in known]
    if missing:
        first = take_ids(connection, store.settings.code, len(missing))
        connection.execute(
            insert(transfer_people),
            [
                {"id": number, "transfer_id": transfer, "side": "SENT", **part}
                for number, part in enumerate(missing, first)
            ],
        )
    c = transfer_people.c
    for part in offer.parts:
        ended = part["outcome"] if part["outcome"] not in ("OFFERED", "ACCEPTED") else "CANCELLED"
        told = {name: part[name] for name in ("epoch", "reason_code", "dossier_hash")}
        connection.execute(
            update(transfer_people)
            .where(
                c.transfer_id == transfer,
                c.side == "SENT",
                c.person_id == part["person_id"],
                c.epoch <= part["epoch"],  # else it was offered again since
            )
            .values(outcome=ended, **told)
        )
    write_state(connection, transfer, "SENT", at)


def emptied(connection: Connection, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Those of some messages that are empty, as their receiver would have them."""
    if not keys:
        return []
    c = post_outbox.c
    rows = connection.execute(
        select(c.id, c.topic, c.subject, c.hash, c.reply, c.answered_at.label("received_at"))
        .where(among_texts(c.id, texts(keys)), c.body == EMPTIED, c.answered_at.is_not(None))
        .order_by(c.seq)
    )
    return [row._asdict() for row in rows]


def learn(connection: Connection, sender: str, empty: Sequence[Mapping[str, Any]]) -> int:
    """Enters messages as received that cannot come again, with the replies their sender has; how
    many that were. Another gateway may be mending the same store.
    """
    if not empty:
        return 0
    builder: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    rows = [{**one, "from_region": sender} for one in empty]
    made = builder.insert(post_inbox).on_conflict_do_nothing().returning(post_inbox.c.id)
    return len(connection.scalars(made, rows).all())
