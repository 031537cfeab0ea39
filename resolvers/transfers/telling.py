"""Telling the other regions that a person was erased here."""

from __future__ import annotations

from sqlalchemy import Connection, select

from regions.transfers import custody, transfer_people, transfers
from resolvers.post.messages import put
from resolvers.transfers.applying import ERASED
from resolvers.writing.stores import Store

__all__ = ["tell_erased"]


def tell_erased(
    connection: Connection, store: Store, person: int, *, trace: str, at: str
) -> tuple[str, ...]:
    """Posts to every region this store has exchanged a person with that the person was erased.

    To be called in the transaction that erases: whatever is on the way then, the person is not
    brought back. Returns the ids of the messages.
    """
    c = transfer_people.c
    rows = connection.execute(
        select(transfers.c.from_region, transfers.c.to_region)
        .join(
            transfer_people,
            (c.transfer_id == transfers.c.id) & (c.side == transfers.c.side),
        )
        .where(c.person_id == person)
    ).all()
    peers = connection.execute(
        select(custody.c.peer).where(custody.c.person_id == person)
    ).scalars()
    told = {region for row in rows for region in row} | {peer for peer in peers if peer}
    body = {"people": [person]}
    return tuple(
        put(
            connection,
            store,
            topic=ERASED,
            subject=f"person:{person}",
            to_region=region,
            body=body,
            trace=trace,
            at=at,
            step=region,
        )
        for region in sorted(told - {store.settings.code})
    )
