"""Transfers (handoffs) and custody: which region answers for a person (requirements D, design).

`custody` has a row from a person's first transfer on. Without one a person made in this store is
OWNED by it at epoch 0. The custodian is the sending region while its row says OWNED or RELEASING,
else the receiving one: exactly one at every instant. Epochs only rise.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, UniqueConstraint

from regions.metadata import ID, internal, primary_key, public, regional, sealed

__all__ = [
    "TRANSFER_ITEMS",
    "custody",
    "store_fences",
    "transfer_events",
    "transfer_people",
    "transfers",
]

TRANSFER_ITEMS = ("escort", "remarks")
"""Sealed items of a person's part of a transfer, under the person's key."""

custody = Table(
    "custody",
    regional,
    public("person_id", ID, primary_key=True, autoincrement=False),
    public("state"),  # OWNED RELEASING HANDED PENDING CLOSED
    public("epoch", Integer()),
    public("peer", nullable=True),  # region (six digits) it goes to or came from
    public("transfer_id", nullable=True),
    public("unit_id", nullable=True),  # the unit that answers for the person
    public("since"),
)
Index("ix_custody_state", custody.c.state, custody.c.since)

transfers = Table(
    "transfers",
    regional,
    public("id", primary_key=True),
    public("side", primary_key=True),  # SENT RECEIVED; a transfer within one store has both
    public("from_region"),
    public("to_region"),
    public("from_unit"),
    public("to_unit"),
    public("reason"),
    public("planned_at", nullable=True),
    public("departed_at", nullable=True),
    public("arrived_at", nullable=True),
    public("state"),  # OFFERED ACCEPTED PARTLY_ACCEPTED REFUSED CANCELLED COMMITTED ARRIVED
    internal("offer_hash"),  # of what was offered, SHA-256 in hexadecimal
    public("created_at"),
    public("updated_at"),
    internal("reporter"),  # account that offered
    internal("reporter_unit"),
    public("code"),  # county of the offering unit at SENT, of the receiving one at RECEIVED
)
Index("ix_transfers_created", transfers.c.created_at, transfers.c.id)
Index("ix_transfers_to_unit", transfers.c.to_unit, transfers.c.created_at)
Index("ix_transfers_from_unit", transfers.c.from_unit, transfers.c.created_at)
Index("ix_transfers_code_created", transfers.c.code, transfers.c.created_at)
Index("ix_transfers_state", transfers.c.state, transfers.c.updated_at)

transfer_people = Table(
    "transfer_people",
    regional,
    primary_key(),
    public("transfer_id"),
    public("side"),
    public("person_id", ID, index=True),
    public("epoch", Integer()),  # the epoch the receiver owns the person at
    public("outcome"),  # OFFERED ACCEPTED REFUSED CANCELLED HANDED
    public("reason_code", nullable=True),
    internal("dossier_hash", nullable=True),  # of what went over, equal on both sides
    public("decided_at", nullable=True),
    sealed(nullable=True),
    UniqueConstraint("transfer_id", "side", "person_id"),
)

transfer_events = Table(
    "transfer_events",
    regional,
    primary_key(),
    public("transfer_id"),
    public("person_id", ID, nullable=True, index=True),
    public("at"),
    public("actor", nullable=True),  # account; null: the post
    public("unit_id", nullable=True),
    public("region"),  # where it happened, six digits
    public("event"),  # OFFERED RECEIVED ACCEPTED REFUSED CANCELLED HANDED OWNED ARRIVED FENCED ...
    public("epoch", Integer(), nullable=True),
    public("detail", nullable=True),  # JSON of codes and states
)
Index("ix_transfer_events_transfer", transfer_events.c.transfer_id, transfer_events.c.id)

store_fences = Table(
    "store_fences",
    regional,
    internal("token", primary_key=True),  # at random: who mends takes away the fences it has seen
    public("found_at"),
    public("mended_at", nullable=True),  # null: the store takes no step of custody
    internal("file", nullable=True),  # the SQLite file it was put up in, as the system names it
)
