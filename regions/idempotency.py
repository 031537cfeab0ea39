"""Results kept for repeated writes: of records in each region's store, of the rest centrally."""

from __future__ import annotations

from sqlalchemy import MetaData, Table

from regions.metadata import central, internal, regional

__all__ = ["central_idempotency", "idempotency"]


def _table(metadata: MetaData) -> Table:
    return Table(
        "idempotency",
        metadata,
        internal("account", primary_key=True),
        internal("key", primary_key=True),
        internal("operation"),
        internal("payload_hash"),
        internal("result"),  # JSON: ids and row outcomes, no private value
        internal("created_at"),
    )


idempotency = _table(regional)
central_idempotency = _table(central)
