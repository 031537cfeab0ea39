"""Accounts and sessions, kept beside the regions in the gateway's own store (A1, A11, A12)."""

from __future__ import annotations

import time

from sqlalchemy import Index, Integer, Table

from regions.instants import instant
from regions.metadata import blind_index, central, internal, primary_key, public, sealed

__all__ = [
    "RENEWAL_DAYS",
    "STAFF_ITEMS",
    "VALID_DAYS",
    "account_events",
    "accounts",
    "registrations",
    "sessions",
    "sign_in_failures",
]

STAFF_ITEMS = ("office_phone", "mobile", "email", "qq", "id_number")
"""Private items of staff, sealed with an account or a registration. Only ever appended."""

RENEWAL_DAYS = 366
"""An account that nobody renewed for so long lapses (L503 1.1)."""
VALID_DAYS = 1_096
"""An account is good for so long unless it is told otherwise (A12)."""


def _now() -> str:
    return instant(time.time())


def _in_a_year() -> str:
    return instant(time.time() + RENEWAL_DAYS * 86_400)


def _at_its_end() -> str:
    return instant(time.time() + VALID_DAYS * 86_400)


accounts = Table(
    "accounts",
    central,
    public("account", primary_key=True),  # login name
    public("id", Integer(), nullable=True, unique=True),  # its number, to which items are sealed
    public("name"),
    public("role"),
    public("unit_id", index=True),
    public("unit_name"),
    public("unit_level"),
    public("code"),  # GB/T 2260 code of the unit
    public("department", nullable=True),
    public("head", Integer(), default=0, server_default="0"),  # of the department
    public("purpose", nullable=True),  # what it is for: Purpose (A8)
    internal("password_hash"),
    public("state", default="ACTIVE", server_default="ACTIVE"),  # ACTIVE SUSPENDED DISABLED
    public("suspended_until", nullable=True),  # of SUSPENDED: null is until somebody reinstates it
    public("valid_until", default=_at_its_end),
    public("renewed_at", default=_now),
    public("renew_by", default=_in_a_year),
    blind_index("person_index"),  # of the ID number: which accounts are one person's
    sealed(nullable=True),  # STAFF_ITEMS
    public("created_at"),
    # 1: somebody else chose the password, and nothing is done before its holder changes it.
    internal("password_given", Integer(), default=0, server_default="0"),
)

# What was done to an account, by whom and why: kept for ever.
account_events = Table(
    "account_events",
    central,
    primary_key(),
    public("account", index=True),
    public("event"),  # an event of the account's states, CHANGE, SET_PASSWORD, …
    public("at"),
    public("by_account"),  # or `command line`
    public("reason"),
    public("changes", nullable=True),  # JSON: name of a column → [before, after]
)

registrations = Table(
    "registrations",
    central,
    primary_key(),
    public("state", index=True),  # PENDING APPROVED REFUSED; EXPIRED follows from created_at
    public("wanted"),  # login name
    public("account", nullable=True),  # that was given at approval
    public("name"),
    public("role"),
    public("purpose"),
    public("unit_id", index=True),
    public("unit_name"),
    public("unit_level"),
    public("code"),
    public("department", nullable=True),
    public("head", Integer(), default=0, server_default="0"),
    internal("password_hash", nullable=True),  # until it is decided
    blind_index("person_index"),
    sealed(),  # STAFF_ITEMS
    internal("address_hash", index=True),
    public("created_at", index=True),
    public("decided_by", nullable=True),
    public("decided_at", nullable=True),
    public("reason", nullable=True),
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
    internal("second_factor", default="", server_default=""),  # TOTP …; empty: the first alone
    internal("scope", nullable=True),  # JSON: what a machine client's token is good for
    internal("address", default="", server_default=""),  # it was opened from
    internal("proved_at", nullable=True),  # when a second factor was shown last
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
