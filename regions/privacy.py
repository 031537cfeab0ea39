"""Grants: who may see which private items of which records in clear, where, how long (F7)."""

from __future__ import annotations

from sqlalchemy import Integer, Table

from regions.metadata import central, internal, public

__all__ = ["grants"]

grants = Table(
    "grants",
    central,
    public("id", primary_key=True),
    public("account", index=True),
    public("record_types"),  # JSON array of RecordType names
    public("items"),  # JSON array of PrivateItem names
    public("code"),  # GB/T 2260 code: the grant holds for it and all below; 000000 is the country
    public("purpose"),
    public("starts_at"),
    public("ends_at"),
    public("revoked", Integer(), default=0, server_default="0"),
    internal("created_at"),
)
