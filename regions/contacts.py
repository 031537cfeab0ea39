"""Contacts and what is done for them: health visits and samples (B1 to B3, B5, B12)."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, func, text

from regions.metadata import ID, internal, primary_key, public, regional, sealed

__all__ = ["CONTACT_ITEMS", "SAMPLE_ITEMS", "VISIT_ITEMS", "contacts", "samples", "visits"]

CONTACT_ITEMS = ("place", "seat", "observation_place", "destination", "remarks")
"""Sealed items of a contact itself (its person's are in `people`)."""

VISIT_ITEMS = ("remarks",)
SAMPLE_ITEMS = ("remarks",)

contacts = Table(
    "contacts",
    regional,
    primary_key(),
    public("person_id", ID, index=True),
    public("level"),  # CLOSE SECONDARY GENERAL
    public("route"),  # OWN_SCREENING OTHER_PROVINCE OTHER_CITY OTHER_COUNTY
    public("source_case_id", ID, nullable=True, index=True),  # may lie in another region
    public("parent_contact_id", ID, nullable=True, index=True),  # may lie in another region
    public("relation_to_case", nullable=True),
    public("manner"),  # JSON array of ContactManner names
    public("frequency", nullable=True),  # ONCE OCCASIONAL REGULAR FREQUENT
    public("first_contact_on", nullable=True),
    public("last_contact_on", nullable=True, index=True),
    public("observation_mode", nullable=True),  # HOME CENTRAL HOSPITAL AWAITING_TRANSFER
    public("observation_started_on", nullable=True),
    public("observation_due_on", nullable=True),
    public("observation_released_on", nullable=True),
    public("symptom_onset_on", nullable=True),
    public("symptoms", nullable=True),  # JSON array of Symptom names
    public("outcome"),  # CONTINUING RELEASED TURNED_POSITIVE TURNED_CONFIRMED
    public("traced"),  # YES NO MOVED_TO_OTHER_PROVINCE
    public("exclusion_reason", nullable=True),  # a code: why the person is no contact after all
    public("code"),  # county responsible
    public("rule_pack"),  # id of the pack in force when the level was judged (B1)
    sealed(nullable=True),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    internal("source_key", nullable=True, unique=True),
    internal("source_hash", nullable=True),
    public("created_at"),
    public("updated_at"),
    internal("version", Integer(), default=1, server_default="1"),
    public("kept_in", nullable=True),  # region (six digits) of the living row; null: this one
    public("disease", nullable=True),  # observed for; said here, since the case may lie elsewhere
)
Index(
    "ix_contacts_created",
    contacts.c.created_at,
    contacts.c.id,
    contacts.c.kept_in,
)
Index(
    "ix_contacts_unit_created",
    contacts.c.reporter_unit,
    contacts.c.created_at,
    contacts.c.id,
    contacts.c.kept_in,
)
Index(
    "ix_contacts_code_created",
    contacts.c.code,
    contacts.c.created_at,
    contacts.c.id,
    contacts.c.kept_in,
)
Index(
    "ix_contacts_city_created",
    func.substr(contacts.c.code, text("1"), text("4")),
    contacts.c.created_at,
    contacts.c.id,
    contacts.c.kept_in,
)
Index(
    "ix_contacts_disease_created",
    contacts.c.disease,
    contacts.c.created_at,
    contacts.c.id,
    contacts.c.kept_in,
)

visits = Table(
    "visits",
    regional,
    primary_key(),
    public("person_id", ID, index=True),
    public("contact_id", ID, nullable=True, index=True),
    public("case_id", ID, nullable=True, index=True),
    public("visited_at"),
    public("kind"),  # HEALTH_MONITORING HOME_VISIT REVISIT
    public("temperature_tenths", Integer(), nullable=True),  # 0.1 degrees Celsius
    public("symptoms"),  # JSON array of Symptom names
    public("code"),
    sealed(nullable=True),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    internal("source_key", nullable=True, unique=True),
    public("created_at"),
    public("co_residents", Integer(), nullable=True),  # who live there, too, and were asked after
    public("co_residents_ill", Integer(), nullable=True),  # of them, who have symptoms
)

samples = Table(
    "samples",
    regional,
    primary_key(),
    public("person_id", ID, index=True),
    public("contact_id", ID, nullable=True, index=True),
    public("case_id", ID, nullable=True, index=True),
    public("taken_at"),
    public("specimen"),  # THROAT_SWAB NASAL_SWAB ANAL_SWAB BLOOD SPUTUM STOOL OTHER
    public("test"),  # NUCLEIC_ACID ANTIGEN ANTIBODY CULTURE OTHER
    public("result"),  # PENDING NEGATIVE POSITIVE INDETERMINATE
    public("result_at", nullable=True),
    public("laboratory", nullable=True),  # unit id
    public("code"),
    sealed(nullable=True),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    internal("source_key", nullable=True, unique=True),
    public("created_at"),
)
