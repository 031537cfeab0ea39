"""Grants: who may see which private items of which records in clear, where, how long (F7); and how
they come about: applications with their signatures, emergencies, and requests for data (F5–F11).

All of it is kept in the gateway's own store and never deleted. What officers write in words is
sealed; a name at work is not private.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, UniqueConstraint

from regions.metadata import (
    ID,
    blind_index,
    central,
    internal,
    primary_key,
    public,
    sealed,
)

__all__ = [
    "APPLICATION_ITEMS",
    "DATA_REQUEST_ITEMS",
    "EMERGENCY_ITEMS",
    "SIGNATURE_ITEMS",
    "data_requests",
    "emergencies",
    "emergency_notices",
    "emergency_supervisors",
    "grants",
    "privacy_applications",
    "privacy_roles",
    "privacy_signatures",
]

_CONTACT = ("office_phone", "mobile", "email", "qq", "id_number")
APPLICATION_ITEMS = (*_CONTACT, "purpose_text")
SIGNATURE_ITEMS = ("reason",)
EMERGENCY_ITEMS = ("reason_text", "remarks")
DATA_REQUEST_ITEMS = ("requester", *_CONTACT, "purpose_text", "reason")

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

# Dedicated roles of units (专用隐私权限角色, L503 3.3); the national ones are data in the code.
privacy_roles = Table(
    "privacy_roles",
    central,
    public("id", primary_key=True),
    public("unit_id", index=True),
    public("name"),
    public("name_zh"),
    public("record_type"),
    public("items"),  # JSON array of PrivateItem names
    public("regulation"),
    public("application_id", ID),
    public("created_at"),
    public("withdrawn_at", nullable=True),  # from then on nobody applies for it
    public("withdrawn_by", nullable=True),  # account
    public("withdrawn_reason", nullable=True),
)

# Applications (个人隐私信息使用申请表, L503 annex 2), as filled in, and how they stand.
privacy_applications = Table(
    "privacy_applications",
    central,
    primary_key(),
    public("state", index=True),  # PrivacyApplicationState
    public("account", index=True),
    public("name"),
    public("unit_id", index=True),
    public("unit_name"),
    public("unit_code"),
    public("department"),
    public("business_department"),
    public("administrator_department", nullable=True),  # known with the fourth signature
    public("roles"),  # JSON: the roles as applied for, with the items each reveals here
    public("code"),
    public("purpose"),
    public("starts_at", nullable=True),
    public("ends_at"),
    public("commitment", Integer()),
    public("renews_id", ID, nullable=True),
    blind_index("person_index"),  # of the applicant's ID number
    public("briefed_by", nullable=True),
    public("briefed_at", nullable=True),
    public("briefing", nullable=True),  # JSON array of BriefingTopic names
    sealed(),  # APPLICATION_ITEMS
    public("created_at"),
    public("closed_at", nullable=True),
)

# The signatures, in their order. That nobody signs twice, nor two people the same step, is held by
# unique indexes, whatever else goes wrong.
privacy_signatures = Table(
    "privacy_signatures",
    central,
    primary_key(),
    public("application_id", ID, index=True),
    public("step"),  # SigningStep
    public("decision"),  # SIGN REFUSE
    public("account"),
    public("name"),
    public("department", nullable=True),
    blind_index("person_index"),
    public("signed_at"),
    sealed(nullable=True),  # SIGNATURE_ITEMS
)
for _column in ("step", "account", "person_index"):
    Index(
        f"uq_privacy_signatures_{_column}",
        privacy_signatures.c.application_id,
        privacy_signatures.c[_column],
        unique=True,
        sqlite_where=privacy_signatures.c.decision == "SIGN",
        postgresql_where=privacy_signatures.c.decision == "SIGN",
    )

# Emergency access (F11): what was taken, and the review it must have.
emergencies = Table(
    "emergencies",
    central,
    primary_key(),
    public("grant_id", unique=True),
    public("account", index=True),
    public("name"),
    public("unit_id", index=True),
    public("unit_code"),
    public("reason"),  # EmergencyReason
    sealed(),  # EMERGENCY_ITEMS
    public("review_due_at"),
    public("reviewed_at", nullable=True),
    public("reviewed_by", nullable=True),
    public("finding", nullable=True),  # EmergencyFinding
    public("suspended_at", nullable=True),  # when the account was suspended for it
    public("created_at"),
)

# Whom an emergency was told to.
emergency_supervisors = Table(
    "emergency_supervisors",
    central,
    public("emergency_id", ID, primary_key=True),
    public("account", primary_key=True, index=True),
)

# What the supervisors are told by messages, put with the emergency: one delivery each. Numbers and
# addresses do not stand here; they are read from the account when it is sent.
emergency_notices = Table(
    "emergency_notices",
    central,
    primary_key(),
    public("emergency_id", ID, index=True),
    public("occasion"),  # TAKEN REMINDER
    public("channel"),  # SMS EMAIL WEBHOOK FILE
    public("account"),  # of the supervisor; "" of a channel that is no person's
    public("key", unique=True),  # by which a receiver knows it again, the same at every attempt
    public("state"),  # DUE SENDING ACCEPTED DOUBTFUL FAILED DROPPED
    public("attempts", Integer(), default=0, server_default="0"),
    public("due_at"),
    internal("look_at", index=True),  # when it may be tried next; while SENDING its lease ends
    internal("leased_by", nullable=True),
    internal("handing", Integer(), default=0, server_default="0"),
    public("outcome", nullable=True),  # a code word of the last attempt
    public("settled_at", nullable=True),
    UniqueConstraint(
        "emergency_id", "occasion", "channel", "account", name="uq_emergency_notices_once"
    ),
)

# Requests for data of people without an account (F9): what is to be exported, and who agreed.
data_requests = Table(
    "data_requests",
    central,
    primary_key(),
    public("state", index=True),  # DataRequestState
    public("filed_by", index=True),
    public("unit_id", index=True),
    public("unit_code"),
    public("organisation"),
    public("purpose"),
    public("legal_basis"),
    public("record_type"),
    public("items"),  # JSON array of PrivateItem names
    public("code"),
    public("from_on"),
    public("to_on"),
    public("business_department"),
    public("business_head", nullable=True),
    public("business_decided_at", nullable=True),
    public("administrator", nullable=True),
    public("administrator_decided_at", nullable=True),
    public("export_id", nullable=True),  # of the export prepared for it
    public("prepared_at", nullable=True),
    sealed(),  # DATA_REQUEST_ITEMS
    public("created_at"),
)
