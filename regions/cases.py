"""Cases and what is known of how they were exposed (B4, B6, B8)."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, func, text

from regions.metadata import ID, internal, primary_key, public, regional, sealed

__all__ = ["CASE_ITEMS", "EXPOSURE_ITEMS", "cases", "exposures"]

CASE_ITEMS = ("remarks",)
"""Sealed items of a case itself (its person's are in `people`)."""

EXPOSURE_ITEMS = ("place",)
"""Sealed items of an exposure."""

cases = Table(
    "cases",
    regional,
    primary_key(),
    public("person_id", ID, index=True),
    public("disease"),
    public("classification"),  # SUSPECTED PROBABLE CONFIRMED ASYMPTOMATIC EXCLUDED
    public("origin"),  # LOCAL IMPORTED
    public("found_by", nullable=True),  # how a carrier was found (B4)
    public("code"),  # county responsible
    public("onset_on", nullable=True),
    public("diagnosed_at", nullable=True),
    public("reported_at"),
    public("unit_id", index=True),  # the institution that first reported the card (B8)
    public("hospital", nullable=True),  # id of the unit treating the case
    public("outcome", nullable=True),
    public("outcome_on", nullable=True),
    public("died_on", nullable=True),
    sealed(nullable=True),
    internal("reporter", nullable=True),
    internal("reporter_unit", nullable=True),
    internal("source_key", nullable=True, unique=True),
    internal("source_hash", nullable=True),
    public("created_at"),
    public("updated_at"),
    internal("version", Integer(), default=1, server_default="1"),
    public("kept_in", nullable=True),  # region (six digits) of the living row; null: this one
)
Index(
    "ix_cases_created",
    cases.c.created_at,
    cases.c.id,
    cases.c.kept_in,
)
Index(
    "ix_cases_unit_created", cases.c.reporter_unit, cases.c.created_at, cases.c.id, cases.c.kept_in
)
Index(
    "ix_cases_code_created",
    cases.c.code,
    cases.c.created_at,
    cases.c.id,
    cases.c.kept_in,
)
Index(
    "ix_cases_city_created",
    func.substr(cases.c.code, text("1"), text("4")),
    cases.c.created_at,
    cases.c.id,
    cases.c.kept_in,
)
Index("ix_cases_disease_code_reported", cases.c.disease, cases.c.code, cases.c.reported_at)
Index("ix_cases_reported", cases.c.reported_at, cases.c.id)

exposures = Table(
    "exposures",
    regional,
    primary_key(),
    public("person_id", ID, index=True),
    public("case_id", ID, nullable=True, index=True),
    public("source_case_id", ID, nullable=True, index=True),  # who exposed this person
    public("kind", nullable=True),  # setting: HEALTH_CARE HOUSEHOLD TRAVEL ANIMAL OTHER
    public("code", nullable=True),  # county where it happened
    public("started_on", nullable=True),
    public("ended_on", nullable=True),
    sealed(nullable=True),
    internal("source_key", nullable=True, unique=True),
    internal("source_hash", nullable=True),
    public("created_at"),
)
