"""Who holds which office in a unit: administrators on file, first responsible and duty persons.

Kept in the gateway's own store. That at most two administrators of a unit are on file and at most
one is active (A4) is held by unique indexes, whatever else goes wrong.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table

from regions.metadata import blind_index, central, internal, primary_key, public, sealed

__all__ = [
    "DUTY_ITEMS",
    "FILING_ITEMS",
    "RESPONSIBLE_ITEMS",
    "administrator_filings",
    "disease_watches",
    "duty_persons",
    "duty_shifts",
    "responsible_persons",
    "unit_roles",
]

FILING_ITEMS = ("office_phone", "mobile", "email", "qq", "id_number")
RESPONSIBLE_ITEMS = ("office_phone", "mobile")
DUTY_ITEMS = ("mobile", "email")

# Filings of business administrators (备案表, L503 annex 1). `slot` is 1 or 2 while the filing
# counts as on file (FILED, ON_FILE, ACTIVE), else null.
administrator_filings = Table(
    "administrator_filings",
    central,
    primary_key(),
    public("state"),  # FILED ON_FILE ACTIVE REFUSED WITHDRAWN DEREGISTERED
    public("slot", Integer(), nullable=True),
    public("unit_id", index=True),
    public("unit_name"),
    public("unit_level"),
    public("code"),
    public("department"),
    public("account", index=True),  # login name of the administrator's account
    public("name"),
    internal("password_hash", nullable=True),  # until it is decided
    blind_index("person_index"),
    sealed(nullable=True),  # FILING_ITEMS; null where the form is on paper only
    public("security_commitment", Integer()),  # whether the form has it
    public("privacy_commitment", Integer()),
    public("second_reason", nullable=True),  # why a second administrator is needed
    public("signed_on"),
    public("head_name"),  # of the department, who signed
    public("head_signed_on"),
    public("filed_by"),
    public("filed_at"),
    public("decided_by", nullable=True),
    public("decided_at", nullable=True),
    public("reason", nullable=True),  # of a refusal, a withdrawal, a deregistration
    public("closed_by", nullable=True),
    public("closed_at", nullable=True),
)
Index(
    "uq_administrator_filings_slot",
    administrator_filings.c.unit_id,
    administrator_filings.c.slot,
    unique=True,
    sqlite_where=administrator_filings.c.slot.is_not(None),
    postgresql_where=administrator_filings.c.slot.is_not(None),
)
Index(
    "uq_administrator_filings_active",
    administrator_filings.c.unit_id,
    unique=True,
    sqlite_where=administrator_filings.c.state == "ACTIVE",
    postgresql_where=administrator_filings.c.state == "ACTIVE",
)

# First responsible persons for information security (A9), all there ever were.
responsible_persons = Table(
    "responsible_persons",
    central,
    primary_key(),
    public("unit_id", index=True),
    public("name"),
    public("post"),
    sealed(),  # RESPONSIBLE_ITEMS
    public("since"),
    public("until", nullable=True),  # null is to this day
    public("set_by"),
)

# Duty persons for alerts (A10), all there ever were, each with the number and address of that time.
# `standing` is the one on duty when no shift says who is.
duty_persons = Table(
    "duty_persons",
    central,
    primary_key(),
    public("unit_id", index=True),
    public("code", index=True),
    public("account"),
    sealed(),  # DUTY_ITEMS
    public("since"),
    public("until", nullable=True),
    public("set_by"),
    public("standing", Integer(), default=1, server_default="1"),
)
_now_on_record = duty_persons.c.until.is_(None)
Index(
    "uq_duty_persons_now",
    duty_persons.c.unit_id,
    duty_persons.c.account,
    unique=True,
    sqlite_where=_now_on_record,
    postgresql_where=_now_on_record,
)
_now_standing = _now_on_record & (duty_persons.c.standing == 1)
Index(
    "uq_duty_persons_standing",
    duty_persons.c.unit_id,
    unique=True,
    sqlite_where=_now_standing,
    postgresql_where=_now_standing,
)
Index(
    "uq_responsible_persons_now",
    responsible_persons.c.unit_id,
    unique=True,
    sqlite_where=responsible_persons.c.until.is_(None),
    postgresql_where=responsible_persons.c.until.is_(None),
)

# Who is on duty from when to when (A10). A shift that was planned otherwise is withdrawn, not lost.
duty_shifts = Table(
    "duty_shifts",
    central,
    primary_key(),
    public("unit_id"),
    public("account"),
    public("begins"),
    public("ends"),  # not part of it
    public("set_by"),
    public("set_at"),
    public("withdrawn_by", nullable=True),
    public("withdrawn_at", nullable=True),
)
Index("ix_duty_shifts_unit_id", duty_shifts.c.unit_id, duty_shifts.c.ends)

# The single-case diseases of whose signals a unit's duty persons are told, too (E3).
disease_watches = Table(
    "disease_watches",
    central,
    primary_key(),
    public("unit_id", index=True),
    public("code"),
    public("disease"),
    public("since"),
    public("until", nullable=True),
    public("set_by"),
)
Index(
    "uq_disease_watches_now",
    disease_watches.c.unit_id,
    disease_watches.c.disease,
    unique=True,
    sqlite_where=disease_watches.c.until.is_(None),
    postgresql_where=disease_watches.c.until.is_(None),
)

# Roles that a system administrator took from a unit (A3); what has no row is allowed.
unit_roles = Table(
    "unit_roles",
    central,
    public("unit_id", primary_key=True),
    public("role", primary_key=True),
    public("enabled", Integer()),
    public("reason"),
    public("set_by"),
    public("set_at"),
)
