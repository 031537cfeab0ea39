"""Accounts and sessions, kept beside the regions in the gateway's own store (A1, A11, A12)."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table

from regions.metadata import central, internal, public

__all__ = ["accounts", "sessions", "sign_in_failures"]

accounts = Table(
    "accounts",
    central,
    public("account", primary_key=True),  # login name
    public("name"),
    public("role"),
    public("unit_id"),
    public("unit_name"),
    public("unit_level"),
    public("code"),  # GB/T 2260 code of the unit
    internal("password_hash"),
    public("disabled", Integer(), default=0, server_default="0"),
    public("created_at"),
)

sessions = Table(
    "sessions",
    central,
    internal("token_hash", primary_key=True),  # SHA-256 of the token; the token is never stored
    internal("account", index=True),
    internal("created_at"),
    internal("expires_at"),  # absolute
    internal("last_seen_at"),
    internal("revoked_at", nullable=True),
)
Index("ix_sessions_expires", sessions.c.expires_at)

# Failed sign-ins, counted for each account name tried and each address, whether the account exists
# or not: the answer to a locked name must not tell. `subject` is a SHA-256, since people type their
# password where their name belongs.
sign_in_failures = Table(
    "sign_in_failures",
    central,
    internal("subject", primary_key=True),
    internal("failures", Integer()),
    internal("first_at"),  # of the failures counted
    internal("expires_at", index=True),  # the count, or the lock, ends
)
