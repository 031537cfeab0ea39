"""Pathways of carriers and contacts: where each stands, what happened, what is due (D)."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table

from regions.metadata import ID, internal, public, regional

__all__ = ["pathway_clocks", "pathway_events", "pathways"]

pathways = Table(
    "pathways",
    regional,
    public("id", ID, primary_key=True, autoincrement=False),  # that of the case or contact itself
    public("record"),  # case, contact
    public("person_id", ID, index=True),
    public("code"),  # county responsible
    public("unit_id"),  # unit responsible for what is due from now on
    public("level"),  # CASE, or the level of a contact: CLOSE SECONDARY
    public("started_as"),  # the level at the start: a contact may have become a carrier
    public("started_at"),
    public("pack"),  # id of the rule pack
    public("state"),
    public("entered_at"),
    public("day_one", nullable=True),
    public("second_at", nullable=True),  # when the sample of day 12 was taken
    public("released_at", nullable=True),  # from hospital
    public("revisits", Integer()),
    public("returns_to", nullable=True),  # the state an exclusion leads back to
    internal("reporter_unit"),  # of the case or contact: whose own records they are
    public("updated_at"),
)
Index("ix_pathways_code_state", pathways.c.code, pathways.c.state)

pathway_events = Table(
    "pathway_events",
    regional,
    public("pathway_id", ID, primary_key=True, autoincrement=False),
    public("number", Integer(), primary_key=True, autoincrement=False),  # in the order recorded
    public("kind"),
    public("at"),
    public("state"),  # after it
    public("unit_id"),
    internal("account"),
    public("recorded_at"),
)

pathway_clocks = Table(
    "pathway_clocks",
    regional,
    public("pathway_id", ID, primary_key=True, autoincrement=False),
    public("kind", primary_key=True),
    public("number", Integer(), primary_key=True, autoincrement=False),
    public("place", Integer()),  # among the clocks of its pathway, from 0
    public("code"),
    public("unit_id"),  # unit responsible when it was opened
    internal("reporter_unit"),
    public("opened_at"),
    public("due_at"),
    public("met_at", nullable=True),
    public("missed_at", nullable=True),  # the record of a lapse: it ran out unmet
    public("dropped_at", nullable=True),
    public("noted_at", nullable=True),  # when the lapse was written down
)
_waits = pathway_clocks.c.met_at.is_(None) & pathway_clocks.c.dropped_at.is_(None)
Index(
    "ix_pathway_clocks_due",
    pathway_clocks.c.due_at,
    pathway_clocks.c.pathway_id,
    sqlite_where=_waits,
    postgresql_where=_waits,
)
Index(
    "ix_pathway_clocks_code_due",
    pathway_clocks.c.code,
    pathway_clocks.c.due_at,
    pathway_clocks.c.pathway_id,
    sqlite_where=_waits,
    postgresql_where=_waits,
)
Index("ix_pathway_clocks_missed", pathway_clocks.c.missed_at, pathway_clocks.c.pathway_id)
_noted = pathway_clocks.c.noted_at.is_not(None)
Index(
    "ix_pathway_clocks_noted",
    pathway_clocks.c.noted_at,
    sqlite_where=_noted,
    postgresql_where=_noted,
)
