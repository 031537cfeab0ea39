"""Signals of one kind in the order of lists: clusters are few, and a list of them read all."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_signals_kind_detected", "signals", ["kind", "detected_at", "id"])
