"""Results kept for repeated writes: of records in each region's store, of the rest centrally.

They are kept as long as a key may be tried again (`resolvers/writing/forgetting.py`).
"""

from __future__ import annotations

from sqlalchemy import Index, MetaData, Table

from regions.metadata import central, internal, regional

__all__ = ["central_idempotency", "idempotency"]


def _table(metadata: MetaData) -> Table:
    table = Table(
        "idempotency",
        metadata,
        internal("account", primary_key=True),
        internal("key", primary_key=True),
        internal("operation"),
        internal("payload_hash"),
        internal("result"),  # JSON: ids and row outcomes, no private value
        internal("created_at"),
    )
    Index("ix_idempotency_created", table.c.created_at)  # the oldest are forgotten
    return table


idempotency = _table(regional)
central_idempotency = _table(central)
