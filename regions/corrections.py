"""Corrections: the history of every field (B14)."""

from __future__ import annotations

from sqlalchemy import Index, Table

from regions.metadata import ID, internal, primary_key, public, regional, sealed

__all__ = ["CORRECTION_ITEMS", "corrections", "sequences"]

CORRECTION_ITEMS = ("old", "new", "reason")
"""The reason, which is free text, and the old and new value of a private field: sealed."""

corrections = Table(
    "corrections",
    regional,
    primary_key(),
    public("record_type"),  # PERSON CASE CONTACT VISIT SAMPLE
    public("record_id", ID),
    public("field"),
    public("item", nullable=True),  # the private item the field is, if it is one
    public("old_value", nullable=True),  # JSON; null where the field is private
    public("new_value", nullable=True),
    sealed(),
    public("corrected_by"),  # account
    public("unit_id", nullable=True),
    internal("reporter", nullable=True),  # of the record corrected: who may read it in clear
    public("corrected_at"),
    public("person_id", ID, nullable=True, index=True),  # whose record it was
)
Index("ix_corrections_record", corrections.c.record_type, corrections.c.record_id)

sequences = Table(
    "sequences",
    regional,
    internal("name", primary_key=True),
    internal("next", ID),
)
