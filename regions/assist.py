"""Assist requests (协查): letters, the people they name, and what happened to both (C1 to C4).

Both sides keep a copy of a letter, each under an id of its own store; `number` is what they share.
A person of a letter is `position` in it, on both sides and in every letter it is forwarded by.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table

from regions.metadata import ID, internal, primary_key, public, regional, sealed
from regions.people import PERSON_ITEMS

__all__ = [
    "ASSIST_ATTACHMENT_ITEMS",
    "ASSIST_CONTENT_ITEMS",
    "ASSIST_PERSON_ITEMS",
    "ASSIST_REQUEST_ITEMS",
    "assist_attachments",
    "assist_contents",
    "assist_copies",
    "assist_events",
    "assist_people",
    "assist_requests",
]

ASSIST_REQUEST_ITEMS = ("case_name", "case_sex", "case_age", "case_phone", "remarks")
"""Sealed items of a letter: those of the index case's stub, and its free text."""

ASSIST_PERSON_ITEMS = (
    *(name for name in PERSON_ITEMS if name != "residence_area"),
    "place",
    "seat",
    "control_place",
    "destination",
    "remarks",
    "answer",
)
"""Sealed items of a person of a letter: a person's, then the contact's and the answer's own;
`remarks` are the issuer's, `answer` the receiver's. A letter tells the county and the address.
"""

ASSIST_ATTACHMENT_ITEMS = ("file_name",)
"""Sealed items of an attachment, but for what is in it."""

ASSIST_CONTENT_ITEMS = ("content",)
"""What is in an attachment, base64: sealed apart, so that no list reads it."""

assist_requests = Table(
    "assist_requests",
    regional,
    primary_key(),
    public("number"),  # of the letter, the same on both sides
    public("side"),  # SENT RECEIVED
    public("version", Integer()),  # of the letter, from 1; an amendment adds 1
    public("read_version", Integer()),  # the last version the receiver has read
    public("state"),  # AssistState
    internal("revision", Integer()),  # of the receiver's copy: counts its decisions
    public("pending", nullable=True),  # AssistEvent the issuer asked for and nobody decided yet
    public("from_unit"),
    public("from_code"),
    public("from_region"),
    public("to_unit", nullable=True),
    public("to_code"),
    public("to_region"),
    public("parent_number", nullable=True),  # of the letter it was forwarded from
    public("root_number"),  # of the first letter of the chain
    public("hops"),  # JSON array of the units that issued or held it before
    public("disease"),
    public("case_id", ID, nullable=True),  # may lie in another region
    public("case_classification", nullable=True),
    public("case_onset_on", nullable=True),
    public("asked"),  # JSON array of AssistTask names
    public("shared_items"),  # JSON array of PrivateItem names: what the issuer's policy shows
    public("people_count", Integer()),
    public("sent_at", nullable=True),  # the clock's start, kept by whoever it is forwarded to
    public("acknowledge_due", nullable=True),
    public("control_due", nullable=True),
    public("feedback_due", nullable=True),
    public("acknowledged_at", nullable=True),
    public("assigned_at", nullable=True),
    public("assigned_to", nullable=True),  # account
    public("controlled_at", nullable=True),
    public("feedback_at", nullable=True),
    public("ended_at", nullable=True),
    public("reason_code", nullable=True),  # why it was refused, withdrawn, sent back
    public("forwarded_to", nullable=True),  # number of the letter that carries it on
    public("escalated_to", nullable=True),  # CITY PROVINCE: who was told that a clock ran out
    public("code"),  # this side's: who may open the letter
    public("person_id", ID, nullable=True),  # the index case's person, where on record here
    sealed(nullable=True),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    public("created_at"),
    public("updated_at"),
)
Index("uq_assist_requests_number", assist_requests.c.number, assist_requests.c.side, unique=True)
Index("ix_assist_requests_created", assist_requests.c.created_at, assist_requests.c.id)
Index(
    "ix_assist_requests_code_created",
    assist_requests.c.code,
    assist_requests.c.created_at,
    assist_requests.c.id,
)
Index("ix_assist_requests_unit", assist_requests.c.reporter_unit, assist_requests.c.created_at)
Index("ix_assist_requests_state", assist_requests.c.state, assist_requests.c.acknowledge_due)
Index("ix_assist_requests_root", assist_requests.c.root_number)

