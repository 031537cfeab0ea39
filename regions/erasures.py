"""Orders to erase a person: asked by one, confirmed by another, kept for ever (F10)."""

from __future__ import annotations

from sqlalchemy import Table

from regions.metadata import central, internal, primary_key, public, sealed

__all__ = ["ERASURE_ITEMS", "erasures"]

ERASURE_ITEMS = ("reason", "letters")
"""Why, and where letters name the person (JSON): known before anything is erased."""

erasures = Table(
    "erasures",
    central,
    primary_key(),
    internal("people"),  # JSON array of the ids of the person's records, in all regions
    public("asked_by"),
    public("asked_at"),
    public("confirmed_by", nullable=True),
    public("confirmed_at", nullable=True),
    public("done_at", nullable=True),  # null while a region is still to be done
    sealed(),
)
