"""What is filed on a signal (requirements E9 to E11): abnormal information cards, events and their
investigation forms, files, and by when each is due.

Every version of a card and of a form is a row that never changes, but for the instant of sending of
what was answered before. What officers write in words may
name people: it is sealed, under the key of the person where all of it is about one case, and is
seen as the cases behind the signal are.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table

from regions.metadata import ID, internal, primary_key, public, regional, sealed

__all__ = [
    "FORM_ITEMS",
    "SIGNAL_ATTACHMENT_ITEMS",
    "SIGNAL_CARD_ITEMS",
    "SIGNAL_CONTENT_ITEMS",
    "investigation_forms",
    "investigation_occupations",
    "investigations",
    "signal_attachments",
    "signal_cards",
    "signal_clocks",
    "signal_contents",
]

SIGNAL_CARD_ITEMS = (
    "verification_text",
    "place_reason",
    "time_reason",
    "people_reason",
    "rare_reason",
    "single_case_reason",
    "spreading_reason",
    "remarks",
    "filled_by",
    "phone",
)
"""Sealed items of an abnormal information card: its words, and who filled it in."""

FORM_ITEMS = (
    "verified_disease_text",
    "first_township",
    "second_township",
    "third_township",
    "grounds_text",
    "remarks",
    "filled_by",
    "phone",
)
"""Sealed items of an investigation form: its words, and who filled it in."""

SIGNAL_ATTACHMENT_ITEMS = ("file_name",)
"""Sealed items of a file, but for what is in it."""

SIGNAL_CONTENT_ITEMS = ("content",)
"""What is in a file, base64: sealed apart, so that no list reads it."""

# 异常信息卡, annex 1: a row for each version.
signal_cards = Table(
    "signal_cards",
    regional,
    primary_key(),
    public("signal_id", ID),
    public("version", Integer()),  # from 1
    public("province", nullable=True),  # name of the reporting unit's, as of then
    public("city", nullable=True),
    public("county"),
    public("signal_number"),
    public("sent_at", nullable=True),  # null: answered, and not sent yet
    public("disease"),
    public("cases", Integer()),  # of the 7 days before the signal day
    public("deaths", Integer()),
    public("verified_by"),  # JSON array of VerificationManner names
    public("townships", Integer()),
    public("schools"),  # true, false: JSON, like the following
    public("suspected"),
    public("place"),
    public("time"),
    public("people"),
    public("rare"),
    public("single_case"),
    public("spreading"),
    public("event_number", nullable=True),  # of the event, where it is suspected
    public("code"),
    public("person_id", ID, nullable=True, index=True),  # whom alone it is about, if on record here
    sealed(),
    public("reporter"),  # account that filed it
    public("reporter_unit"),
    public("filled_at"),
)
Index("uq_signal_cards_version", signal_cards.c.signal_id, signal_cards.c.version, unique=True)

# Suspected events (疑似事件), from the number on.
investigations = Table(
    "investigations",
    regional,
    primary_key(),
    public("number", unique=True),
    public("state"),  # SUSPECTED INVESTIGATING CONCLUDED JOINED
    public("code"),
    public("unit_id"),  # the county's CDC
    public("disease"),  # of the first signal
    public("conclusion", nullable=True),  # OUTBREAK EXCLUDED CONTINUED_WATCH
    public("joined_to", ID, nullable=True),  # the event that took its signals
    public("issued_at"),
    public("started_at", nullable=True),
    public("ended_at", nullable=True),  # of the investigation in the field
    public("form_due", nullable=True),  # 24 h after that
    public("concluded_at", nullable=True),  # when the first form was filed
    public("forms", Integer()),  # versions so far
    public("updated_at"),
)
Index("ix_investigations_code_issued", investigations.c.code, investigations.c.issued_at)

# 现场调查表, annex 2: a row for each version.
investigation_forms = Table(
    "investigation_forms",
    regional,
    primary_key(),
    public("investigation_id", ID),
    public("version", Integer()),  # from 1
    public("province", nullable=True),
    public("city", nullable=True),
    public("county"),
    public("event_number"),
    public("signal_numbers"),  # JSON array, the first one first
    public("sent_at", nullable=True),  # when the first of the signals was sent
    public("disease"),  # at the signal
    public("verified_disease", nullable=True),  # chosen; else typed, which is sealed
    public("laboratory_positive"),  # true, false: JSON
    public("townships", Integer()),
    public("cases", Integer()),
    public("deaths", Integer()),
    public("first_township_cases", Integer(), nullable=True),
    public("second_township_cases", Integer(), nullable=True),
    public("third_township_cases", Integer(), nullable=True),
    public("schools", Integer()),
    public("school_cases", Integer()),
    public("first_onset_on", nullable=True),
    public("age_from_0", Integer()),
    public("age_from_7", Integer()),
    public("age_from_12", Integer()),
    public("age_from_18", Integer()),
    public("age_from_60", Integer()),
    public("conclusion"),  # OUTBREAK EXCLUDED CONTINUED_WATCH
    public("grounds"),  # JSON array of InvestigationGround names
    public("units"),  # JSON array of UnitLevel names
    public("investigated_from"),
    public("investigated_to"),
    public("code"),
    public("person_id", ID, nullable=True, index=True),
    sealed(),
    public("reporter"),
    public("reporter_unit"),
    public("filled_at"),
)
Index(
    "uq_investigation_forms_version",
    investigation_forms.c.investigation_id,
    investigation_forms.c.version,
    unique=True,
)

investigation_occupations = Table(
    "investigation_occupations",
    regional,
    primary_key(),
    public("form_id", ID, index=True),
    public("occupation"),  # CardOccupation
    public("cases", Integer()),
)

signal_attachments = Table(
    "signal_attachments",
    regional,
    primary_key(),
    public("investigation_id", ID, index=True),
    public("event_number"),
    public("media_type"),
    public("size", Integer()),  # bytes
    internal("sha256"),
    public("code"),
    public("person_id", ID, nullable=True, index=True),
    sealed(),
    public("reporter"),
    public("reporter_unit"),
    public("created_at"),
    public("report", default="true", server_default="true"),  # JSON: it is the report of E11
)

signal_contents = Table(
    "signal_contents",
    regional,
    primary_key(),  # the file's
    public("person_id", ID, nullable=True, index=True),  # the file's
    sealed(),
)

signal_clocks = Table(
    "signal_clocks",
    regional,
    primary_key(),
    public("signal_id", ID, index=True),  # of an event the first of its signals
    public("investigation_id", ID, nullable=True, index=True),
    public("kind"),  # ABNORMAL_CARD INVESTIGATION_FORM
    public("code"),
    public("unit_id"),  # the county's CDC
    public("opened_at"),
    public("due_at"),
    public("met_at", nullable=True),
    public("missed_at", nullable=True),  # the record of a lapse: it ran out unmet
    public("dropped_at", nullable=True),
    public("noted_at", nullable=True),  # when the lapse was written down
)
_waits = signal_clocks.c.met_at.is_(None) & signal_clocks.c.dropped_at.is_(None)
Index(
    "ix_signal_clocks_due",
    signal_clocks.c.due_at,
    signal_clocks.c.id,
    sqlite_where=_waits,
    postgresql_where=_waits,
)
Index("ix_signal_clocks_noted", signal_clocks.c.noted_at, signal_clocks.c.id)
