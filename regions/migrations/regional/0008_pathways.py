"""Pathways of carriers and contacts: where each stands, what happened, what is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "pathways",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        _text("record"),
        sa.Column("person_id", _ID, nullable=False),
        _text("code"),
        _text("unit_id"),
        _text("level"),
        _text("started_as"),
        _text("started_at"),
        _text("pack"),
        _text("state"),
        _text("entered_at"),
        _text("day_one", nullable=True),
        _text("second_at", nullable=True),
        _text("released_at", nullable=True),
        sa.Column("revisits", sa.Integer(), nullable=False),
        _text("returns_to", nullable=True),
        _text("reporter_unit"),
        _text("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_pathways"),
    )
    op.create_index("ix_pathways_person_id", "pathways", ["person_id"])
    op.create_index("ix_pathways_code_state", "pathways", ["code", "state"])
    op.create_table(
        "pathway_events",
        sa.Column("pathway_id", _ID, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        _text("kind"),
        _text("at"),
        _text("state"),
        _text("unit_id"),
        _text("account"),
        _text("recorded_at"),
        sa.PrimaryKeyConstraint("pathway_id", "number", name="pk_pathway_events"),
    )
    op.create_table(
        "pathway_clocks",
        sa.Column("pathway_id", _ID, nullable=False, autoincrement=False),
        _text("kind"),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("place", sa.Integer(), nullable=False),
        _text("code"),
        _text("unit_id"),
        _text("reporter_unit"),
        _text("opened_at"),
        _text("due_at"),
        _text("met_at", nullable=True),
        _text("missed_at", nullable=True),
        _text("dropped_at", nullable=True),
        sa.PrimaryKeyConstraint("pathway_id", "kind", "number", name="pk_pathway_clocks"),
    )
    waits = sa.text("met_at IS NULL AND dropped_at IS NULL")
    for name, columns in (
        ("ix_pathway_clocks_due", ["due_at", "pathway_id"]),
        ("ix_pathway_clocks_code_due", ["code", "due_at", "pathway_id"]),
    ):
        op.create_index(name, "pathway_clocks", columns, sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_pathway_clocks_missed", "pathway_clocks", ["missed_at", "pathway_id"])
