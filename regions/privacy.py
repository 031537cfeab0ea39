"""Grants: who may see which private items of which records in clear, where, how long (F7)."""

from __future__ import annotations

from sqlalchemy import Integer, Table

from regions.metadata import ID, central, internal, public

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
    public("how", default="COMMAND_LINE", server_default="COMMAND_LINE"),  # see GrantedBy
    public("application_id", ID, nullable=True, index=True),  # of the five signatures
    public("person_id", ID, nullable=True),  # a person of a region: the grant holds for no other
    public("revoked_at", nullable=True),
    public("revoked_by", nullable=True),  # account
    public("revoked_reason", nullable=True),  # see RevocationReason
)