assist_people = Table(
    "assist_people",
    regional,
    primary_key(),
    public("request_id", ID, index=True),  # this store's copy of the letter
    public("number"),
    public("position", Integer()),  # in the letter, from 1
    public("person_id", ID, nullable=True, index=True),  # the person on record in this store
    public("contact_id", ID, nullable=True, index=True),  # of whoever manages the person now
    public("issuer_contact_id", ID, nullable=True, index=True),  # of the issuer
    public("level"),  # CLOSE SECONDARY GENERAL
    public("manner"),  # JSON array of ContactManner names
    public("last_contact_on", nullable=True),
    public("whereabouts_code", nullable=True),
    public("state"),  # AssistState
    public("proposed", nullable=True),  # EXCLUDED: said by the receiver, not yet by the issuer
    public("reason_code", nullable=True),  # why excluded, not found
    public("found_at", nullable=True),
    public("found_code", nullable=True),
    public("controlled_at", nullable=True),
    public("control_mode", nullable=True),  # HOME CENTRAL HOSPITAL AWAITING_TRANSFER
    public("outcome", nullable=True),  # CONTINUING RELEASED TURNED_POSITIVE TURNED_CONFIRMED
    public("destination_code", nullable=True),
    public("forwarded_to", nullable=True),  # number of the letter that carries the person on
    public("case_id", ID, nullable=True),  # the case that was registered of the person
    internal("holder_unit", nullable=True),  # who sees the items in clear while it is open
    internal("open", Integer()),  # 1 while the letter is open for this person
    public("code"),  # this side's
    sealed(nullable=True),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    public("created_at"),
    public("updated_at"),
    public("positive_at", nullable=True),  # when a positive test was reported
    public("case_due", nullable=True),  # by when the case is registered
    public("case_at", nullable=True),  # when it was, as far as the letter is told
)
Index(
    "uq_assist_people_position", assist_people.c.request_id, assist_people.c.position, unique=True
)

_is_due = assist_people.c.case_due.is_not(None)
Index(
    "ix_assist_people_case_due",
    assist_people.c.case_due,
    sqlite_where=_is_due,
    postgresql_where=_is_due,
)

assist_events = Table(
    "assist_events",
    regional,
    primary_key(),
    public("request_id", ID, index=True),
    public("number"),
    internal("key"),  # of the event in the whole country: a second delivery adds nothing
    public("position", Integer(), nullable=True),  # the person's, where it is about one
    public("event"),  # AssistEvent and what else is noted
    public("phase"),  # REQUESTED DECIDED REFUSED NOTED
    public("state", nullable=True),  # the letter's or the person's, after it
    public("version", Integer()),
    public("actor", nullable=True),  # account; null for the system
    public("unit_id", nullable=True),
    public("region"),  # where it happened
    public("reason_code", nullable=True),
    public("detail"),  # JSON object: codes, counts, names of fields, no private value
    public("code"),
    public("at"),
    public("created_at"),  # when this store learned of it
)
Index("uq_assist_events_key", assist_events.c.request_id, assist_events.c.key, unique=True)

assist_attachments = Table(
    "assist_attachments",
    regional,
    primary_key(),
    public("request_id", ID, index=True),
    public("number"),
    internal("key"),  # of the event that noted it: the same on both sides
    public("media_type"),
    public("size", Integer()),  # bytes
    internal("sha256"),
    public("code"),
    public("person_id", ID, nullable=True, index=True),  # that person, where on record here
    sealed(),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    public("created_at"),
    public("position", Integer(), nullable=True),  # of the person whom alone it is about
    public("unit_id", nullable=True),  # who attached it
)
Index(
    "uq_assist_attachments_key",
    assist_attachments.c.request_id,
    assist_attachments.c.key,
    unique=True,
)

assist_contents = Table(
    "assist_contents",
    regional,
    primary_key(),  # the attachment's
    public("person_id", ID, nullable=True, index=True),  # the attachment's
    sealed(),
)

assist_copies = Table(
    "assist_copies",
    regional,
    public("number", primary_key=True),
    public("unit_id", primary_key=True),  # of a level above, which may read the letter
    public("request_id", ID, index=True),
    public("created_at"),
)
